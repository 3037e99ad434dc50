"""For each check, what plants its mistake at a known place in a valid conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from harmony_spec import (
    SPECIAL_TOKENS,
    DeveloperContent,
    Message,
    ResponseFormat,
    Span,
    parse,
)

from .conversation_strategies import (
    ANALYSIS,
    COMMENTARY,
    FINAL,
    answer,
    randoms,
    said,
    waits,
)
from .planting import (
    PLANTED,
    Planted,
    Wrong,
    called,
    change,
    drawn,
    free,
    indices,
    is_final,
    plants,
    put,
    without,
)
from .recovery_strategies import VOCABULARY, tokens_of

__all__ = ["PLANTED"]

UNASSIGNED = ["<|reserved_200013|>", "<|reserved_201087|>"]
DISGUISES = [
    *(
        "<\u200b|end|>",
        "<|\u2060start|>",
        "<|end\u200d|>",
        "<|e\u00adn\ufe0fd|>",
        "<|\U000e0061call|>",
        "<|ret\u3164urn|>",
    ),
    *("＜|end|>", "<｜start｜>", "＜｜ｅｎｄ｜＞", "‹|message|›", "<ǀchannelǀ>", "<∣end∣>", "⟨|call|⟩", "＜｜END｜＞"),
    *(
        "<|\u0435nd|>",
        "<|st\u0430rt|>",
        "<|\u0441\u0430ll|>",
        "<|m\u0435\u0455\u0455\u0430g\u0435|>",
        "<|retur\U0001d427|>",
    ),
]


# The flow.


@plants("misplaced-instructions")
def _(rng: Random) -> Wrong:
    talk = drawn(rng)
    at = rng.choice(free(talk))
    message = Message(rng.choice(["system", "developer"]), "Be brief.")
    return Wrong(put(talk, at, message), at, "header")


@plants("unanswered-call")
def _(rng: Random) -> Wrong:
    talk, at, _ = called(rng)
    instead = [Message("user", "Well?"), Message("assistant", "Hm.", channel=COMMENTARY)]
    messages = [*talk.messages[: at + 1], rng.choice(instead), *talk.messages[at + 2 :]]
    return Wrong(replace(talk, messages=messages), at, "header")


@plants("unrequested-tool-result")
def _(rng: Random) -> Wrong:
    talk = drawn(rng)
    at = rng.choice(free(talk))
    name = rng.choice(["functions.zzz", "python"])
    return Wrong(put(talk, at, Message("tool", "3", name, "assistant", COMMENTARY)), at, "header")


@plants("misaddressed-tool-result")
def _(rng: Random) -> Wrong:
    talk, at, _ = called(rng)
    return Wrong(change(talk, at + 1, recipient=rng.choice([None, "user", "python"])), at + 1, "header")


@plants("tool-result-channel")
def _(rng: Random) -> Wrong:
    talk, at, _ = called(rng)
    return Wrong(change(talk, at + 1, channel=rng.choice([None, FINAL, ANALYSIS])), at + 1, "header")


@plants("repeated-final")
def _(rng: Random) -> Wrong:
    talk = drawn(rng, lambda talk: indices(talk, is_final))
    at = rng.choice(indices(talk, is_final))
    again = talk.messages[at]
    talk = put(change(talk, at, variants=()), at + 1, again)
    return Wrong(talk, at + 1, "header")


@plants("kept-analysis")
def _(rng: Random) -> Wrong:
    talk = drawn(rng, lambda talk: not waits(talk.messages))
    if not is_final(talk.messages[-1]):
        talk.messages.append(answer(rng, talk.setting))
    talk.messages[-1].variants = ()
    talk.messages.append(Message("user", "And?"))
    asked = indices(talk, lambda message: message.role == "user")
    at = rng.choice(asked[:-1]) + 1
    return Wrong(put(talk, at, Message("assistant", said(rng), channel=ANALYSIS)), at, "header")


@plants("return-in-history")
def _(rng: Random) -> Wrong:
    talk = drawn(rng)
    last = len(talk.messages) - 1
    ended = indices(talk, lambda message: "call" not in message.variants)
    at = rng.choice([i for i in ended if i != last or talk.start == "prompt" or talk.messages[i].role != "assistant"])
    return Wrong(change(talk, at, variants=without(talk.messages[at], "return")), at, "stop")


@plants("wrong-call-terminator")
def _(rng: Random) -> Wrong:
    talk, at, _ = called(rng)
    ends = rng.choice([(), ("return",)])
    return Wrong(change(talk, at, variants=without(talk.messages[at], *ends)), at, "stop")


@plants("missing-required-channel")
def _(rng: Random) -> Wrong:
    talk = drawn(rng, lambda talk: talk.setting.needs_channel)
    at = rng.choice(free(talk))
    return Wrong(put(talk, at, Message("assistant", said(rng))), at, "header")


@plants("maybe-chat")
def _(rng: Random) -> Wrong:
    talk = drawn(rng, lambda talk: not talk.setting.needs_channel)
    kept = [message for message in talk.messages if message.role not in ("assistant", "tool")]
    messages = [*kept, Message("assistant", said(rng)), Message("assistant", said(rng))]
    return Wrong(replace(talk, messages=messages), len(kept), "header")


@plants("undeclared-channel")
def _(rng: Random) -> Wrong:
    talk = drawn(rng, lambda talk: talk.setting.has_channels)
    at = rng.choice(free(talk))
    channel = rng.choice(["sketch", "x-1", "é"])
    return Wrong(put(talk, at, Message("assistant", said(rng), channel=channel)), at, "header")


@plants("call-outside-channel")
def _(rng: Random) -> Wrong:
    talk, at, tool = called(rng, builtin=rng.random() < 0.5)
    channel = ANALYSIS if tool.channel == COMMENTARY else COMMENTARY
    return Wrong(change(change(talk, at, channel=channel), at + 1, channel=channel), at, "header")


# Calls and answers.


@plants("undeclared-tool")
def _(rng: Random) -> Wrong:
    talk, at, _ = called(rng)
    name = rng.choice(["functions.zzz", "functions.a.b", "functions"])
    return Wrong(change(change(talk, at, recipient=name), at + 1, name=name), at, "header")


@plants("undeclared-namespace")
def _(rng: Random) -> Wrong:
    talk, at, _ = called(rng)
    name = rng.choice(["other.zzz", "zzz"])
    return Wrong(change(change(talk, at, recipient=name), at + 1, name=name), at, "header")


BROKEN = [
    *(("{city: 1}", 1, 2), ("Oslo", 0, 1), ('{"a": NaN}', 6, 9), ('{"a": 1,, "b": 2}', 8, 9), ("{'a': 1}", 1, 2)),
    *(("```json\n{}\n```", 0, 1), ('{"a" 1}', 5, 6), ('["a": 1]', 4, 5), ("{,}", 1, 2), ('{"a": "\n"}', 7, 8)),
    *(("get_weather({})", 0, 1), ('{"a": 01}', 7, 8), ('{"a": tru}', 6, 7), ('{"a": "\\x"}', 8, 9), ("\ufeff{}", 0, 1)),
]


@plants("invalid-json")
def _(rng: Random) -> Wrong:
    talk, at, _ = called(rng)
    text, first, last = rng.choice(BROKEN)
    return Wrong(change(talk, at, content=text), at, (first, last))


@plants("truncated-json")
def _(rng: Random) -> Wrong:
    talk, at, _ = called(rng)
    text = talk.messages[at].text.rstrip()
    cut = rng.randint(len(text) - len(text.lstrip()) + 1, len(text) - 1)
    return Wrong(change(talk, at, content=text[:cut]), at, "stop")


@plants("text-after-json")
def _(rng: Random) -> Wrong:
    talk, at, _ = called(rng)
    text, junk = talk.messages[at].text, rng.choice(["}", "Done.", "{}", ",", "```", "é", '"', "null"])
    return Wrong(change(talk, at, content=text + junk), at, (len(text), len(text) + len(junk)))


def holders(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a value that have members."""
    if isinstance(value, dict) and value:
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from holders(item)


TWICE = "@twice@"


@plants("duplicate-key")
def _(rng: Random) -> Wrong:
    talk, at, _ = called(rng)
    value = json.loads(talk.messages[at].text)
    holder = rng.choice(list(holders(value)))
    key = rng.choice(sorted(holder))
    holder[TWICE] = holder[key]
    text, spelled = json.dumps(value, indent=rng.choice([None, 1])), json.dumps(key)
    first = text.index(json.dumps(TWICE))
    text = text.replace(json.dumps(TWICE), spelled)
    return Wrong(change(talk, at, content=text), at, (first, first + len(spelled)))


@plants("call-envelope")
def _(rng: Random) -> Wrong:
    talk, at, tool = called(rng)
    value, short = json.loads(talk.messages[at].text), tool.name.split(".")[-1]
    envelopes = [
        {"name": rng.choice([short, tool.name]), "arguments": rng.choice([value, json.dumps(value)])},
        {"name": short, "parameters": value},
        {"type": "function", "id": "c1", "function": {"name": short, "arguments": json.dumps(value)}},
        {"recipient_name": tool.name, "parameters": value},
        {"arguments": value},
    ]
    return Wrong(change(talk, at, content=json.dumps(rng.choice(envelopes))), at, "content")


def broken(rng: Random, schema: dict[str, Any], text: str) -> str:
    """JSON that an object does not accept."""
    value = json.loads(text)
    missing = [{name: item for name, item in value.items() if name != needed} for needed in schema["required"]]
    return json.dumps(rng.choice([*missing, {**value, "more": 1}, [value], None, "x", 3]))


@plants("invalid-arguments")
def _(rng: Random) -> Wrong:
    talk, at, tool = called(rng, least=rng.choice([0, 1]))
    text = talk.messages[at].text
    wrong = broken(rng, tool.takes, text) if tool.takes else rng.choice(['{"a": 1}', "[]", "null", "0"])
    return Wrong(change(talk, at, content=wrong), at, "content")


@plants("invalid-answer")
def _(rng: Random) -> Wrong:
    talk = drawn(rng, lambda talk: indices(talk, is_final), answers=1)
    at = rng.choice(indices(talk, is_final))
    forms = [typed.schema for typed in talk.setting.answers]
    wrong = broken(rng, forms[0], talk.messages[at].text) if len(forms) == 1 else "[]"
    return Wrong(change(talk, at, content=wrong), at, "content")


@plants("unfinished-check")
def _(rng: Random) -> Wrong:
    talk = drawn(rng, lambda talk: indices(talk, is_final), answers=1)
    at = rng.choice(indices(talk, is_final))
    twice = {"allOf": [{"items": {"$ref": "#"}}] * 2}
    for message in talk.messages:
        if isinstance(message.content, DeveloperContent):
            message.content.response_formats = [
                replace(each, schema=twice) for each in message.content.response_formats
            ]
    deep = rng.randint(12, 40)
    for other in indices(talk, is_final):
        talk.messages[other].content = "[" * deep + "]" * deep if other == at else "3"
    return Wrong(talk, at, "content")


# What is declared.


@plants("unread-content")
def _(rng: Random) -> Wrong:
    talk = drawn(rng, least=1)
    [at] = indices(talk, lambda message: isinstance(message.content, DeveloperContent))
    text = talk.messages[at].text
    ways = [text.replace("} // namespace", "} /"), text.replace("=> any", "=> all"), text.replace("(_: ", "(: ")]
    wrong = rng.choice([way for way in ways if way != text])
    first = next(place for place, pair in enumerate(zip(text, wrong, strict=False)) if pair[0] != pair[1])
    return Wrong(change(talk, at, content=wrong), at, (first, first + 1))


WRONG_SCHEMAS = [
    *(
        {"type": "text"},
        {"type": 3},
        {"properties": []},
        {"required": "a"},
        {"minimum": "3"},
        {"anyOf": []},
    ),
    *({"properties": {"a": {"items": {"type": "str"}}}}, {"$ref": "#/$defs/none"}, {"items": {"$ref": "#/$defs/none"}}),
    *({"pattern": "("}, {"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"$ref": "https://example.com/remote"}),
    *({"$schema": 3}, {"$schema": "http://["}, {"$ref": "http://["}, {"$ref": "#/required", "required": []}),
]


@plants("invalid-schema")
def _(rng: Random) -> Wrong:
    talk = drawn(rng, lambda talk: talk.setting.answers or not indices(talk, is_final), least=1)
    [at] = indices(talk, lambda message: isinstance(message.content, DeveloperContent))
    content = talk.messages[at].content
    assert isinstance(content, DeveloperContent)
    content.response_formats.append(ResponseFormat("odd", rng.choice(WRONG_SCHEMAS)))
    return Wrong(talk, at, "content")


# Tokens.


def unassigned(rng: Random) -> Planted:
    talk = drawn(rng)
    text, token = talk.text(), rng.choice(UNASSIGNED)
    _, content, stop, _ = rng.choice(parse(text, talk.start).bounds[: len(talk.messages)])
    at = rng.randint(content, stop)
    source = text[:at] + token + text[at:]
    if rng.random() < 0.5:
        return Planted(source, Span(at, at + len(token)), talk.start)
    tokens = tokens_of(source)
    at = tokens.index(SPECIAL_TOKENS[token])
    return Planted(tokens, Span(at, at + 1), talk.start)


PLANTED["unassigned-special-token"] = randoms.map(unassigned)


def non_canonical(rng: Random) -> Planted:
    """A token of a content is replaced by those of its bytes, which are the first ids of the vocabulary."""
    talk = drawn(rng, lambda talk: not isinstance(talk.messages[0].content, str))
    tokens = talk.tokens()
    bounds = parse(tokens, talk.start).bounds
    split = [b"" if token in SPECIAL_TOKENS.values() else VOCABULARY.decode_bytes([token]) for token in tokens]
    at = rng.choice([i for _, content, stop, _ in bounds for i in range(content, stop) if len(split[i]) > 1])
    single = {VOCABULARY.decode_bytes([number]): number for number in range(256)}
    parts = [single[bytes([byte])] for byte in split[at]]
    return Planted([*tokens[:at], *parts, *tokens[at + 1 :]], Span(at, at + len(parts)), talk.start)


PLANTED["non-canonical-tokens"] = randoms.map(non_canonical)


def in_text(rng: Random, piece: str) -> Wrong:
    """A piece of text anywhere in what a user or a tool says."""
    talk = drawn(rng)
    at = rng.choice(indices(talk, lambda message: message.role in ("user", "tool")))
    text = talk.messages[at].text
    first = rng.randint(0, len(text))
    return Wrong(change(talk, at, content=text[:first] + piece + text[first:]), at, (first, first + len(piece)))


@plants("spelled-special-token", ("tokens",))
def _(rng: Random) -> Wrong:
    return in_text(rng, rng.choice(list(SPECIAL_TOKENS)))


@plants("disguised-special-token")
def _(rng: Random) -> Wrong:
    return in_text(rng, rng.choice(DISGUISES))
