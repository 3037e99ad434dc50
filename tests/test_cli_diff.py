"""`harmony-spec diff` and `harmony-spec decode`: what they print, how they exit."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import Message, codec, decode, drop_analysis, encode, render, render_text
from harmony_spec.cli import main
from harmony_spec.linting.divergence import KINDS, MAX_LOOKAHEAD, Difference, differences

from .conftest import examples
from .recovery_strategies import CHANNELS, any_text, any_tokens
from .strategies import contents, conversations, retokenized

CALL = Message("assistant", "{}", channel="commentary", recipient="functions.f")
TALK = [
    Message("user", "What is 2 + 2?"),
    Message("assistant", "I compute it.", channel="analysis"),
    Message("assistant", "It is four.", channel="final"),
    Message("user", "And 3 + 3?"),
    CALL,
]
TOKENS = render(TALK)


EXACT_TOKENS = Path(__file__).parent.parent / "docs" / "exact-tokens.md"


def run(*arguments: object, given: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], input=given)


def in_pieces(tokens: list[int]) -> list[int]:
    """The same text, in a token for each character."""
    return [
        other
        for token in tokens
        for other in ([token] if token >= 199_998 else [each for char in decode([token]) for each in encode(char)])
    ]


def with_message(index: int, **fields: Any) -> list[Message]:
    return [*TALK[:index], replace(TALK[index], **fields), *TALK[index + 1 :]]


Case = tuple[list[int] | str, list[tuple[str, str, int | None, int | None, str]]]

CASES: dict[str, Case] = {
    "equal": (TOKENS, []),
    "equal as text": (decode(TOKENS), []),
    "saved by an editor": (decode(TOKENS) + "\n", []),
    "content": (render(with_message(2, content="It is five.")), [("content", "content", 2, 2, " four.")]),
    "tokens of a content": (
        [*TOKENS[:3], *in_pieces(TOKENS[3:11]), *TOKENS[11:]],
        [("tokenization", "content", 0, 0, "What is 2 + 2?")],
    ),
    "tokens of a header": (
        [TOKENS[0], *in_pieces(TOKENS[1:2]), *TOKENS[2:]],
        [("tokenization", "header", 0, 0, "user<|message|>")],
    ),
    "spelling of a header": (
        render(TALK, style="model"),
        [("header-spelling", "header", 4, 4, "<|start|>assistant to=functions.f<|channel|>commentary<|message|>")],
    ),
    "field": (
        render(with_message(4, recipient="functions.g")),
        [("header", "header", 4, 4, "<|start|>assistant to=functions.f<|channel|>commentary<|message|>")],
    ),
    "stop token": (
        encode(decode(TOKENS).removesuffix("<|call|>") + "<|end|>", allowed_special="all"),
        [("stop-token", "stop", 4, 4, "<|call|>")],
    ),
    "dropped": (
        render(drop_analysis(TALK)),
        [("dropped", "", 1, None, "<|start|>assistant<|channel|>analysis<|message|>I compute it.<|end|>")],
    ),
    "missing": (
        render(TALK[:3] + TALK[4:]),
        [("absent-message", "", 3, None, "<|start|>user<|message|>And 3 + 3?<|end|>")],
    ),
    "added": (render([*TALK, TALK[0]]), [("absent-message", "", None, 5, "")]),
    "open header": (render(TALK, "prompt"), [("open-header", "", None, None, "")]),
    "outside": ("Sure. " + decode(TOKENS), [("outside", "", None, None, "")]),
    "several": (
        render([TALK[0], replace(TALK[2], content="It is six."), TALK[3]]),
        [
            ("dropped", "", 1, None, "<|start|>assistant<|channel|>analysis<|message|>I compute it.<|end|>"),
            ("content", "content", 2, 2 - 1, " four."),
            ("absent-message", "", 4, None, decode(render([CALL]))),
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_parts_is_found(name: str, tmp_path: Path) -> None:
    """The kind, the part, the messages, and the text in the first input; the other direction is the same mirrored."""
    other, expected = CASES[name]
    first, second = tmp_path / "a.json", tmp_path / ("b.txt" if isinstance(other, str) else "b.json")
    first.write_text(json.dumps(TOKENS))
    second.write_text(other if isinstance(other, str) else json.dumps(other))
    result = run("diff", "--json", first, second)
    value = json.loads(result.stdout)
    assert (result.exit_code, value["equal"]) == (int(bool(expected)), not expected)
    found = [
        (
            each["kind"],
            each["part"],
            *((each[side] or {}).get("message") for side in "ab"),
            (each["a"] or {}).get("text", ""),
        )
        for each in value["differences"]
    ]
    assert found == expected
    mirrored = json.loads(run("diff", "--json", second, first).stdout)["differences"]
    assert [(each["kind"], each["b"]) for each in mirrored] == [
        (each["kind"], each["a"]) for each in value["differences"]
    ]
    shown = run("diff", first, second)
    assert shown.exit_code == result.exit_code
    assert len(shown.stdout.splitlines()) == len(expected)
    assert all(KINDS[kind] in line for (kind, *_), line in zip(expected, shown.stdout.splitlines(), strict=True))


def test_a_line_shows_both_places(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(TOKENS))
    (tmp_path / "b.txt").write_text(render_text(with_message(2, content="It is\u202e five.")))
    shown = run("diff", tmp_path / "a.json", tmp_path / "b.txt").stdout
    assert shown == "message 2, content, token 29 | character 163: another content: ' four.' | '\\u202e five.'\n"


@pytest.mark.parametrize("data", ['[1, "x"]', "{", '{"messages": [{}]}', '{"a": 1}'])
def test_inputs_that_cannot_be_read_end_with_2(data: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(data)
    for names in (("a.json", "-"), ("-", "a.json"), ("missing", "a.json")):
        result = run("diff", *(name if name == "-" else tmp_path / name for name in names), given="[]")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr
    assert run("diff", "-", "-").exit_code == 2


@given(conversations(min_size=1), st.data())
@examples(80)
def test_other_tokens_of_a_text_are_nothing_else(conversation: list[Message], data: st.DataObject) -> None:
    tokens = render(conversation)
    other = data.draw(retokenized(tokens))
    found = list(differences(codec, tokens, other, "transcript"))
    assert {each.kind for each in found} == ({"tokenization"} if other != tokens else set())
    for each in found:
        assert each.a
        assert each.b
        assert tokens[each.a.span.start] != other[each.b.span.start]


SAID = st.lists(
    st.builds(Message, st.just("user"), contents)
    | st.builds(Message, st.just("assistant"), contents, channel=st.sampled_from(CHANNELS)),
    unique_by=lambda message: message.text,
    max_size=12,
)


@given(SAID, st.integers(0, 12), st.integers(0, 12))
@examples(80)
def test_removed_messages_are_missing(conversation: list[Message], start: int, end: int) -> None:
    """And nothing else differs."""
    removed = range(start, min(end, len(conversation)))
    others = [message for index, message in enumerate(conversation) if index not in removed]
    found = list(differences(codec, render(conversation), render(others), "transcript"))
    assert [each.a and each.a.message for each in found] == list(removed)
    dropped = [index for index in removed if conversation[index].channel == "analysis"]
    assert [each.a and each.a.message for each in found if each.kind == "dropped"] == dropped
    assert all(each.kind == "absent-message" or each.kind == "dropped" for each in found)


@given(any_tokens | any_text, any_tokens | any_text, st.sampled_from(["transcript", "prompt", "completion"]))
@examples(120)
def test_any_two_inputs_are_compared(first: Any, second: Any, start: codec.Start) -> None:
    assert list(differences(codec, first, first, start)) == []
    found = list(differences(codec, first, second, start))
    assert all(isinstance(each, Difference) and each.kind in KINDS and (each.a or each.b) for each in found)
    if type(first) is type(second) and first != second and not isinstance(first, str):
        assert found


def test_messages_without_equal_ones_are_paired() -> None:
    """Also more of them than are looked at."""
    size = 2 * MAX_LOOKAHEAD
    first, second = ([Message("user", f"{name}{i}") for i in range(size)] for name in "ab")
    found = list(differences(codec, render(first), render(second), "transcript"))
    assert [(each.kind, each.a and each.a.message) for each in found] == [("content", i) for i in range(size)]


@pytest.mark.parametrize(
    ("data", "shown", "status"),
    [
        (json.dumps(TOKENS), decode(TOKENS), 0),
        ("[]", "", 0),
        ("[-1, 201088, 160]", "<-1><201088>\ufffd", 0),
        ('"Hi."', "", 2),
        ("Hi.", "", 2),
        ('{"ids": [1]}', "", 2),
        ("[1.5]", "", 2),
    ],
)
def test_token_ids_are_decoded(data: str, shown: str, status: int) -> None:
    result = run("decode", "-", given=data)
    assert (result.stdout, result.exit_code) == (shown, status)
    assert bool(result.stderr) == bool(status)


@pytest.mark.parametrize("start", ["transcript", "prompt"])
def test_commands_keep_token_ids(start: codec.Start, tmp_path: Path) -> None:
    """From token ids to JSON and back, whatever tokens were chosen, also for the open header."""
    tokens = in_pieces(render(TALK, start, style="model"))
    (tmp_path / "a.json").write_text(json.dumps(tokens))
    value = run("parse", "--start", start, tmp_path / "a.json").stdout
    written = run("render", "--start", start, "--style", "as_parsed", "--tokens", "-", given=value)
    assert json.loads(written.stdout) == tokens
    assert json.loads(run("render", "--start", start, "--tokens", "-", given=value).stdout) == render(TALK, start)


def test_the_page_shows_what_is_printed(tmp_path: Path) -> None:
    page, found = EXACT_TOKENS.read_text(encoding="utf-8"), dict[str, Any]()
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL)[:2]:
        exec(block, found)
    (tmp_path / "sampled.json").write_text(json.dumps(found["prompt"] + found["sampled"]))
    (tmp_path / "next.json").write_text(json.dumps(render(found["shorter"])))
    (shown,) = re.findall(r"\$ harmony-spec diff sampled.json next.json\n(.*?)```", page, re.DOTALL)
    assert run("diff", tmp_path / "sampled.json", tmp_path / "next.json").stdout == shown
