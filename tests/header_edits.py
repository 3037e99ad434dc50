"""Edits of the headers of this package's grammar, each with an input that it then describes."""

from __future__ import annotations

HEADER = "header: recipient? channel? type?\n      | channel recipient type? -> recipient_last"
START = 'START: "<|start|>"'


def lark(old: str, new: str) -> dict[str, str]:
    return {"file": "harmony.lark", "old": old, "new": new}


def header(new: str) -> dict[str, str]:
    """Both orders of a header with another part at their ends."""
    return lark(
        HEADER, f"header: recipient? channel? type? {new}\n      | channel recipient type? {new} -> recipient_last"
    )


GRAMMARS = {
    "type first": [
        lark(HEADER, "header: type? recipient? channel?\n      | type? channel recipient -> recipient_last")
    ],
    "a field in each line": [
        lark('recipient: " to=" WORD', 'recipient: "\\nto: " WORD'),
        lark(
            'type: " " constrain? content_type\n     | constrain content_type -> unspaced',
            'type: "\\ntype: " content_type',
        ),
        lark("constrain: CONSTRAIN\n", ""),
        lark('CONSTRAIN: "<|constrain|>"\n', ""),
        {"file": "recovery.toml", "old": 'constrain = "constrain"\n', "new": ""},
        {"file": "recovery.toml", "old": '[costs.constrain]\ncodes = { again = "repeated-constrain" }\n', "new": ""},
        {"file": "conversation.toml", "old": '["constrain", "content_type"]', "new": '["content_type"]'},
    ],
    "alternatives before the role": [
        lark("author: ROLE", "author: way? ROLE"),
        lark(
            START, f'way: LEFT -> left | RIGHT -> right\nLEFT: "<|reserved_200013|>"\nRIGHT: "<|endoftext|>"\n{START}'
        ),
    ],
    "alternatives before a type": [
        lark("constrain? content_type", "way? constrain? content_type"),
        lark(
            START, f'way: LEFT -> left | RIGHT -> right\nLEFT: "<|reserved_200013|>"\nRIGHT: "<|endoftext|>"\n{START}'
        ),
    ],
    "field": [header("priority?"), lark(START, f'priority: " priority=" PRIORITY\nPRIORITY: /[a-z]+/\n{START}')],
    "list": [header("priority?"), lark(START, f'priority: " priority=" PRIORITY\nPRIORITY: "high" | "low"\n{START}')],
    "list of words": [
        header("priority?"),
        lark(START, f'priority: " priority=" PRIORITY\nPRIORITY: "very high" | "low"\n{START}'),
    ],
    "list of sentences": [
        lark("header: recipient?", "header: topic? recipient?"),
        lark(START, f'topic: "; topic: " TOPIC\nTOPIC: "a question about the weather" | "a story"\n{START}'),
    ],
    "field in quotes": [
        header("priority?"),
        lark(START, f'priority: " priority=\\"" PRIORITY "\\""\nPRIORITY: /[a-z ]+/\n{START}'),
    ],
    "recipient in brackets": [
        lark('recipient: " to=" WORD', 'recipient: " (" WORD_IN_BRACKETS ")"'),
        lark(START, f"WORD_IN_BRACKETS: /[a-z._]+/\n{START}"),
    ],
    "any content type": [
        {"file": "recovery.toml", "old": '[content_types]\nknown = ["json", "code"]\njson = "json"\n', "new": ""}
    ],
    "flag": [header("urgent?"), lark(START, f'urgent: URGENT\nURGENT: "<|reserved_200013|>"\n{START}')],
    "flag in text": [header("silent?"), lark(START, f'silent: " silent!"\n{START}')],
    "flag of a sign": [lark("author: ROLE (", "author: ROLE mood? ("), lark(START, f'mood: " #"\n{START}')],
    "flag at the opener": [
        lark("header MESSAGE content terminator", "header MESSAGE urgent? content terminator"),
        lark(START, f'urgent: URGENT\nURGENT: "<|reserved_200013|>"\n{START}'),
    ],
    "two tokens that open contents": [
        lark("message: opening header MESSAGE content", "message: opening header kind content"),
        lark("unfinished: opening header MESSAGE content", "unfinished: opening header kind content"),
        lark("continuation: header MESSAGE content", "continuation: header kind content"),
        lark("remainder: header MESSAGE content", "remainder: header kind content"),
        lark(START, f'kind: MESSAGE -> text\n    | IMAGE -> image\nIMAGE: "<|reserved_200013|>"\n{START}'),
    ],
    "closed channels": [
        lark("channel: CHANNEL WORD", "channel: CHANNEL CHANNELS"),
        lark(START, f'CHANNELS: "analysis" | "commentary" | "final"\n{START}'),
    ],
    "channels named like rules of contents and roles": [
        lark("channel: CHANNEL WORD", "channel: CHANNEL CHANNELS"),
        lark(START, f'CHANNELS: "analysis" | "commentary" | "final" | "summary" | "tool" | "developer"\n{START}'),
    ],
    "type after a sign": [lark('type: " " constrain? content_type', 'type: "; type=" constrain? content_type')],
    "token before a recipient": [
        lark('recipient: " to=" WORD', "recipient: TO WORD"),
        lark(START, f'TO: "<|reserved_200013|>"\n{START}'),
    ],
    "token before an author": [
        lark("opening: START author", "opening: START vip? author"),
        lark(START, f'vip: VIP\nVIP: "<|reserved_200013|>"\n{START}'),
    ],
    "text before an author": [
        lark("opening: START author", 'opening: START (" m=" mode)? author'),
        lark(START, f"mode: MODE\nMODE: /[0-9]/\n{START}"),
    ],
    "two names with nothing between": [
        lark("author: ROLE", "author: NOTE? ROLE"),
        lark(START, f'NOTE: "urgent" | "calm"\n{START}'),
    ],
    "sign before a type": [lark('type: " " constrain?', 'type: " | " constrain?')],
    "sign in two spellings": [
        lark('type: " " constrain?', "type: between constrain?"),
        lark(START, f'between: " " | " ;" -> wide\n{START}'),
        lark(r"WORD: /[^\s<]+/", r"WORD: /[^\s<;]+/"),
    ],
    "role that begins with what introduces a name": [
        lark('author: ROLE (":" name)?', 'author: ROLE (" as " name)?'),
    ],
    "no author": [lark("| name -> tool", "| name -> tool\n      | -> nobody")],
    "token and sign before a tool": [
        lark("| name -> tool", '| TOOL ":" name -> tool'),
        lark(START, f'TOOL: "<|reserved_200013|>"\n{START}'),
    ],
    "token and space before a tool, or a token": [
        lark("| name -> tool", '| TOOL " " name -> tool | TOOL name -> near_tool'),
        lark(START, f'TOOL: "<|reserved_200013|>"\n{START}'),
    ],
    "token and sign before a recipient": [
        lark('recipient: " to=" WORD', 'recipient: TO ":" WORD'),
        lark(START, f'TO: "<|reserved_200013|>"\n{START}'),
    ],
    "recipient in two spellings": [
        lark('recipient: " to=" WORD', 'recipient: " @" WORD | " for=" WORD -> worded'),
        lark(r"WORD: /[^\s<]+/", r"WORD: /[^\s<@]+/"),
    ],
    "field in two spellings": [
        header("priority?"),
        lark(
            START, f'priority: " urgency=" PRIORITY | " rank: " PRIORITY -> ranked\nPRIORITY: "high" | "low"\n{START}'
        ),
    ],
    "no slot for recipients": [{"file": "recovery.toml", "old": 'recipient = "recipient"\n', "new": ""}],
    "no implied flag": [
        {
            "file": "conversation.toml",
            "old": '[[implied]]\nflag = "channel_config.function_calls"\nlist = "developer.tools"\n',
            "new": "",
        }
    ],
}
VALID = {
    "alternatives before the role": (
        "<|start|><|endoftext|>assistant<|channel|>final json<|message|>x<|end|><|start|>user<|message|>y<|end|>"
    ),
    "alternatives before a type": (
        "<|start|>user<|channel|>final <|endoftext|>json<|message|>x<|end|><|start|>user json<|message|>y<|end|>"
    ),
    "field": "<|start|>assistant<|channel|>final json priority=high<|message|>x<|end|>",
    "list": "<|start|>assistant<|channel|>final <|constrain|>json priority=low<|message|>x<|end|>",
    "list of words": "<|start|>assistant<|channel|>final json priority=very high<|message|>x<|end|>",
    "list of sentences": "<|start|>assistant; topic: a question about the weather<|channel|>final<|message|>x<|end|>",
    "field in quotes": '<|start|>assistant priority="as you like or not so much at all"<|message|>x<|end|>',
    "recipient in brackets": "<|start|>assistant (functions.f)<|channel|>commentary json<|message|>{}<|call|>",
    "any content type": "<|start|>assistant<|channel|>final text/x<|message|>x<|end|>",
    "flag": "<|start|>assistant<|channel|>final json<|reserved_200013|><|message|>x<|end|>",
    "flag in text": "<|start|>assistant<|channel|>final json silent!<|message|>x<|end|>",
    "flag of a sign": "<|start|>assistant #<|channel|>final json<|message|>x<|end|>",
    "flag at the opener": "<|start|>assistant<|channel|>final<|message|><|reserved_200013|>x<|end|>",
    "two tokens that open contents": (
        "<|start|>user<|message|>x<|end|><|start|>user<|reserved_200013|>y<|end|>"
        "<|start|>assistant<|channel|>final json<|reserved_200013|>z<|end|>"
    ),
    "closed channels": "<|start|>assistant<|channel|>final<|message|>x<|end|>",
    "channels named like rules of contents and roles": "<|start|>assistant<|channel|>summary<|message|>x<|end|>",
    "type after a sign": "<|start|>assistant<|channel|>final; type=json<|message|>x<|end|>",
    "token before a recipient": (
        "<|start|>assistant<|channel|>commentary<|reserved_200013|>functions.f json<|message|>{}<|call|>"
    ),
    "token before an author": "<|start|><|reserved_200013|>assistant<|channel|>final<|message|>x<|end|>",
    "type first": "<|start|>alice code<|channel|>commentary to=functions.f<|message|>x<|end|>",
    "a field in each line": "<|start|>assistant\nto: functions.f<|channel|>commentary\ntype: json<|message|>{}<|call|>",
    "text before an author": "<|start|> m=7assistant json<|message|>x<|end|><|start|>user<|message|>y<|end|>",
    "two names with nothing between": "<|start|>urgentuser:alice<|message|>x<|end|>",
    "sign before a type": "<|start|>user<|channel|>verdict | json<|message|>x<|end|>",
    "sign in two spellings": "<|start|>user:alice ;json<|message|>x<|end|>",
    "role that begins with what introduces a name": "<|start|>alice to=assistant code<|message|>x<|end|>",
    "no author": "<|start|> json<|message|>x<|end|><|start|><|channel|>final<|message|>x<|end|>",
    "token and sign before a tool": "<|start|><|reserved_200013|>:alice to=assistant<|message|>x<|end|>",
    "token and space before a tool, or a token": (
        "<|start|><|reserved_200013|> functions.f<|message|>x<|end|>"
        "<|start|><|reserved_200013|>functions.f<|channel|>final to=functions.f<|message|>x<|end|>"
    ),
    "token and sign before a recipient": "<|start|>functions.f<|reserved_200013|>:assistant code<|message|>x<|end|>",
    "recipient in two spellings": (
        "<|start|>assistant<|channel|>commentary @functions.f<|message|>{}<|call|>"
        "<|start|>assistant<|channel|>commentary for=functions.f json<|message|>{}<|call|>"
    ),
    "field in two spellings": (
        "<|start|>assistant<|channel|>final urgency=low<|message|>x<|end|>"
        "<|start|>assistant<|channel|>final json rank: high<|message|>x<|end|>"
    ),
    "no slot for recipients": "<|start|>user<|message|>x<|end|>",
    "no implied flag": "<|start|>assistant<|channel|>v1.2<|message|>x<|end|>",
}
