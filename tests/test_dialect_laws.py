"""The laws that test_dialects.py leaves out, for every dialect: total, Lark agrees, and those of recovery."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from itertools import product
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Lark, Token, Tree, UnexpectedInput
from lark.lexer import PatternRE

from codegen.prove.whole_format import LEXERS
from harmony_spec import ParseError, RenderError
from harmony_spec.format import cache_limits
from harmony_spec.recovery.header_automaton import automaton_of
from harmony_spec.source.saved_text import without_line_break
from harmony_spec.vocabulary import load

from . import dialect
from .conftest import examples
from .strategies import described, messages_of
from .test_dialects import codec_of, tokenizer_of
from .test_streaming import chunks, read, seen, sizes

RECOVERING = [
    name for name in dialect.NAMES if name in dialect.EDITS or (dialect.HERE / name / "recovery.toml").exists()
]
"""Those with a recovery.toml."""

Source = str | list[int]


def units_of(module: ModuleType, text: str) -> list[str]:
    """The special tokens of a text, and what is between them."""
    format = module.FORMAT
    runs, specials = format.special_matcher.split(text), [*format.special_matcher.findall(text), ""]
    return [unit for pair in zip(runs, specials, strict=True) for unit in pair if unit]


def tokens_of(module: ModuleType, text: str) -> list[int]:
    ids, tokenizer = module.SPECIAL_TOKENS, tokenizer_of(module) or load(module.FORMAT.encoding)
    units = units_of(module, text)
    return [token for unit in units for token in ([ids[unit]] if unit in ids else tokenizer.encode(unit))]


def structure(module: ModuleType) -> list[str]:
    """The special tokens of the grammar."""
    return list(module.FORMAT.markers)


@st.composite
def texts(draw: st.DrawFn, module: ModuleType, start: str = "transcript") -> str:
    """Messages that the grammar describes, with some parts taken out, doubled, moved, or put in."""
    conversation = draw(st.lists(described(module), min_size=1, max_size=3))
    try:
        text = module.render_text(conversation, style="as_parsed")
    except RenderError as error:  # a field or a content spells a special token
        assert "spells the special token" in error.message
        text = ""
    units = units_of(module, text)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(units)))
        new = draw(st.sampled_from([*structure(module), "user", "a", " ", "\n", " to=a"]))
        units[at : at + 1] = draw(st.sampled_from([[], units[at : at + 1] * 2, [*units[at : at + 1], new], [new]]))
    first = draw(st.integers(0, len(units))) if start == "completion" else 0
    return "".join(units[first:])


@pytest.mark.parametrize("name", dialect.NAMES)
@examples(60)
@given(data=st.data())
def test_strict_parsers_raise_one_type_only(name: str, data: st.DataObject) -> None:
    """Laws 3 and 4: anything gives messages whose spans tile it, or a `ParseError` with a place in it."""
    module = codec_of(name)
    start = data.draw(st.sampled_from(list(module.FORMAT.starts)))
    text = data.draw(texts(module, start))
    tokens = tokens_of(module, text)
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(tokens)))
        tokens[at:at] = data.draw(st.lists(st.integers(-1, 255) | st.just(module.FORMAT.encoding.size), max_size=2))
    for source in (text, tokens):
        try:
            parsed = module.parse(source, start, tokenizer=tokenizer_of(module))
        except ParseError as error:
            assert error.span is not None
            assert 0 <= error.span.start <= error.span.end <= len(source)
            continue
        assert_tiles(parsed.spans, source)


def assert_tiles(spans: list[Any], source: Source) -> None:
    ends = [0, *(span.end for span in spans)]
    assert [span.start for span in spans] == ends[:-1]
    assert source[ends[-1] :] in ("", [], "\n", "\r\n")


# Law 6: Lark, interpreting the same file.


@cache
def lark_of(name: str, lexer: str = LEXERS[0]) -> Lark:
    folder = dialect.grammar_of(name, Path(mkdtemp()))
    (path,) = (path for path in folder.glob("*.lark") if path.name != "contents.lark")
    starts = list(codec_of(name).FORMAT.starts)
    return Lark(path.read_text(encoding="utf-8"), lexer=lexer, start=starts, **LARK_OPTIONS)


LARK_OPTIONS: dict[str, Any] = {"parser": "earley", "keep_all_tokens": True}

LarkOf = Callable[[str], Lark]
"""Lark with the grammar of a format, by its lexer."""


def read_by_lark(module: ModuleType, lark_with: LarkOf, text: str, start: str) -> list[Tree[Token]] | None:
    """The trees of the messages, or None if Lark refuses the text."""
    for lexer in LEXERS:
        with suppress(UnexpectedInput):
            tree = lark_with(lexer).parse(text, start=start)
            break
    else:
        return None
    headers = {frame.name for frame in module.FORMAT.frames.values() if not frame.has_content}
    return [node for node in tree.children if isinstance(node, Tree) and node.data not in headers]


def values_of(module: ModuleType, lark: Lark, tree: Tree[Token]) -> Iterator[tuple[str, str | bool]]:
    """The fields of a message with their values, by the table of docs/grammar.md; a name of an alternative has none."""
    format = module.FORMAT
    values = {terminal.name for terminal in lark.terminals if isinstance(terminal.pattern, PatternRE)}
    rules = {rule.alias: str(rule.origin.name) for rule in lark.rules if rule.alias}
    for node in tree.iter_subtrees():
        rule = rules.get(str(node.data), str(node.data))
        ways = [way.expansion for way in lark.rules if way.origin.name == rule]
        alone = all(symbol.is_term for way in ways for symbol in way) and all(
            sum(symbol.name in values for symbol in way) <= 1 for way in ways
        )
        if str(node.data) in rules:
            yield "", str(node.data)
        elif format.defaults.get(rule) is False:
            yield rule, True
        for token in node.children:
            if isinstance(token, Token) and token.type in values:
                yield rule if alone else token.type.lower(), str(token)
            elif isinstance(token, Token) and format.defaults.get(token.type.lower()) is False:
                yield token.type.lower(), True
        if alone and rule == format.content and not node.children:
            yield rule, ""


@pytest.mark.parametrize("name", dialect.NAMES)
@examples(60)
@given(data=st.data())
def test_lark_reads_alike(name: str, data: st.DataObject) -> None:
    module = codec_of(name)
    start = data.draw(st.sampled_from(list(module.FORMAT.starts)))
    require_equal_readings(module, partial(lark_of, name), data.draw(texts(module, start)), start)


def require_equal_readings(module: ModuleType, lark_with: LarkOf, text: str, start: str) -> None:
    """Law 6: Lark accepts what the strict parser accepts, with the same fields and alternatives."""
    expected = read_by_lark(module, lark_with, text, start)
    bare = without_line_break(text)
    if expected is None and isinstance(bare, str) and not bare.endswith("\n"):
        expected = read_by_lark(module, lark_with, bare, start)
    try:
        messages = module.parse(text, start).messages
    except ParseError:
        assert expected is None
        return
    assert expected is not None
    assert len(messages) == len(expected)
    given_fields = dict(module.FORMAT.opening) if start == "completion" else {}
    for index, (message, tree) in enumerate(zip(messages, expected, strict=True)):
        found = list(values_of(module, lark_with(LEXERS[0]), tree))
        named = {value for field, value in found if not field}
        fields = {field: value for field, value in found if field}
        read = {
            field: value for field in module.FORMAT.fields if (value := getattr(message, field)) not in (None, False)
        }
        assert {field: value for field, value in read.items() if field in fields} == fields
        frames = {*module.FORMAT.frames, *(path.name for paths in module.FORMAT.starts.values() for path in paths)}
        assert named == ({*message.variants, *read.values()} & named) | set(message.variants) - frames
        unread = {
            value for field, value in read.items() if field not in fields and (index or field not in given_fields)
        }
        assert unread <= named


@pytest.mark.parametrize("name", dialect.NAMES)
@examples(30)
@given(data=st.data())
def test_what_was_written_before_changes_nothing(name: str, data: st.DataObject) -> None:
    """Tokens are the same with all frames in the cache, with some, and with none."""
    module = codec_of(name)
    conversations = data.draw(st.lists(st.lists(described(module), max_size=4), min_size=1, max_size=4))

    def written(messages: list[Any]) -> list[int] | str:
        try:
            tokens: list[int] = module.render(messages, tokenizer=tokenizer_of(module))
        except RenderError as error:
            return error.message
        return tokens

    first, again = [[written(messages) for messages in conversations] for _ in range(2)]
    assert first == again
    for messages, found in zip(conversations, again, strict=True):
        for cache_of_owner in module.FORMAT.owned.values():
            cache_of_owner.clear()
        assert written(messages) == found


# Recovery, and streams.


@pytest.mark.parametrize("name", RECOVERING)
@examples(30)
@given(data=st.data())
def test_what_was_read_before_changes_nothing(name: str, data: st.DataObject) -> None:
    """Caches hold what would be read again: readings are the same after others, with new caches, and with tiny ones."""
    module = codec_of(name)
    start, sources = "transcript", data.draw(st.lists(texts(module, "transcript"), min_size=2, max_size=6))
    warm = [module.recover(source, start) for source in sources]
    for source, found in zip(sources, warm, strict=True):
        module.FORMAT.caches.clear()
        for cache_of_owner in module.FORMAT.owned.values():
            cache_of_owner.clear()
        assert module.recover(source, start) == found
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache_limits, "HEADER_CACHE_BYTES", 3 * cache_limits.MEMORY_PER_HEADER)
        patch.setattr(module.FORMAT, "owned", WeakKeyDictionary())
        assert [module.recover(source, start) for source in sources] == warm


@pytest.mark.parametrize("name", RECOVERING)
@examples(60)
@given(data=st.data())
def test_recovery_is_total_and_chunks_change_nothing(name: str, data: st.DataObject) -> None:
    """Laws 3, 4 and 5: spans and gaps tile anything, validation reads the same, and so does a stream in any chunks."""
    module = codec_of(name)
    start = data.draw(st.sampled_from(list(module.FORMAT.starts)))
    text = data.draw(texts(module, start))
    tokens, tokenizer = tokens_of(module, text), tokenizer_of(module)
    most = data.draw(st.none() | st.integers(0, 60))
    for source in (text, tokens):
        found = module.recover(source, start, tokenizer=tokenizer, max_repair_cost=most)
        assert_tiles(sorted([*found.spans, *found.gaps]), source)
        assert most is not None or module.validate(source, start, tokenizer=tokenizer).messages == found.messages
        for message in found.messages:
            other = message.repair.alternative if message.repair else None
            assert other is None or any(getattr(message, name) != value for name, value in other.fields.items())
    repairs = [(message.variants, message.repair) for message in found.messages]
    for parts in (tokens, [tokens], chunks(tokens, data.draw(sizes))):
        parser = module.StreamParser(start, tokenizer=tokenizer, max_repair_cost=most)
        read(parser, parts)
        assert seen(parser) == (found, repairs, found.messages)


@pytest.mark.parametrize("name", RECOVERING)
def test_a_header_with_free_text_that_costs_too_much_is_read(name: str) -> None:
    """Law 4: its text begins after its tokens, also after those around free text."""
    module, tokenizer = codec_of(name), tokenizer_of(codec_of(name))
    for lead, end in product(module.FORMAT.meaning.free_texts, structure(module)):
        tokens = tokens_of(module, f"{lead}x{end}a b c d e")
        for most in (0, 5, 20):
            found = module.recover(tokens, "completion", tokenizer=tokenizer, max_repair_cost=most)
            assert_tiles(sorted([*found.spans, *found.gaps]), tokens)


@pytest.mark.parametrize("name", RECOVERING)
@examples(60)
@given(data=st.data())
def test_recovery_changes_nothing_valid(name: str, data: st.DataObject) -> None:
    """Law 7: bounds are as they stand, and so are messages, if no diagnostic says otherwise."""
    module = codec_of(name)
    tokenizer = tokenizer_of(module)
    conversation = data.draw(st.lists(messages_of(module), max_size=3))
    try:
        tokens = module.render(conversation, style="as_parsed", tokenizer=tokenizer)
    except RenderError:
        return
    strict, found = module.parse(tokens, tokenizer=tokenizer), module.recover(tokens, tokenizer=tokenizer)
    assert (found.bounds, found.opening, found.gaps) == (strict.bounds, strict.opening, [])
    for index, (recovered, message) in enumerate(zip(found.messages, strict.messages, strict=True)):
        if recovered != message or recovered.variants != message.variants:
            assert recovered.repair
            assert index in {diagnostic.index for diagnostic in found.diagnostics}


def known_names(module: ModuleType) -> dict[str, list[str]]:
    """Names of each field that no other name is near to, a tool first."""
    recovery, listed = module.FORMAT.recovery, module.FORMAT.listed_values
    slots, functions = recovery.slots, recovery.definitions.functions
    tool = recovery.full_name(functions, "fetch_it") if functions else "fetch_it"
    found = {field: [value for value in values if value] for field, values in listed.items()}
    role = automaton_of(module.FORMAT).patterns.get(slots.role)
    found |= {slots.role: [name for name in recovery.roles if role is None or role.fullmatch(name)]}
    found |= {slots.content_type: list(recovery.content_types)}
    return found | {
        slots.name: [tool, "alice"],
        slots.channel: [*recovery.channels, "verdict"],
        slots.recipient: [tool, "browser.open", *recovery.recipients, *recovery.roles],
    }


@pytest.mark.parametrize("name", RECOVERING)
def test_known_names_stay_where_the_grammar_has_them(name: str) -> None:
    require_known_names(codec_of(name), Random(name))


def require_known_names(module: ModuleType, rng: Random) -> None:
    """Law 7 for headers of known names, drawn from the automaton: also parts that no conversation has together."""
    recovery, names, read = module.FORMAT.recovery, known_names(module), 0
    rows = automaton_of(module.FORMAT).edges
    for _ in range(150):
        text, state = "", 0
        while rows[state]:
            edge = rng.choice(rows[state])
            state = edge.target
            text += rng.choice(names.get(edge.spelling) or ["high"]) if edge.kind == "field" else edge.spelling
            if edge.spelling in recovery.opens:
                break
        text += rng.choice(["Hello.", ""]) + rng.choice(list(recovery.closes))
        try:
            messages = module.parse(text).messages
        except ParseError:  # "high" is not a name of each field
            continue
        read += 1
        for tools in (None, names[recovery.slots.name][:1]):
            found = module.recover(text, tools=tools)
            assert found.messages == messages, text
            assert [message.variants for message in found.messages] == [message.variants for message in messages], text
            assert {diagnostic.code.name for diagnostic in found.diagnostics} <= {"call-without-recipient"}, text
    assert read > 50


@pytest.mark.parametrize("name", RECOVERING)
def test_short_inputs_are_read_alike(name: str) -> None:
    """Law 7 for all inputs of two parts: those that are valid have no diagnostic, and all others have one.

    The line break of an editor is a gap: it is in no message, and spans tile the input.
    """
    module = codec_of(name)
    recovery = module.FORMAT.recovery
    words = [recovery.author[recovery.slots.role], *recovery.channels[:1], "\n", " ", "a", *recovery.content_types[:1]]
    units, valid = [*structure(module), *words], 0
    for parts in product(["", *units], units):
        text = "".join(parts)
        for start in module.FORMAT.starts:
            found = module.recover(text, start)
            assert module.validate(text, start).messages == found.messages
            try:
                strict = module.parse(text, start)
            except ParseError:
                assert found.diagnostics
                continue
            valid += 1
            assert (found.bounds, found.opening) == (strict.bounds, strict.opening)
            assert found.messages == strict.messages or found.diagnostics
            assert {text[gap.start : gap.end] for gap in found.gaps} <= {"\n"}
            if not found.gaps:
                parser = module.StreamParser(start, tokenizer=tokenizer_of(module))
                read(parser, [tokens_of(module, text)])
                assert parser.messages == found.messages
    assert valid


@pytest.mark.parametrize(("name", "field"), [("thoughts", "thought"), ("remark", "remark")])
@pytest.mark.parametrize("repeated", [1, 90, 3000])
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_free_text_in_a_header_has_any_length(name: str, field: str, repeated: int, role: str) -> None:
    """The limit of headers is for the names in them, alike in all parsers and the renderer."""
    module = codec_of(name)
    text = "I call to=functions.f, final. " * repeated
    conversation = [module.Message(role, content, **{field: text}) for content in ("", "Hi.", "Hi.")]
    conversation[1].name = None if role == "assistant" else "a"
    tokens = module.render(conversation)
    for source in (tokens, module.render_text(conversation)):
        assert module.parse(source).messages == conversation
        found = module.recover(source)
        assert (found.messages, found.diagnostics) == (conversation, [])
    damaged = module.recover(tokens[:-1] + tokens)
    assert damaged.messages == conversation * 2
    assert [diagnostic.code.name for diagnostic in damaged.diagnostics] == ["missing-terminator"]
    for strict in (True, False):
        for parts in (tokens, [tokens], chunks(tokens, [5, 0, 300, 1])):
            parser = module.StreamParser("transcript", strict=strict)
            read(parser, parts)
            assert parser.messages == conversation


@pytest.mark.parametrize(("name", "field"), [("thoughts", "thought"), ("remark", "remark")])
@pytest.mark.parametrize("text", ["a", "I think so. " * 1000])
def test_names_beside_free_text_are_limited(name: str, field: str, text: str) -> None:
    """Streams must not wait for the end of a header that is none."""
    module = codec_of(name)
    message = module.Message("assistant", "Hi.", recipient="a", channel="final", **{field: text})
    header, rest = module.render_text([message]).split(" to=a")
    for length, fits in ((700, True), (1100, False)):
        source = f"{header} to={'f' * length}{rest}"
        message.recipient = "f" * length
        read_strictly = partial(module.parse, source)
        if fits:
            assert read_strictly().messages == [message]
            assert module.recover(source).messages == [message]
            assert module.render_text([message]) == source
            continue
        for refused in (read_strictly, partial(module.render_text, [message])):
            with pytest.raises((ParseError, RenderError), match="a header is shorter than 1024 characters"):
                refused()
        assert "header-too-long" in [diagnostic.code.name for diagnostic in module.recover(source).diagnostics]


@pytest.mark.parametrize("name", RECOVERING)
@examples(10)
@given(data=st.data())
def test_what_was_read_is_freed_at_once(name: str, data: st.DataObject) -> None:
    """What refers to itself stays in memory until Python looks for it; each input of a corpus did, with its tokens."""
    module = codec_of(name)
    text = data.draw(texts(module))
    ids, tokenizer = tokens_of(module, text), tokenizer_of(module)

    def read() -> None:
        for source in (text, ids):
            module.recover(source, tokenizer=tokenizer)
            module.validate(source, tokenizer=tokenizer)
        parser = module.StreamParser("transcript", tokenizer=tokenizer)
        parser.feed(ids)
        parser.close()

    read()
    gc.freeze()
    gc.disable()
    try:
        read()
        assert gc.collect() == 0
    finally:
        gc.enable()
        gc.unfreeze()
