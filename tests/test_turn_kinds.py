"""The kinds of messages: what a completion is made of, and what the checks of the order of messages follow."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType

import pytest

from codegen import generate
from harmony_spec import codec
from harmony_spec.adapters import from_chat

from . import dialect

NAMES = {"thoughts": "t", "preamble": "p", "call": "c", "answer": "a"}


@cache
def documents() -> ModuleType:
    return dialect.codec_of("documents", Path(mkdtemp()))


def completions(module: ModuleType, length: int) -> set[str]:
    """All sequences of kinds that a completion can have, up to a length: as an engine derives them from `turn`.

    A completion begins with what the model writes after another author, and ends where another author may follow. No
    message follows one whose stop token ends completions.
    """
    turn, author = module.FORMAT.turn, set(module.FORMAT.recovery.author.items())
    model = {kind.name for kind in turn if author <= set(kind.when)}
    first = {name for kind in turn if kind.name not in model for name in kind.then if name in model}
    stops = {kind.last for kind in turn} - {None}
    found = set()
    for steps in (steps for size in range(1, length + 1) for steps in product(model, repeat=size)):
        kinds = [module.FORMAT.kinds[name] for name in steps]
        goes_on = all(b.name in a.then and a.ends not in stops for a, b in pairwise(kinds))
        if steps[0] in first and goes_on and set(kinds[-1].then) - model:
            found.add("".join(NAMES[name] for name in steps))
    return found


@pytest.mark.parametrize(("name", "pattern"), [("harmony", "t*p?[ca]"), ("documents", "(p?t)*p?[ca]")])
def test_the_turn_says_what_a_completion_is(name: str, pattern: str) -> None:
    words = {"".join(word) for size in range(1, 6) for word in product("tpca", repeat=size)}
    module = codec if name == "harmony" else documents()
    assert completions(module, 5) == {word for word in words if re.fullmatch(pattern, word)}


def message(role: str, text: str = "x", channel: str = "", stop: str = "<|end|>") -> str:
    return f"<|start|>{role}{channel and '<|channel|>'}{channel}<|message|>{text}{stop}"


def found_in(module: ModuleType, *messages: str) -> list[tuple[str, int]]:
    return [(found.code.name, found.index) for found in module.validate("".join(messages)).diagnostics]


ANSWERED = (message("user"), message("assistant", channel="final"))


def test_the_order_of_messages_follows_the_grammar() -> None:
    """Where the grammar lets developer messages follow an answer, they end a turn as messages of a user do."""
    late = (*ANSWERED, message("developer"), message("user"))
    assert found_in(codec, *late) == [("misplaced-instructions", 2)]
    assert found_in(documents(), *late) == []
    assert found_in(documents(), *late, message("system")) == [("misplaced-instructions", 4)]
    assert found_in(documents(), message("system"), message("document"), *ANSWERED, message("document")) == []
    twice = (*ANSWERED, message("developer"), message("assistant", channel="final"))
    assert found_in(documents(), *twice) == []
    assert found_in(documents(), *ANSWERED, message("assistant", channel="final")) == [("repeated-final", 2)]


def test_thoughts_are_dropped_where_another_kind_begins_a_turn() -> None:
    thought = message("assistant", channel="analysis")
    text = (message("user"), thought, message("assistant", channel="final"), message("document"))
    assert found_in(documents(), *text) == [("kept-analysis", 1)]


def test_what_may_come_before_a_result_follows_the_grammar() -> None:
    call = message("assistant to=functions.f", channel="commentary", stop="<|call|>")
    waits = (message("user"), call, message("document"), message("functions.f to=assistant", channel="commentary"))
    assert found_in(documents(), *waits) == []
    assert found_in(documents(), *waits[:2], message("user")) == [("unanswered-call", 1)]


def test_a_message_is_of_the_first_kind_that_it_meets() -> None:
    fields = {"system": {"role": "system"}, "thoughts": {"role": "assistant", "channel": "analysis"}}
    fields["call"] = {"role": "assistant", "channel": "analysis", "recipient": "python"}
    fields["preamble"] = {"role": "assistant"}
    for kind, values in fields.items():
        assert codec.FORMAT.kind_of(codec.Message(content="", **values)) == kind
    assert dialect.codec_of("chatml", Path(mkdtemp())).FORMAT.turn == ()


def test_the_stop_token_of_a_kind_is_written_in_every_style() -> None:
    """No style of Muse Glimmer chooses one; what its turn says is written, and is what validation wants."""
    module = dialect.codec_of("muse_glimmer", Path(mkdtemp()))
    turn = [
        module.Message("user", "Hi."),
        module.Message("assistant", "A call.", recipient="self"),
        module.Message("assistant", "{}", recipient="f.g"),
        module.Message("tool", "1", name="f.g", recipient="assistant"),
        module.Message("assistant", "Done.", recipient="user"),
    ]
    text = module.render_text(turn)
    assert re.findall(r"<\|eo[mt]\|>", text) == ["<|eot|>", "<|eom|>", "<|eot|>", "<|eot|>", "<|eot|>"]
    assert module.validate(text).diagnostics == []
    assert module.render_text(module.from_json(module.to_json(turn)), style="as_parsed") == text


@pytest.mark.parametrize(("named", "channel"), [("false", None), ('"analysis"', "analysis"), ("true", "commentary")])
def test_results_may_have_another_channel_than_their_calls(named: str, channel: str | None, tmp_path: Path) -> None:
    """If `has` names one, or none; chats are read like that, too."""
    old = 'has = { recipient = "assistant" }'
    edit = {"file": "conversation.toml", "old": old, "new": f"{old[:-2]}, channel = {named} }}"}
    module = dialect.module_of("channel_of_results", generate(dialect.edited(tmp_path / "grammar", [edit])), tmp_path)
    call = message("assistant to=functions.f", "{}", "commentary", "<|call|>")
    result = message("functions.f to=assistant", "1", channel or "")
    assert ("tool-result-channel", 1) not in found_in(module, call, result)
    other = message("functions.f to=assistant", "1", "final")
    assert ("tool-result-channel", 1) in found_in(module, call, other)
    function = {"name": "f", "arguments": "{}"}
    calls = [{"id": "1", "type": "function", "function": function}]
    chat = [{"role": "assistant", "tool_calls": calls}, {"role": "tool", "tool_call_id": "1", "content": "1"}]
    assert from_chat(chat, codec=module).messages[-1].channel == channel
