"""The drop-in reads what `openai_harmony` reads, at once and token by token, and fails where it fails."""

from __future__ import annotations

from typing import Any

import openai_harmony
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harmony_spec import Message, codec, compat, parse, render
from harmony_spec.compat.conversion import RECOVERY
from harmony_spec.errors import ParseError

from .both import MODULES, encoding, outcome, plain
from .conftest import examples
from .strategies import messages
from .test_peer import faithful_messages

ids = codec.SPECIAL_TOKENS
START, MESSAGE, CHANNEL, END = (ids[f"<|{name}|>"] for name in ("start", "message", "channel", "end"))
STOPS = codec.STOP_TOKENS["message"]
# Bytes of characters alone, and tokens that hold a character and a part of another.
DAMAGED = [160, 200, 9552, 237, 111, 64364, 230, 1000]
# Words that headers are made of, with and without spaces.
WORDS = (
    "assistant user functions.f final analysis json to=f f",
    " to=f json commentary x  y\n",
    ' "a\\b" \u200b e\u0301',
)
CONTENT_TYPES = RECOVERY.content_types
FIELDS = ("role", "channel", "recipient", "content_type")
ROLES = [None, *("assistant", "user", "system", "developer")]


def tokens_of(text: str) -> list[int]:
    return list(encoding(compat).encode(text, allowed_special="all"))


HEADER_TOKENS = sorted({token for text in WORDS for token in tokens_of(text)})
SPECIAL = [*(ids[spelling] for spelling in codec.FORMAT.markers)]


def role_of(module: Any, role: str | None) -> Any:
    return None if role is None else module.Role(role)


def read(module: Any, tokens: list[int], role: str | None, strict: bool = True) -> Any:
    """The messages that a module reads at once, or how it fails."""
    parser = encoding(module).parse_messages_from_completion_tokens
    return outcome(lambda: parser(tokens, role_of(module, role), strict=strict))


def steps(module: Any, tokens: list[int], role: str | None) -> list[Any]:
    """All that a strict parser shows after each token and after the end, up to the first failure."""
    parser = module.StreamableParser(encoding(module), role_of(module, role))
    seen = []
    for call in [*((parser.process, token) for token in tokens), (parser.process_eos,)]:
        failed = outcome(lambda call=call: call[0](*call[1:]) and None)
        seen.append((failed, shown(parser)))
        if failed is not None:
            break
    return seen


def shown(parser: Any) -> dict[str, Any]:
    header = {
        name: plain(getattr(parser, f"current_{name}")) for name in ("role", "channel", "recipient", "content_type")
    }
    texts = {"content": parser.current_content, "delta": parser.last_content_delta}
    data = parser.state_data
    data.pop("content_tokens", None)
    return {**header, **texts, "state": plain(parser.state), "data": data, "messages": plain(parser.messages)}


@st.composite
def inputs(draw: st.DrawFn) -> tuple[list[int], str | None]:
    """What both read alike, in either style, cut anywhere; from its beginning, or from behind the first role."""
    drawn = draw(st.lists(faithful_messages, max_size=4))
    role = drawn[0].role if drawn and drawn[0].role != "tool" and draw(st.booleans()) else None
    style = draw(st.sampled_from(["openai", "model"]))
    tokens = render(drawn, "completion", role=role, style=style) if role else render(drawn, style=style)
    return tokens[: draw(st.integers(0, len(tokens)) | st.just(len(tokens)))], role


@examples(400)
@given(inputs(), st.booleans())
def test_the_same_is_read_at_once(drawn: tuple[list[int], str | None], strict: bool) -> None:
    """Messages, or the failure of what ends in a header, which does not fail where the drop-in may repair."""
    tokens, role = drawn
    theirs = read(openai_harmony, tokens, role, strict)
    assume(strict or isinstance(theirs, list))
    assert read(compat, tokens, role, strict) == theirs


@pytest.mark.parametrize("strict", [True, False])
def test_the_role_of_tools_may_be_continued_without_a_name(strict: bool) -> None:
    """No prompt of ours ends with such a header, and the peer reads it."""
    tokens = tokens_of(" to=assistant<|channel|>commentary<|message|>x<|end|>")
    assert read(compat, tokens, "tool", strict) == read(openai_harmony, tokens, "tool", strict)


@examples(300)
@given(inputs())
@example((tokens_of("<|start|>user<|message|>a<|end|><|start|>assistant<|message|>"), None))
def test_the_same_is_seen_at_every_step(drawn: tuple[list[int], str | None]) -> None:
    """State, header, content, delta, messages, after each token."""
    tokens, role = drawn
    assert steps(compat, tokens, role) == steps(openai_harmony, tokens, role)


@examples(300)
@given(st.lists(st.sampled_from(DAMAGED) | st.integers(0, 199_997), max_size=12), st.sampled_from([None, *STOPS]))
def test_damaged_text_is_replaced_alike(content: list[int], stop: int | None) -> None:
    """Bytes that are no UTF-8: the same message. The peer's deltas come a token late behind them."""
    tokens = [CHANNEL, *tokens_of("final"), MESSAGE, *content, *([] if stop is None else [stop])]
    ours, theirs = (steps(module, tokens, "assistant") for module in (compat, openai_harmony))
    for (_, here), (_, there) in zip(ours, theirs, strict=True):
        assert here["content"].startswith(there["content"].rstrip("\ufffd"))  # the peer takes it back
        assert {**here, "content": "", "delta": ""} == {**there, "content": "", "delta": ""}
    assert read(compat, tokens, "assistant") == read(openai_harmony, tokens, "assistant")
    ((_, message),) = read(compat, tokens, "assistant")
    deltas = "".join(seen["delta"] or "" for _, seen in ours)
    assert message["content"][0]["text"].removeprefix(deltas) in ("", "\ufffd")


INSIDE = [token for token in SPECIAL if token != MESSAGE]
headers = st.lists(st.sampled_from([*HEADER_TOKENS, *INSIDE, 160, 999_999]), max_size=8)


soups = st.lists(st.sampled_from([*SPECIAL, *HEADER_TOKENS, 999_999]), max_size=20)


def described(tokens: list[int], role: str | None) -> bool:
    try:
        parse(tokens, "transcript") if role is None else parse(tokens, "completion", role=role)
    except ParseError:
        return False
    return True


@examples(1000)
@given(headers, st.sampled_from(ROLES))
@example(tokens_of("assistant\n<|channel|>final "), None)
@example(tokens_of("<|start|>assistant"), "assistant")
def test_the_same_headers_are_read_and_refused(header: list[int], role: str | None) -> None:
    """Or refused with the same words, in strict mode, at the same token.

    Better: what the grammar describes is not refused, and no special token and no content type is lost.
    """
    tokens = [*([START] if role is None else []), *header, MESSAGE, *tokens_of("x"), END]
    ours, theirs = (steps(module, tokens, role) for module in (compat, openai_harmony))
    if described(tokens, role) and theirs[-1][0] is not None:
        assert ours[-1][0] is None
        return
    assert [failed for failed, _ in ours] == [failed for failed, _ in theirs]
    if ours[-1][0] is None and not any(lost(message) for _, message in theirs[-1][1]["messages"]):
        assert ours[-1][1]["messages"] == theirs[-1][1]["messages"]


def lost(message: dict[str, Any]) -> bool:
    """Whether the peer took a special token for a part of a name, or a known content type for the recipient."""
    texts = [
        message.get("name"),
        message.get("recipient"),
        (message.get("content_type") or "").removeprefix("<|constrain|>"),
    ]
    return any("<|" in (text or "") for text in texts) or message.get("recipient") in CONTENT_TYPES


@examples(500)
@given(
    st.lists(st.sampled_from([*SPECIAL, *HEADER_TOKENS, 999_999]), max_size=20), st.sampled_from(ROLES), st.booleans()
)
def test_whatever_is_read_strictly_is_read_alike_in_one_and_in_steps(
    tokens: list[int], role: str | None, strict: bool
) -> None:
    """At once or one by one, the same messages, or the same failure; without strict, no failure."""
    parser = compat.StreamableParser(encoding(compat), role_of(compat, role), strict=strict)

    def one_by_one() -> list[compat.Message]:
        for token in tokens:
            parser.process(token)
        return parser.process_eos().messages

    found = outcome(one_by_one)
    assert read(compat, tokens, role, strict) == found
    assert strict or isinstance(found, list)


UNENDED = [token for token in [*SPECIAL, *codec.FORMAT.spellings, 201_088] if token not in STOPS]


@examples(300)
@given(st.lists(st.sampled_from([*UNENDED, *HEADER_TOKENS]), max_size=12), st.sampled_from([None, *STOPS]))
@example([ids["<|constrain|>"]], END)
@example([MESSAGE, START, CHANNEL], None)
def test_special_tokens_in_contents_are_text_alike(content: list[int], stop: int | None) -> None:
    """In strict mode; if not strict, all but those that begin another header."""
    tokens = [CHANNEL, *tokens_of("final"), MESSAGE, *content, *([] if stop is None else [stop])]
    assert steps(compat, tokens, "assistant") == steps(openai_harmony, tokens, "assistant")
    kept = [token for token in tokens[3:] if token not in (START, CHANNEL)]
    repaired = [*tokens[:3], *kept]
    assert read(compat, repaired, "assistant", strict=False) == read(
        openai_harmony, repaired, "assistant", strict=False
    )


PROSE = ["I", "must", "not", "caf\u00e9.", "(a)", "2+2", "\u4f60\u597d"]
NEXT = [
    "",
    "<|start|>user<|message|>x<|end|>",
    "<|start|>assistant to=f<|channel|>commentary json<|message|>{}<|call|>",
]


@examples(300)
@given(
    st.sampled_from(["", "<|channel|>analysis "]),
    st.lists(st.sampled_from(PROSE), min_size=1, max_size=9),
    st.sampled_from([" ", "  ", "\n"]),
    st.sampled_from(STOPS),
    st.sampled_from(NEXT),
)
def test_an_answer_without_header_is_read_alike(
    opened: str, words: list[str], space: str, stop: int, behind: str
) -> None:
    """Without strict, with the same fields; the peer makes one space of all white space."""
    tokens = [*tokens_of(opened + space.join(words)), stop, *tokens_of(behind)]
    found = [read(module, tokens, "assistant", strict=False) for module in MODULES]
    for _, message in [*found[0], *found[1]]:
        message["content"] = " ".join(message["content"][0]["text"].split())
    assert found[0] == found[1]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("token", ["a", 1.0, None, -1, 2**32])
def test_what_is_no_token_is_refused_alike(token: Any, strict: bool) -> None:
    """By the kind of error; the drop-in's words are Python's."""
    kinds = set()
    for module in MODULES:
        for call in (
            lambda module=module: module.StreamableParser(encoding(module), None, strict=strict).process(token),
            lambda module=module: encoding(module).parse_messages_from_completion_tokens([token], strict=strict),
            lambda module=module: encoding(module).is_special_token(token),
            lambda module=module: encoding(module).decode([token]),
        ):
            kinds.add(outcome(call)[0])
    assert kinds == {"OverflowError" if isinstance(token, int) else "TypeError"}


def test_a_parser_goes_on_after_the_end_and_after_a_failure() -> None:
    """With whole messages, as the peer does."""
    seen = []
    for module in MODULES:
        parser = module.StreamableParser(encoding(module), module.Role.ASSISTANT)
        for token in tokens_of("<|channel|>final<|message|>a"):
            parser.process(token)
        parser.process_eos().process_eos()
        more = tokens_of("<|start|>user<|channel|><|message|>b<|end|><|start|>user<|message|>c")
        failures = [outcome(lambda parser=parser, token=token: parser.process(token) and None) for token in more]
        seen.append((failures, shown(parser), parser.tokens))
    assert seen[0] == seen[1]


@given(st.lists(messages(), max_size=2))
def test_what_the_renderer_writes_is_read_back(drawn: list[Message]) -> None:
    """Also what the peer misreads: names, and known content types without a recipient."""
    tokens = render(drawn)
    read_back = encoding(compat).parse_messages_from_completion_tokens(tokens)
    assert [message.author.name for message in read_back] == [message.name for message in drawn]
    for found, message in zip(read_back, drawn, strict=True):
        kind = "<|constrain|>" * message.constrain + (message.content_type or "") or None
        author_is_read = message.name is None or message.role == "tool"
        guessed = (
            author_is_read
            and kind is not None
            and not (message.recipient or message.constrain or kind in CONTENT_TYPES)
        )
        if not guessed:
            assert (found.recipient, found.content_type) == (message.recipient, kind)
        elif kind != message.role:  # the peer leaves a second role out
            assert (found.recipient, found.content_type) == (kind, None)
