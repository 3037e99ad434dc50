"""Rendering: each distinct header is written, checked by reading it back, and cached; contents are encoded whole.

Anything that would be read back as something else is a `RenderError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence, Sized
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from ..codes import INEXPRESSIBLE_MESSAGE, SPECIAL_TOKEN_IN_TEXT
from ..errors import RenderError, Span, VocabularyError, near_misses
from ..format.cache_limits import CONTENT_CACHE_BYTES, MEMORY_PER_BYTE, HeaderCaches, SizedCache
from ..format.content_writing import Inexpressible
from ..format.contents import Record
from ..format.frames import HOLE, Chosen, Frame
from ..format.tables import Format
from ..format.token_encoding import Tokenizer
from ..source.forms import HEADER_LIMITS, QUOTED_CHARS_PER_SIDE, SourcePart, TextForm
from ..source.message_tokens import MessageTokens
from ..source.token_places import tokens_of, tokens_of_mixed
from ..vocabulary import tokenizer_for
from .originals import original_text, spelled_by
from .token_texts import decode

P = TypeVar("P", list[int], str)

MARKER = re.compile("[\ud800-\udfff]")
MARKER_OR_TEXT = re.compile("[\ud800-\udfff]|[^\ud800-\udfff]+")

AS_TOKENS = "Render to token ids, where content is never a special token."


NO_TOKENS = MessageTokens("", 0, 0)


class WrittenFrame(NamedTuple):
    """A frame in the mixed alphabet: up to the token before the content, text directly around that, and the rest."""

    head: str
    prefix: str
    suffix: str
    tail: str


def pick(rule: str, chosen: Chosen, branches: dict[str, bool]) -> str:
    """Return the alternative to write: the first chosen one that can write the message, else the first that can."""
    possible = [name for name, fits in branches.items() if fits]
    if not possible:
        raise Inexpressible(rule)
    return next((name for name in chosen if name in possible), possible[0])


class Plan:
    """The frame and the alternatives for each message.

    Args:
        unit: "token" or "character", the unit of the output.
        training: whether the last message is a target of training.
    """

    def __init__(
        self,
        format: Format,
        messages: Sequence[Any],
        start: str,
        given: dict[str, Any],
        style: str,
        unit: str,
        training: bool = False,
    ) -> None:
        if not isinstance(style, str) or (style not in format.styles and style != format.as_parsed):
            known = ", ".join([*format.styles, format.as_parsed])
            raise ValueError(f"unknown style {style!r}; styles: {known}")
        format.require_start(start)
        format.require_messages(messages)
        self.format, self.messages, self.given, self.style = format, messages, given, style
        self.choices = format.styles.get(style) if style != format.as_parsed else None
        for index, message in enumerate(messages) if self.choices is None else ():
            format.require_original(message, index)
        last = self.variants(messages[-1]) if messages else ()
        self.path = next((path for path in format.starts[start] if path.name in last), format.starts[start][0])
        self.frames = self._frames(start)
        self.training, self.unit = training, unit
        self.keeps_tokens = self.choices is None and unit == "token"
        self.decided: dict[str, bool] | None = None
        self.header_key = format.header_key
        self._require_continuation()

    def text(self, index: int) -> str:
        """Return the text of a structured content. Raises `RenderError` if its message cannot have it."""
        self.format.require_content(self.messages[index].content, index)
        if self.decided is None:
            self.decided = self.format.contents.decide(self.messages)
        try:
            message = self.messages[index]
            chosen = None if self.choices is None else self._choose_alternatives(message, index)
            return self.format.contents.text_of(message, self.decided, chosen)
        except RenderError as error:
            error.index = index
            raise

    def variants(self, message: Any) -> Chosen:
        """Return the named alternatives that a message was read from, if the style keeps them."""
        return tuple(message.variants or ()) if self.choices is None else ()

    def _frames(self, start: str) -> list[Frame]:
        """Return the frame of each message; an optional one if a message was read from it, or if it is needed."""
        messages = self.messages
        (only, times), *others = self.path.steps
        if times == "*" and not others:
            return [only] * len(messages)
        steps = [step for step in self.path.steps if step[0].has_content]
        least = sum(times == "" for _, times in steps)
        spare = len(messages) - least
        repeats = any(times == "*" for _, times in steps)
        taken: list[tuple[Frame, str]] = []
        for index, (frame, times) in enumerate(steps):
            if times != "?":
                taken.append((frame, times))
                continue
            at = index if index < len(steps) - 1 else -1
            read = spare > 0 and index <= len(messages) and frame.name in self.variants(messages[at])
            if read or (not repeats and spare > 0):
                taken.append((frame, ""))
                spare -= 1
        if spare < 0 or (spare and not repeats):
            count = f"at least {least}" if repeats else f"exactly {least}"
            message = f"a {start} has {count} message{'s' * (least != 1)}, not {len(messages)}"
            raise RenderError(INEXPRESSIBLE_MESSAGE, message, hint="Pass another start.")
        return [frame for frame, times in taken for _ in range(spare if times == "*" else 1)]

    def _require_continuation(self) -> None:
        """Raise `RenderError` for a message that contradicts the open header that it continues, or has none."""
        partial = {
            frame.name: others
            for frame, _ in self.path.steps
            if (others := [name for name in self.given if name not in frame.fields])
        }
        if not partial:
            return
        if self.given != self.format.usual_opening and self.format.open_frame:
            self.write_opening(self.format.open_frame)
        for index, (frame, message) in enumerate(zip(self.frames, self.messages, strict=True)):
            if self.choices is None and original_text(self.format, message):
                continue  # its own header contradicts the open one, as in the input
            for name in partial.get(frame.name, ()):
                continued, value = self.given[name], getattr(message, name)
                if value != continued:
                    raise self.error(index, f"the open header has {name}={continued!r}, the message {name}={value!r}")

    def kept(self, index: int) -> MessageTokens:
        """Return the token ids that a message was read from, if there are such and the style keeps them.

        Those before the first message are of the open header of a prompt without messages.
        """
        holder: Any = self.messages[index] if index >= 0 else self.messages
        return (self.keeps_tokens and getattr(holder, "tokens", None)) or NO_TOKENS

    def write(self, index: int, message: Any) -> WrittenFrame:
        """Write and check the frame of a message. Raises `RenderError` if the format cannot express it."""
        frame = self.frames[index]
        values, required = {}, self.format.required.intersection(frame.fields) - {self.format.content}
        for name in self.format.fields:
            value = getattr(message, name)
            if isinstance(value, str):
                value = str.__str__(value)
            elif isinstance(value, Record) and name == self.format.content:
                value = "" if frame.bare else self.text(index)
            elif value not in (None, False, True):
                raise self.error(index, f"{name}: expected a str, got {type(value).__name__}")
            elif value is None and name in required:
                self.require_listed(message, index, frame.fields)
                raise self.error(index, f"{name} is missing")
            values[name] = bool(value) if self.format.defaults.get(name) is False else value
            if name not in frame.fields and name not in self.given and values[name] != self.format.defaults[name]:
                raise self.error(index, f"{name}={value!r} has no place in this kind of message ({frame.name})")
        copy = self.format.message(**values)
        chosen = self.variants(message) if self.choices is None else self._choose_alternatives(copy, index)
        for name in self.variants(message):
            if name not in frame.variants and any(name in each.kinds for each in self.format.frames.values()):
                raise self.error(index, f"the alternative {name!r} has no place in this kind of message ({frame.name})")
        return self.check(frame, copy, chosen, index)

    def _choose_alternatives(self, message: Any, index: int | None) -> Chosen:
        """Return the alternatives that the style, or being the training target, chooses for a message."""
        target = self.training and index == len(self.messages) - 1
        return self.format.chosen_for(message, self.choices or (), self.format.training * target)

    def check(self, frame: Frame, message: Any, chosen: Chosen, index: int | None) -> WrittenFrame:
        try:
            mixed, unwritten = frame.write(message, chosen), ""
        except Inexpressible as error:
            mixed, unwritten = "", error.rule
        if unwritten:
            self.require_listed(message, index, frame.fields)
            fields = ", ".join(f"{name}={getattr(message, name)!r}" for name in self.format.header_fields)
            raise self.error(index, f"the rule `{unwritten}` of the grammar cannot write a message with {fields}")
        hole = "" if frame.bare else message.content
        values: dict[str, Any] = dict(self.format.defaults)
        is_read = frame.read(mixed.replace(HOLE, hole), values) is not None
        names = [name for name in frame.fields if name != self.format.content]
        changed = [name for name in names if values[name] != getattr(message, name)] if is_read else frame.fields
        self.require_listed(message, index, frame.fields if changed else ())
        for name in changed:
            self.blame_field(name, message, values if is_read else None, index)
        if not is_read:
            if empty := [name for name in names if getattr(message, name) == ""]:
                raise self.error(index, f"{empty[0]}='' cannot be written: in this format, {empty[0]} is not empty")
            raise self.error(index, f"{frame.name} is written as {self.spelled(mixed)}, which does not read back")
        if self.unit == "character" and (spelling := self.format.special_matcher.search(mixed)):
            raise self.error(index, f"a field spells the special token {spelling[0]}, which as text would become one")
        return _split(mixed, frame)

    def blame_field(self, name: str, message: Any, read: dict[str, Any] | None, index: int | None) -> None:
        """Raise `RenderError` for a field that is not read back unchanged; return if it may be another field."""
        value = getattr(message, name)
        pattern, shown = self.format.patterns.get(name, ("", ""))
        if isinstance(value, str) and pattern and not re.fullmatch(pattern, value):
            longest = re.match(pattern, value)
            at = longest.end() if longest else 0
            raise self.error(
                index, f"{name} {value!r} cannot be written: character {at} does not fit {shown}", Span(at, at + 1)
            )
        if read is not None:
            raise self.error(index, f"{name}={value!r} would be read back as {name}={read[name]!r}")

    def require_listed(self, message: Any, index: int | None, fields: Container[str]) -> None:
        """Raise for one of some fields whose value is not among those that the grammar lists."""
        for name, listed in self.format.listed_values.items():
            value = getattr(message, name)
            if name not in fields or value in listed:
                continue
            allowed = [each for each in listed if each is not None]
            problem = f"{name} is missing" if value is None else f"unknown {name} {value!r}"
            near = near_misses(str(value), allowed)
            suggestion = f"did you mean {near[0]!r}? " if near else ""
            raise self.error(index, f"{problem}; {suggestion}allowed: {', '.join(allowed)}")

    def error(self, index: int | None, message: str, span: Span | None = None) -> RenderError:
        return RenderError(INEXPRESSIBLE_MESSAGE, message, index=index, span=span)

    def require_short(self, index: int, head: str, part: Callable[[str], Sized]) -> None:
        """Raise `RenderError` for a header that recovery would read as text, see `HEADER_LIMITS`.

        Args:
            head: the header in the mixed alphabet. Free text in it does not count.
            part: returns a text in units.
        """
        length, most = len(part(head[:-1])), HEADER_LIMITS[self.unit]
        if self.format.recovery is None or length < most:
            return
        length -= sum(len(part(text)) for _, text in self.format.free_text_matcher.findall(head))
        if length >= most:
            limit = f"a header is shorter than {most} {self.unit}s"
            raise self.error(index, f"{limit}, and this one has {length}; shorten the names in it")

    def spelled(self, mixed: str) -> str:
        return "".join(self.format.by_marker.get(char, char) for char in mixed if char != HOLE)

    def spelled_apart(self, parts: Sequence[str]) -> str:
        """Spell the parts of messages, three of each; raises `RenderError` if a text and the token after it spell
        another token, since the first one would be read."""
        run = ""
        for at, piece in ((at, piece) for at, part in enumerate(parts) for piece in MARKER_OR_TEXT.findall(part)):
            token = self.format.by_marker.get(piece)
            found = token and self.format.special_matcher.search(run + token)
            if found and found.start() < len(run):
                problem = f"the text before {token} spells the special token {found[0]} with it"
                raise RenderError(SPECIAL_TOKEN_IN_TEXT, problem, index=at // 3, hint=AS_TOKENS)
            run = "" if token else run + piece
        return self.spelled("".join(parts))

    def render(
        self,
        caches: HeaderCaches,
        add: Callable[[P], object],
        part: Callable[..., P],
        whole: Callable[[int, Any, str, str], P],
        original: Callable[[SourcePart], P],
    ) -> None:
        """Write all messages, and the open header, as token ids or as text.

        Args:
            caches: those of frames, too.
            add: takes the three parts of each message, around and with its content, and the open header. It is called
                rather than yielded to: each time that a generator goes on costs as much as a header.
            part: returns a text in the mixed alphabet in this form. After it come the token ids that its end was read
                from, and those that the text before that was read from.
            whole: returns a content with the text directly around it.
            original: returns a part of the input of a repaired message.
        """
        as_parsed, header_key = self.choices is None, self.header_key
        target = len(self.messages) - 1 if self.training else -1
        own: Frame | None = None
        for index, message in enumerate(self.messages):
            content = message.content
            is_text = content.__class__ is str or not isinstance(content, Record)
            if not is_text:
                content = self.text(index)
            if as_parsed and (raw := original_text(self.format, message)):
                continued = self.opening_of(index, raw.opening) if raw.continues else ""
                add(part(continued, self.kept(index - 1).opening) + original(raw.head))
                add(original(raw.body))
                add(original(raw.tail))
                continue
            if self.frames[index] is not own or index == target:
                own = self.frames[index]
                known = caches.of("written", self.style, own.name, index == target)
            key = header_key(message)
            if as_parsed:
                key = key, self.variants(message), self.kept(index).around, self.kept(index - 1).opening
            try:
                written: tuple[P, str, str, P] | None = known.get(key)
            except TypeError:  # a field of a wrong type, which has no hash
                written = None
            if written is None:
                written = self._written(index, part)
                if own.bare:
                    caches.remember(known, key, written, len(written[0]))
            head, prefix, suffix, tail = written
            add(head)
            try:
                add(whole(index, content, prefix, suffix))
            except (TypeError, UnicodeEncodeError, VocabularyError):
                self.require_text(index, content)
                raise
            add(tail)
        if opened := self.opening():
            add(part("".join(opened), self.kept(len(self.messages) - 1).opening))

    def _written(self, index: int, part: Callable[..., P]) -> tuple[P, str, str, P]:
        """Write the frame of a message."""
        mixed = self.write(index, self.messages[index])
        self.require_short(index, mixed.head, part)
        kept, opening = self.kept(index), self.kept(index - 1).opening
        return part(mixed.head, kept.header, opening), mixed.prefix, mixed.suffix, part(mixed.tail, kept.stop)

    def require_text(self, index: int, content: object) -> None:
        """Raise `RenderError` for a content that is not a str, or has a lone surrogate."""
        if not isinstance(content, str):
            raise self.error(index, f"{self.format.content}: expected a str, got {type(content).__name__}")
        try:
            content.encode()
        except UnicodeEncodeError as error:
            at, problem = error.start, f"character {error.start} of the content is a lone surrogate"
            raise self.error(index, problem, Span(at, at + 1)) from None

    def written_from(
        self, kept: MessageTokens, index: int, content: str, prefix: str, suffix: str, tokenizer: Tokenizer
    ) -> int | None:
        """From which offset in the text around and with a content the token ids that it was read from spell it.

        It is after the part of the header that an open header had, and 0 if they spell the same structure; None if
        they spell something else.
        """
        spelled = kept.text if kept.tokenizer is tokenizer else spelled_by(self.format, kept.content, tokenizer)
        text = prefix + content + suffix
        if spelled == text or spelled is None:
            return None if spelled is None else 0
        before, record, contents = len(text) - len(spelled), self.messages[index].content, self.format.contents
        if 0 < before <= len(prefix) and text.endswith(spelled):
            return before
        if not isinstance(record, Record) or (other := contents.structure(type(record), spelled)) is None:
            return None
        decided = self.decided or {}
        return 0 if contents.write(other, decided, ()) == contents.write(record, decided, ()) else None

    def opening_of(self, index: int, others: Sequence[tuple[str, Any]] = ()) -> str:
        """Return the open header that a message continues, if the frame of the message contains it.

        Args:
            others: its fields that are not those of the message.
        """
        opens, contained = self.format.open_frame, self.frames[index].fields
        message = replace(self.messages[index], **dict(others)) if others else self.messages[index]
        return opens.write(message, ()) if opens and set(opens.fields) <= set(contained) else ""

    def opening(self) -> WrittenFrame | None:
        """Return the open header after the messages, or None if the start rule has none."""
        open_frame = next((frame for frame, _ in self.path.steps if not frame.has_content), None)
        return self.write_opening(open_frame) if open_frame else None

    def write_opening(self, open_frame: Frame) -> WrittenFrame:
        """Write and check an open header. Raises `RenderError` if the format cannot express it."""
        values = {**self.format.defaults, **self.given}
        message = self.format.message(**{**values, self.format.content: ""})
        for name in open_frame.fields:
            if values[name] is None and name in self.format.required:
                raise self.error(None, f"{name}: expected a str, got NoneType; pass {name}=")
        self.format.require_field_types(message, None, open_frame.fields)
        return self.check(open_frame, message, self._choose_alternatives(message, None), None)


def _split(mixed: str, frame: Frame) -> WrittenFrame:
    """Divide a written frame at its content, and at the text directly around that."""
    left, _, right = mixed.partition(HOLE)
    if not frame.has_content:
        return WrittenFrame(left, "", "", "")
    prefix, suffix = MARKER.split(left)[-1], MARKER.split(right)[0]
    return WrittenFrame(left.removesuffix(prefix), prefix, suffix, right.removeprefix(suffix))


def render(
    format: Format,
    messages: Sequence[Any],
    start: str,
    given: dict[str, Any],
    style: str,
    tokenizer: Tokenizer | None,
) -> list[int]:
    """Return the token ids of messages along a start rule. Raises `RenderError` if the format cannot express them."""
    tokens: list[int] = []
    render_tokens(Plan(format, messages, start, given, style, "token"), tokenizer, tokens.extend)
    return tokens


def render_tokens(plan: Plan, tokenizer: Tokenizer | None, add: Callable[[list[int]], object]) -> None:
    """Write the token ids of each message in three parts, around and with its content, and those of the open header."""
    format = plan.format
    chosen = tokenizer_for(format.encoding, tokenizer)
    encode, caches = chosen.encode, format.caches_of(chosen)
    contents: SizedCache[list[int]] = caches.setdefault("contents", SizedCache(CONTENT_CACHE_BYTES))

    def part(mixed: str, *kept: Sequence[int]) -> list[int]:
        ends: list[int] = []
        for ids in kept:
            spelled = spelled_by(format, ids, chosen) if ids else None
            if spelled and mixed.endswith(spelled):
                ends[:0], mixed = ids, mixed.removesuffix(spelled)
        return tokens_of_mixed(format, mixed, encode) + ends

    def whole(index: int, content: Any, prefix: str, suffix: str) -> list[int]:
        if plan.keeps_tokens and (kept := plan.kept(index)).units:
            found = plan.written_from(kept, index, content, prefix, suffix, chosen)
            if found is not None:
                return encode(prefix[:found]) + kept.content if found else kept.content
        if content is plan.messages[index].content:
            return encode(prefix + content + suffix)
        key = prefix, content, suffix  # a structured content, which each turn of a conversation renders again
        tokens = contents.get(key)
        if tokens is None:
            tokens = encode(prefix + content + suffix)
            contents.put(key, tokens, MEMORY_PER_BYTE * len(content))
        return tokens

    plan.render(caches, add, part, whole, lambda raw: tokens_of(format, raw, encode))


def count_tokens(format: Format, messages: Sequence[Any], *arguments: Any) -> int:
    """Count the token ids that `render` returns."""
    return len(render(format, messages, *arguments))


def render_text(format: Format, messages: Sequence[Any], start: str, given: dict[str, Any], style: str) -> str:
    """Return the text of messages along a start rule, special tokens spelled out.

    Raises `RenderError` if the format cannot express them, and for content that spells a special token, since it would
    be read back as one.
    """
    plan = Plan(format, messages, start, given, style, "character")
    find_special = format.special_matcher.search

    def whole(index: int, content: Any, prefix: str, suffix: str) -> str:
        plan.require_text(index, content)
        text: str = prefix + content + suffix
        if match := find_special(text):
            start, end = match.start() - len(prefix), match.end() - len(prefix)
            first = max(start - QUOTED_CHARS_PER_SIDE, 0)
            raise RenderError(
                SPECIAL_TOKEN_IN_TEXT,
                f"the content spells the special token {match[0]}",
                span=Span(start, end),
                index=index,
                around=content[first : end + QUOTED_CHARS_PER_SIDE],
                caret=start - first,
                hint=AS_TOKENS,
            )
        return text

    def original(raw: SourcePart) -> str:
        return raw if isinstance(raw, str) else decode(format, raw, None)

    def part(mixed: str, *kept: Sequence[int]) -> str:
        return mixed if format.overlaps else plan.spelled(mixed)

    texts: list[str] = []
    plan.render(format.caches_of(TextForm), texts.append, part, whole, original)
    return plan.spelled_apart(texts) if format.overlaps else "".join(texts)
