"""Law 8: no call out of prose. What a name of a tool needs to become a recipient, and where the words around it go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harmony_spec import Message, MessageStarted, Recovered, Span, StreamParser, codec, compat, recover
from harmony_spec.vocabulary import load

from . import dialect
from .both import encoding
from .conftest import examples
from .recovery_strategies import mistakes, offers, tokens_of
from .test_dialects import codec_of, tokenizer_of

RECOVERY = codec.FORMAT.recovery
assert RECOVERY is not None

# Names that are words of a language, or of the format, stand beside dotted ones.
TOOLS = ["functions.search", "functions.delete_all", "python", "browser.open", "run", "final"]
NAMES = [*TOOLS, "search", "delete_all", "open", "functions.unknown"]
# None is a name of the format or of a tool, and none introduces a recipient.
WORDS = [
    "I", "will", "please", "the", "web", "Here", "is", "wanted", "Finally", "comments", "users", "it.", "this:", "1.",
    "[note]", "{x}", "[1]", "我会用", "搜索", "сейчас", "سأبحث", "मैं", "検索します。", "don't", "\u201cso\u201d",
    "(maybe)", "to", "To",
]  # fmt: skip
AROUND = [
    "{}", "{}", "{}", "{}.", "{},", "{}:", ": {}", "({})", '"{}"', "`{}`", "«{}»", "{}()", "{}(query)", "{}!", "—{}",
    "to {}", "to\u2192{}", "to->{}", "\u2192 {}", "我会用{}搜索", "use{}", "{}/x",
    "auto={}", "https://x.y/?a=1&to={}", "go-to={}", "redirect_to={}",
]  # fmt: skip

PLACES: list[tuple[codec.Start, str]] = [
    *(
        ("completion", text)
        for text in (
            "{}<|channel|>analysis<|message|>c<|end|>",
            "{}<|message|>c<|end|>",
            "{}<|start|>assistant<|channel|>final<|message|>c<|end|>",
            "{}<|call|>",
            "{}",
            " {}<|channel|>commentary<|message|>{{}}<|call|>",
            "<|channel|>{}<|message|>c<|end|>",
            "<|channel|>{}<|channel|>final<|message|>c<|end|>",
            "<|channel|>final {}<|message|>c<|end|>",
            "<|channel|>commentary {} json<|message|>{{}}<|call|>",
            "<|channel|>commentary json {}<|message|>{{}}<|call|>",
            "<|channel|>analysis {}<|channel|>final<|message|>c<|end|>",
            "<|channel|>commentary {}<|call|>",
            "<|channel|>commentary {}",
            "<|channel|>commentary<|constrain|>{}<|message|>{{}}<|call|>",
            "<|channel|>commentary <|constrain|>json {}<|message|>{{}}<|call|>",
            "<|channel|>commentary <|constrain|>json {}<|call|>",
            "<|channel|>analysis<|message|>a<|end|>{}<|channel|>commentary<|message|>{{}}<|call|>",
            "<|channel|>analysis<|message|>a<|end|>{}<|message|>{{}}<|call|>",
            "<|channel|>analysis<|channel|>{}<|message|>{{}}<|call|>",
            "<|channel|>analysis<|channel|>{}<|channel|>commentary<|message|>{{}}<|call|>",
            "<|channel|>commentary <|constrain|>json<|channel|>{}<|message|>{{}}<|call|>",
            "<|channel|>the user {}<|message|>{{}}<|call|>",
            "<|channel|>commentaryOK {}<|message|>{{}}<|call|>",
            "<|channel|>analysisWe {}<|message|>{{}}<|call|>",
            "<|start|>assistantwe {}<|message|>{{}}<|call|>",
        )
    ),
    *(
        ("transcript", text)
        for text in (
            "<|start|>{}<|message|>c<|end|>",
            "<|start|>{}<|channel|>commentary<|message|>{{}}<|call|>",
            "<|start|>assistant {}<|message|>c<|call|>",
            "<|start|>assistant {}<|channel|>commentary<|message|>{{}}<|call|>",
            "<|start|>assistant {}<|call|>",
            "{}<|channel|>commentary<|message|>{{}}<|call|>",
            "<|start|>user {}<|message|>c<|end|>",
        )
    ),
]


# Where a text stands before another header, or has none itself. In an opened header words are reported, not kept.
BEFORE = [text for _, text in PLACES if re.search(r"(^|<\|end\|>)\{\}<|\{\}<\|(channel|start|call)", text)]
BEFORE = [text for text in BEFORE if not text.startswith("<|channel|>{}") and "<|constrain|>" not in text]


@st.composite
def prose(draw: st.DrawFn) -> str:
    """A text of words, with names of tools in it, that introduces none of them."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4))
    words.append(draw(st.sampled_from(["please", "我会用", "the", "wanted"])))
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(AROUND)).format(draw(st.sampled_from(NAMES)))
        words.insert(draw(st.integers(0, len(words))), name)
    return " ".join(words)


places = st.sampled_from(PLACES)
offered = st.sampled_from([None, TOOLS, []])


def called(messages: list[Any]) -> list[str]:
    return [str(message.recipient) for message in messages if message.recipient is not None]


@examples(1000)
@given(places, prose(), offered, st.booleans())
@example(PLACES[0], "I will search for it.", TOOLS, False)
@example(PLACES[0], "Send this to functions.delete_all please.", None, False)
@example(PLACES[8], "Here is the search result you wanted", TOOLS, False)
@example(PLACES[1], "I will call functions.search", None, False)
@example(PLACES[-5], "functions.search please", None, False)
@example(PLACES[0], "我会用functions.search搜索", None, False)
def test_prose_calls_nothing(
    place: tuple[codec.Start, str], words: str, tools: list[str] | None, stripped: bool
) -> None:
    """Wherever a text stands that only mentions tools: in text and ids, streams, and the drop-in."""
    start, text = place
    source = text.format(words)
    tokens = tokens_of(source)
    for form in (source, tokens):
        assert called(recover(form, start, tools=tools, stripped=stripped).messages) == []
    for parts in (tokens, [tokens]):
        parser = StreamParser(start, tools=tools)
        events = [event for part in parts for event in parser.feed(part)] + [*parser.close()]
        assert called(parser.messages) == []
        assert called([event.message for event in events if isinstance(event, MessageStarted)]) == []
    role = compat.Role.ASSISTANT if start == "completion" else None
    found = encoding(compat).parse_messages_from_completion_tokens(tokens, role, strict=False)
    assert called(found) == []


@examples(500)
@given(places, st.sampled_from(["please", "then", "Ask", "We"]), st.sampled_from(NAMES), offered)
def test_a_word_and_a_name_call_nothing(
    place: tuple[codec.Start, str], word: str, name: str, tools: list[str] | None
) -> None:
    """A name beside a single word is not the whole of its place. The drop-in reads these two words as the peer does."""
    start, text = place
    for words in (f"{word} {name}", f"{name} {word}"):
        assert called(recover(text.format(words), start, tools=tools).messages) == []


PLAIN = ["python", "run", "search", "delete_all"]
FORMAT_WORDS = [*RECOVERY.roles, *RECOVERY.channels, *RECOVERY.content_types, "code", "to"]
UNPLACED = [place for place in PLACES if re.match(r" ?\{\}<|<\|channel\|>\{\}<\|[mc]|.*<\|end\|>\{\}", place[1])]


@st.composite
def plain_words(draw: st.DrawFn) -> str:
    """A tool's name without a namespace, and names of the format, which all are words of English as well."""
    words = draw(st.lists(st.sampled_from([*FORMAT_WORDS, *PLAIN, "functions.delete_all"]), min_size=1, max_size=3))
    words.insert(draw(st.integers(0, len(words))), draw(st.sampled_from(PLAIN)))
    return " ".join(words)


@examples(500)
@given(st.sampled_from(UNPLACED), plain_words(), st.booleans())
@example(UNPLACED[0], "run code", True)
@example(UNPLACED[1], "search user", True)
@example(UNPLACED[0], "search functions.delete_all user", True)
@example(("completion", "<|channel|> {}"), "functions.search commentary search final", True)
@example(("completion", "<|channel|>{}<|message|>c"), "run final", True)
@example(("completion", "<|channel|>analysis<|message|>a<|end|>{}<|message|>{{}}<|call|>"), "assistant python", True)
def test_two_plain_words_call_nothing(place: tuple[codec.Start, str], words: str, known: bool) -> None:
    """A name without a namespace is a recipient only if it is the whole of its place."""
    start, text = place
    if text.startswith("<|channel|>"):
        assume(words.split()[0] not in RECOVERY.channels)  # that is in its place, and what follows in the next
    found = recover(text.format(words), start, tools=TOOLS if known else None)
    assert called(found.messages) == []


QUOTES = ['"{}"', "'{}'", "`{}`", "({})", "[{}]", "“{}”", "*{}*"]
# After the tokens for author and channel, such a word is the field.
BARE = [
    place for place in PLACES if "{}<|message|>" in place[1] and not re.search(r"<\|(start|channel)\|>\{\}", place[1])
]


@given(
    st.sampled_from(BARE),
    st.sampled_from(QUOTES),
    st.sampled_from([*RECOVERY.roles, *RECOVERY.channels, *RECOVERY.content_types]),
    st.sampled_from(NAMES),
    offered,
)
@example(
    ("transcript", "<|start|>assistant<|channel|>commentary <|constrain|>{}<|message|>{{}}<|call|>"),
    '"{}"',
    "final",
    "functions.delete_all",
    None,
)
@example(
    ("completion", "<|channel|>commentary<|constrain|>{}<|message|>{{}}<|call|>"),
    '"{}"',
    "json",
    "functions.search",
    None,
)
def test_a_word_of_the_format_in_quotes_is_a_word(
    place: tuple[codec.Start, str], quotes: str, word: str, name: str, tools: list[str] | None
) -> None:
    """Next to it, a name is not the whole of its place."""
    start, text = place
    found = recover(text.format(f"{quotes.format(word)} {name}"), start, tools=tools)
    assert called(found.messages) == []


@pytest.mark.parametrize("author", ["assistant:please", "assistant:final", "user:please", "user:json"])
@pytest.mark.parametrize("name", ["run", "functions.delete_all", "search"])
@pytest.mark.parametrize("tools", [None, TOOLS])
def test_a_name_after_an_author_with_a_name(author: str, name: str, tools: list[str] | None) -> None:
    """The name of an author may be a word of a text, too."""
    for rest in ("<|message|>x<|call|>", "<|channel|>commentary<|message|>x<|call|>", "<|call|>"):
        assert called(recover(f"<|start|>{author} {name}{rest}", tools=tools).messages) == []
    introduced = recover(f"<|start|>{author} to={name}<|message|>x<|call|>", tools=tools).messages
    assert called(introduced) in ([name], [f"functions.{name}"])


@given(places, prose(), offered)
@example(PLACES[0], "I will search for it.", TOOLS)
@example(PLACES[1], "我会为你搜索一下。", None)
def test_prose_is_not_lost(place: tuple[codec.Start, str], words: str, tools: list[str] | None) -> None:
    """Each word is in a content or a gap; what stands in a header with an opened content is reported there."""
    start, text = place
    source = text.format(words)
    assert_nothing_is_lost(source, recover(source, start, tools=tools))


@given(st.sampled_from(BEFORE), prose() | st.sampled_from(["Sure.", "Hm?!", "Écoute…", "Хорошо!"]), offered)
@example("{}<|channel|>analysis<|message|>c<|end|>", "I will search for it.", TOOLS)
@example("{}<|channel|>analysis<|message|>c<|end|>", "我会为你搜索一下。", None)
@example("<|start|>{}<|channel|>commentary<|message|>{{}}<|call|>", "functions.search users please", None)
@example("{}<|message|>c<|end|>", "Finally functions.search please", None)
@example("{}<|message|>c<|end|>", "comments functions.search please", None)
@example("{}<|channel|>analysis<|message|>c<|end|>", "Sure.", None)
def test_text_before_a_header_is_a_message_or_a_gap(text: str, words: str, tools: list[str] | None) -> None:
    """All of it, where a header or the end of a message follows, or nothing of a header stands before it."""
    assume("final" not in words and not words.startswith(RECOVERY.roles))  # that begins a header
    assume(" " in words or not text.startswith("<|start|>"))  # one word is the author
    start: codec.Start = "transcript" if text.startswith("<|start|>") else "completion"
    source = text.format(words)
    found = recover(source, start, tools=tools)
    kept = [message.text for message in found.messages] + [source[gap.start : gap.end] for gap in found.gaps]
    assert any(words in part for part in kept)


@given(mistakes, st.sampled_from(["transcript", "completion", "prompt"]), offers)
def test_no_word_is_lost(source: str, start: codec.Start, tools: list[str] | None) -> None:
    """The same for any mistakes: what is in no content, no gap and no field is reported."""
    assert_nothing_is_lost(source, recover(source, start, tools=tools))


def assert_nothing_is_lost(source: str, found: Recovered[Message]) -> None:
    """Every word outside of contents and gaps says what a field is, or a diagnostic points to it."""
    known = {*RECOVERY.roles, *RECOVERY.channels, *RECOVERY.content_types}
    told = [diagnostic.span for diagnostic in found.diagnostics]
    for message, (begin, content, stop, end) in zip(found.messages, found.bounds, strict=False):
        fields = {str(getattr(message, name)) for name in codec.FORMAT.header_fields}
        for place, word in (*words_of(source, begin, content), *words_of(source, stop, end)):
            introduced = word.removeprefix("to=")
            assert (
                {word, introduced, re.sub(r"[,:]$|<.*", "", introduced)} & (fields | known)
                or introduced.partition(":")[0] in known  # an author with a name
                or any(introduced in value for value in fields)  # the rest of it stands behind a stray token
                or any(span.start < place.end and place.start < span.end for span in told)
            ), (word, source)


def words_of(source: str, start: int, end: int) -> Iterator[tuple[Span, str]]:
    """The words of a part of a text, special tokens left out."""
    places = [start, *(at for m in codec.FORMAT.special_matcher.finditer(source, start, end) for at in m.span()), end]
    for first, last in [*pairwise(places)][::2]:
        for match in re.finditer(r"\S*\w\S*", source[first:last]):
            yield Span(first + match.start(), first + match.end()), match[0]


# What introduces a name.

INTRODUCED = [
    "to={}",
    "to= {}",
    "to:{}",
    "to: {}",
    "to {}",
    "to = {}",
    "To={}",
    "recipient={}",
    "recipient: {}",
    "too={}",
    "toto={}",
    "recipent={}",
    "recepient={}",
    "to->{}",
    "to=>{}",
    "to -> {}",
    "to\u2192{}",
    "to=tool:{}",
    "to=tool: {}",
    "to=tool {}",
]


@pytest.mark.parametrize("lead", INTRODUCED)
@pytest.mark.parametrize("tools", [None, TOOLS])
@pytest.mark.parametrize(
    "text",
    [
        "<|channel|>commentary {} json<|message|>{{}}<|call|>",
        "<|start|>assistant {}<|channel|>commentary json<|message|>{{}}<|call|>",
        "<|channel|>commentary {}<|message|>{{}}<|call|>",
    ],
)
def test_what_introduces_a_name(lead: str, tools: list[str] | None, text: str) -> None:
    """What the grammar has there, and near misses of it."""
    start = "transcript" if text.startswith("<|start|>") else "completion"
    source = text.format(lead.format("functions.search"))
    assert called(recover(source, start, tools=tools).messages) == ["functions.search"]


@pytest.mark.parametrize("lead", ["to={}", "to:{}", "recipient={}"])
def test_what_stands_directly_before_a_name_introduces_it_in_prose(lead: str) -> None:
    text = f"<|channel|>commentary oh well {lead.format('functions.search')} json<|message|>{{}}<|call|>"
    assert called(recover(text, "completion").messages) == ["functions.search"]


@pytest.mark.parametrize(
    ("name", "tools", "recipient"),
    [
        ("functions.search", None, "functions.search"),
        ("functions.search", TOOLS, "functions.search"),
        ("search", TOOLS, "functions.search"),
        ("python", TOOLS, "python"),
        ("browser.open", TOOLS, "browser.open"),
        ("search", None, None),
        ("python", None, None),
        ("functions.other", TOOLS, None),
        ("functions.other", [], None),
        ("functions.search python", TOOLS, None),
        ("functions.search,", None, "functions.search"),
        ("other.search", TOOLS, None),
        ("nowbrowser.open browser.open", TOOLS, None),
        ("json, search", TOOLS, None),
        ("functions.search to", None, None),
        ("to. functions.search", None, None),
        ('"to" functions.search', TOOLS, None),
        (": to python", TOOLS, None),
        ("(functions.search)", None, None),
        ("- functions.search", None, None),
        ("“functions.search”", TOOLS, None),
        ("`search`", TOOLS, None),
        ("functions.search(query)", None, None),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "<|channel|>commentary {}<|message|>{{}}<|call|>",
        "<|channel|>{}<|message|>{{}}<|call|>",
        "<|channel|>{}<|channel|>commentary<|message|>{{}}<|call|>",
        '<|channel|>commentary {} {{"a": "b c"}}<|call|>',
    ],
)
def test_a_name_that_is_the_whole_of_its_place(
    name: str, tools: list[str] | None, recipient: str | None, text: str
) -> None:
    """An offered tool counts, or, where no tools are known, a function."""
    found = recover(text.format(name), "completion", tools=tools)
    assert called(found.messages) == [recipient] * (recipient is not None)


@pytest.mark.parametrize(
    ("word", "tools", "recipient"),
    [
        ("commentary:functions.search", None, "functions.search"),
        ("commentary->functions.search", TOOLS, "functions.search"),
        ("commentaryfunctions.search", None, "functions.search"),
        ("commentary:search", TOOLS, "functions.search"),
        ("commentary:search", None, None),
        ("commentarysearch", TOOLS, None),
        ("commentary-search", TOOLS, None),
        ("commentary/search", TOOLS, None),
        ("commentary:functions.other", TOOLS, None),
        ("commentary(functions.search)", None, None),
        ("commentary:functions.search,python", TOOLS, None),
        ("commentary:functions.search please", None, None),
        ("finally:functions.search", None, None),
        ("commentary:please functions.search", None, None),
        ("please:commentary functions.search", TOOLS, None),
        ("commentary_x functions.search", None, None),
        ("channel=commentary functions.search", None, "functions.search"),
    ],
)
@pytest.mark.parametrize("text", ["<|channel|>{}<|message|>{{}}<|call|>", "<|channel|>{}\n<|message|>{{}}<|call|>"])
def test_a_tool_that_touches_a_known_name(word: str, tools: list[str] | None, recipient: str | None, text: str) -> None:
    """As if a space came between the two; without its namespace only after a sign that no word has inside."""
    found = recover(text.format(word), "completion", tools=tools)
    assert called(found.messages) == [recipient] * (recipient is not None)
    if recipient:
        assert [message.channel for message in found.messages if message.recipient] == ["commentary"]


@pytest.mark.parametrize("name", ["commentary", "final", "assistant", "user", "json", "code", "Commentary"])
@pytest.mark.parametrize("sign", ["", ":", ",", "=", ".", "->", "-", "_"])
@pytest.mark.parametrize("begin", ["<|channel|>", "<|channel|>commentary ", "<|start|>", "<|start|>assistant ", ""])
@pytest.mark.parametrize("tools", [None, TOOLS])
def test_a_known_name_in_another_word_is_another_word(
    name: str, sign: str, begin: str, tools: list[str] | None
) -> None:
    """A tool next to it is not the whole of its place."""
    for word in (f"{name}{sign}please", f"please{sign}{name}"):
        for header in (f"{begin}{word} functions.search", f"{begin}functions.search {word}"):
            found = recover(f"{header}<|message|>x<|end|>", "completion", tools=tools)
            assert "functions.search" not in called(found.messages)


@pytest.mark.parametrize("name", ["commentary", "final", "assistant", "user", "json", "code"])
@pytest.mark.parametrize("joint", ["_", "-"])
@pytest.mark.parametrize("tool", ["functions.search", "search"])
def test_a_tool_with_a_known_name_in_its_name_is_another_tool(name: str, joint: str, tool: str) -> None:
    recipient = f"{tool}{joint}{name}"
    found = recover(f"<|channel|>commentary to={recipient}<|message|>{{}}<|call|>", "completion", tools=TOOLS)
    assert called(found.messages) == [recipient]


# Dialects.

RECOVERING = [name for name in dialect.NAMES if name in dialect.EDITS]


@pytest.mark.parametrize("name", RECOVERING)
@examples(120)
@given(words=prose(), place=st.integers(0, 5), known=st.booleans())
def test_prose_calls_nothing_in_a_dialect(name: str, words: str, place: int, known: bool) -> None:
    """Law 8 with the tokens, roles and channels of each dialect that has tables for recovery."""
    module = codec_of(name)
    recovery = module.FORMAT.recovery
    model, channel = recovery.author[recovery.slots.role], recovery.leads[recovery.slots.channel][0] + recovery.answers
    opens, closes = recovery.opens[0], next(iter(recovery.closes))
    source = (
        f"{words}{channel}{opens}c{closes}",
        f"{words}{opens}c{closes}",
        f"{channel} {words}{opens}c{closes}",
        f"{channel} {words}{channel}{opens}c{closes}",
        f"{recovery.begins}{words}{opens}c{closes}",
        f"{recovery.begins}{model} {words}{channel}{opens}c{closes}",
    )[place]
    start = "completion" if place < 4 else "transcript"
    found = module.recover(source, start, tools=TOOLS if known else None)
    assert called(found.messages) == []
    tokenizer = tokenizer_of(module)
    if tokenizer is None:
        tokens = dialect_tokens(module, source)
        parser = module.StreamParser(start, tools=TOOLS if known else None)
        for token in tokens:
            parser.feed(token)
        parser.close()
        assert parser.messages == found.messages


def dialect_tokens(module: Any, text: str) -> list[int]:
    """The token ids of a text in which special tokens of a dialect are spelled out."""
    vocabulary, tokens, at = load(module.FORMAT.encoding), [], 0
    for match in module.FORMAT.special_matcher.finditer(text):
        tokens += [*vocabulary.encode(text[at : match.start()]), module.SPECIAL_TOKENS[match[0]]]
        at = match.end()
    return tokens + vocabulary.encode(text[at:])


def test_a_header_in_odd_words_is_not_text() -> None:
    """What introduces a recipient may look like text; a header that a rule describes stays one."""
    module = codec_of("awkward_literals")
    text = module.render_text(
        [module.Message("system", "Hi.", channel="0", recipient="0"), module.Message("user", "Hi.")]
    )
    assert module.recover(text).bounds == module.parse(text).bounds
