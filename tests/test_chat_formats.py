"""Chats in formats that differ from this one in the grammar alone: other kinds of messages, fewer or more fields."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType

import pytest

from codegen import generate
from harmony_spec.adapters import ChatStream, from_chat, to_chat
from harmony_spec.constraints import constrain
from harmony_spec.errors import CodecError

from .dialect import Edit, edited, module_of
from .header_edits import START, lark
from .test_dialect_laws import tokens_of

CALL_STYLE = """[[always]]
choose = "call"
when = { role = "assistant", recipient = true }
"""
MODEL_STYLE = 'choose = [{ choose = "recipient_last", when = { role = "assistant" } }]'
PREAMBLE = """[[turn]]
kind = "preamble"
when = { role = "assistant" }
has = { channel = "commentary" }
then = ["call", "answer"]
"""
THOUGHTS = """[[turn]]
kind = "thoughts"
when = { role = "assistant", recipient = "self" }
then = ["thoughts", "preamble", "call", "answer"]
"""
HEADER = "header: recipient? channel? type?\n      | channel recipient type? -> recipient_last"
TYPE = 'type: " " constrain? content_type\n     | constrain content_type -> unspaced'


def turn(old: str, new: str = "", everywhere: bool = False) -> Edit:
    edit = {"file": "conversation.toml", "old": old, "new": new}
    return edit | {"everywhere": "yes"} if everywhere else edit


def recovery(old: str) -> Edit:
    return {"file": "recovery.toml", "old": old, "new": ""}


def style(old: str, new: str = "") -> Edit:
    return {"file": "styles.toml", "old": old, "new": new}


NO_CONSTRAIN = [
    lark("constrain: CONSTRAIN\n", ""),
    lark('CONSTRAIN: "<|constrain|>"\n', ""),
    recovery('constrain = "constrain"\n'),
    recovery('[costs.constrain]\ncodes = { again = "repeated-constrain" }\n'),
    turn('["constrain", "content_type"]', '["content_type"]'),
]
GRAMMARS: dict[str, list[Edit]] = {
    "renamed preamble": [turn('"preamble"', '"lead_in"', everywhere=True)],
    "no preamble": [turn(PREAMBLE), turn('"preamble", ', everywhere=True)],
    "no constrain": [lark(TYPE, 'type: " " content_type'), *NO_CONSTRAIN],
    "no style": [style(CALL_STYLE)],
    "no channel": [
        lark(HEADER, "header: recipient? type?"),
        lark("channel: CHANNEL WORD\n", ""),
        lark('CHANNEL: "<|channel|>"\n', ""),
        recovery('channel = "channel"\n'),
        style(MODEL_STYLE),
        style(CALL_STYLE),
        turn("<|channel|>final"),
        turn('has = { channel = "commentary" }\n', everywhere=True),
        turn(', channel = "final" }', ', recipient = "user" }'),
        turn('[[turn]]\nkind = "thoughts"\nwhen = { role = "assistant", channel = "analysis" }\n', "#"),
        turn("# A call of a tool of the developer", f"{THOUGHTS}\n# A call of a tool of the developer"),
        turn('#then = ["thoughts", "preamble", "call", "answer"]\n'),
        turn('channel = "analysis" }\ncompletes', 'recipient = "self" }\ncompletes'),
    ],
    "two tokens that open contents": [
        *(
            lark(f"{frame} MESSAGE content", f"{frame} body content")
            for frame in (
                "message: opening header",
                "unfinished: opening header",
                "continuation: header",
                "remainder: header",
            )
        ),
        lark(START, f'body: MESSAGE -> plain | RAW -> raw\nRAW: "<|reserved_200013|>"\n{START}'),
    ],
    "pauses": [
        lark("| RETURN -> return", "| RETURN -> return\n          | PAUSE -> pause"),
        lark(START, f'PAUSE: "<|reserved_200013|>"\n{START}'),
        turn('kind = "thoughts"', 'kind = "thoughts"\nends = "pause"'),
        turn('last = "return"', 'ends = "pause"\nlast = "return"'),
        turn('kind = "user"', 'kind = "user"\nends = "pause"'),
    ],
    "no name in a slot": [recovery('name = "name"\n')],
    "no recovery": [{"file": "recovery.toml"}, {"file": "diagnostics.toml"}],
}

TOOLS = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
]
CHAT = [
    {"role": "user", "content": "Hi."},
    {
        "role": "assistant",
        "content": "Let me see.",
        "reasoning": "I need the weather.",
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    {"role": "assistant", "content": "It is sunny."},
]


@cache
def codec_of(name: str) -> ModuleType:
    folder = Path(mkdtemp())
    return module_of(f"chat_{name}".replace(" ", "_"), generate(edited(folder / "grammar", GRAMMARS[name])), folder)


@pytest.mark.parametrize(
    "name", ["renamed preamble", "no preamble", "no constrain", "no style", "no channel", "pauses"]
)
def test_a_chat_is_held_by_other_kinds_and_fields(name: str) -> None:
    """It is written without findings, read back, streamed, and admitted by engines."""
    module = codec_of(name)
    messages = from_chat(CHAT, tools=TOOLS, codec=module).messages
    text = module.render_text(messages)
    assert module.parse(text).messages == messages
    assert module.validate(text).diagnostics == []
    back = to_chat(messages, codec=module)
    assert [row["role"] for row in back] == [row["role"] for row in CHAT]
    assert (back[1]["content"], back[1]["reasoning"]) == ("Let me see.", "I need the weather.")
    assert [call["function"]["name"] for call in back[1]["tool_calls"]] == ["weather"]
    completion = module.render_text(messages[-5:-2], "completion")
    has_kinds = all(map(module.FORMAT.kind_of, messages))  # without preambles, text before a call is of no kind
    assert constrain(codec=module, tools=TOOLS).admits(completion) is has_kinds
    stream = ChatStream(tools=TOOLS, codec=module)
    chunks = [*stream.feed(tokens_of(module, completion)), *stream.close()]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "Let me see."


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("two tokens that open contents", "messages need `body`; set it in `has` of each"),
        ("no name in a slot", r"its grammar has no `name` in \[slots\]"),
        ("no recovery", "this codec has no recover; its grammar folder lacks recovery.toml"),
    ],
)
def test_a_format_that_cannot_hold_chats_is_refused(name: str, reason: str) -> None:
    with pytest.raises(CodecError, match=reason):
        from_chat(CHAT, tools=TOOLS, codec=codec_of(name))


def test_a_stop_token_of_completions_in_history_becomes_that_of_its_kind() -> None:
    module = codec_of("pauses")
    user, answer = "<|start|>user<|message|>x<|reserved_200013|>", "<|start|>assistant<|channel|>final<|message|>y"
    (found,) = module.validate(f"{user}{answer}<|return|>{user}").diagnostics
    assert (found.code.name, found.fix.replacement) == ("return-in-history", "<|reserved_200013|>")
