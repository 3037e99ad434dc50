"""Strict parsing: frame by frame along the paths of a start rule, each header read once and remembered.

A message is found by its special tokens, in one match. Its header, tokens and all, is the key under which what it
says is cached, so the pattern of the grammar runs once per distinct header. The content is decoded in one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..codes import HEADER_TOO_LONG
from ..errors import ParseError, Span
from ..format.contents import Record
from ..format.tables import Format, Frame, Group, Path, Tokenizer
from ..source.forms import Form, TextForm, TokenForm
from .explanations import Stopped, explain

M = TypeVar("M")

HEADER_CACHE = 4096
"""How many distinct headers are remembered: more than the tools, channels and roles of any conversation combine to."""

HEADER_KEPT = 256
"""Longer headers, in units of the input, are read anew each time, so that the cache stays small on hostile input."""


def remember(cache: dict[Any, Any], key: Any, value: object) -> None:
    """Keep a value in a bounded cache; a full one starts anew, so that what is common now gets a place."""
    if len(cache) >= HEADER_CACHE:
        cache.clear()
    cache[key] = value


@dataclass(frozen=True)
class Parsed(Generic[M]):
    """What a parser read.

    Attributes:
        messages: the messages, in order.
        opening: of a prompt, the fields of its open header; else None.
        unit: what spans count: "token" or "character".
        bounds: four positions a message: where it begins, its content begins and ends, and it ends; after the last
            message of a prompt, those of the open header.
    """

    messages: list[M]
    opening: dict[str, str | bool | None] | None
    unit: str
    bounds: list[tuple[int, int, int, int]] = field(repr=False)

    @property
    def spans(self) -> list[Span]:
        """The spans of the messages, and of the open header of a prompt; together they tile the input."""
        return [Span(start, end) for start, _, _, end in self.bounds]

    @property
    def content_spans(self) -> list[Span]:
        """The spans of the contents of the messages."""
        return [Span(start, end) for _, start, end, _ in self.bounds[: len(self.messages)]]


@dataclass(frozen=True)
class Header:
    """What a header says: the fields before and after the content in the message type, the variants last.

    Attributes:
        values: all fields.
        structure: the class of the structure that the content may have.
    """

    before: tuple[Any, ...]
    after: tuple[Any, ...]
    values: dict[str, Any]
    structure: type[Record] | None


def parse(
    format: Format, source: str | Sequence[int], start: str, given: dict[str, Any], tokenizer: Tokenizer | None
) -> Parsed[Any]:
    """Read a text or token ids along a start rule; raises `ParseError` where they leave the grammar.

    Args:
        format: the tables of the format.
        source: the text with special tokens spelled out, or the token ids.
        start: the name of the start rule.
        given: fields that the input continues from an open header (for a completion).
        tokenizer: decodes ordinary tokens; needed for token ids only.
    """
    format.require_start(start)
    form: Form
    if isinstance(source, str):
        form = TextForm(format, source)
    else:
        from ..vocabulary import tokenizer_for

        form = TokenForm(format, source, tokenizer_for(format.encoding, tokenizer))
    runs = []
    for path in format.starts[start]:
        run = Run(format, form, path, given)
        if run.parse():
            return Parsed(run.messages, run.opening, form.unit, run.bounds)
        runs.append(run)
    raise failure(format, form, start, runs)


def failure(format: Format, form: Form, start: str, runs: list[Run]) -> ParseError:
    """Why runs along all paths stopped, or, where another start rule takes the input, that."""
    at = max(run.at for run in runs)
    last = [run for run in runs if run.at == at]
    others = (other for other in format.starts if other != start and form.units and takes(format, form, other))
    frames = list(dict.fromkeys(frame for run in last for frame in run.candidates))
    stopped = Stopped(frames, any(run.may_end for run in last), at, last[0].index, start, next(others, None))
    return explain(form, stopped)


def takes(format: Format, form: Form, start: str) -> bool:
    """Whether an input can be read along a start rule."""
    try:
        return any(Run(format, form, path, {}).parse() for path in format.starts[start])
    except ParseError:
        return False


class Run:
    """One attempt to read an input along one path of a start rule."""

    def __init__(self, format: Format, form: Form, path: Path, given: dict[str, Any]) -> None:
        self.format, self.form, self.path, self.given = format, form, path, given
        self.messages: list[Any] = []
        self.bounds: list[tuple[int, int, int, int]] = []
        self.opening: dict[str, Any] | None = None
        self.at = 0
        self.index = 0
        self.candidates: list[Frame] = []
        self.may_end = False

    def parse(self) -> bool:
        """Whether the path reads the whole input.

        If not, `at` says where it stopped, `index` in which message, `candidates` what could have come there, and
        `may_end` whether the input could have ended there.
        """
        try:
            return self.steps() and self.at == len(self.form.units) and self.form.broken is None
        except ParseError as error:
            error.index = len(self.messages)
            raise

    def steps(self) -> bool:
        before = (0, 0, self.candidates)
        for number, (frame, times) in enumerate(self.path.steps):
            self.may_end = all(times for _, times in self.path.steps[number:])
            self.candidates = [*self.candidates, frame]
            before = (self.at, len(self.messages), self.candidates)
            found = self.many(frame) if times == "*" else self.one(frame, optional=times == "?")
            if not found and times == "" and number and self.path.steps[number - 1][1] == "*":
                found = self.one_less(frame)
            self.index = len(self.messages)
            if found:
                self.candidates = [frame] if times == "*" else []
            elif times == "":
                return False
        if self.candidates:
            self.may_end = True
        elif self.at < len(self.form.units) or self.form.broken is not None:
            self.at, self.index, self.candidates = before  # the last frame is only the beginning of another one
        return True

    def one_less(self, frame: Frame) -> bool:
        """Read a frame in place of the last message, which was taken for one more of those before it."""
        if not self.messages:
            return False
        message, bounds = self.messages.pop(), self.bounds.pop()
        kept = len(self.messages), len(self.bounds)
        self.at = bounds[0]
        if self.one(frame, optional=False) and self.at == len(self.form.units):
            return True
        self.messages[kept[0] :], self.bounds[kept[1] :] = [message], [bounds]
        self.at, self.opening = bounds[3], None
        return False

    def one(self, frame: Frame, optional: bool) -> bool:
        before = len(self.messages)
        if self.many(frame, limit=1):
            if self.messages[before:] and (optional or self.path.name):
                message = self.messages[-1]
                message.variants = (*message.variants, frame.name if optional else self.path.name)
            return True
        return False

    def many(self, frame: Frame, limit: int = -1) -> bool:
        """Read a frame as often as it comes; whether it came at all."""
        form, start = self.form, self.at
        units, match_frame, text = form.units, form.framing(frame).match, form.text
        message, messages, bounds = self.format.message, self.messages, self.bounds
        structured = self.format.contents.structure
        headers = self.headers(frame)
        at, end_of_input = start, len(units)
        found = False
        while limit and (at < end_of_input or limit == 1) and (match := match_frame(units, at)):
            begin, stop = match.span(2)
            end = match.end()
            if frame.bare:
                key = units[at:begin] + units[stop:end]
                header = headers.get(key)
                if header is None:
                    header = self.header(frame, at, begin, stop, end, "")
                    if header and len(key) <= HEADER_KEPT:
                        remember(headers, key, header)
                content: Any = text(begin, stop) if header else ""
            else:
                content = text(begin, stop)
                header = self.header(frame, at, begin, stop, end, content)
                content = header.values[self.format.content] if header and frame.has_content else ""
            if header is None:
                break
            if header.structure is not None and content:
                content = structured(header.structure, content) or content
            if frame.has_content:
                messages.append(message(*header.before, content, *header.after))
            else:
                self.opening = {name: header.values[name] for name in frame.fields}
            bounds.append((at, begin, stop, end))
            at = end
            limit -= 1
            found = True
        self.at = at
        return found

    def headers(self, frame: Frame) -> dict[str, Header]:
        """The cache of the headers of a frame. What they say depends on the tokenizer, and on what is given."""
        given = tuple((name, value) for name, value in self.given.items() if name not in frame.fields)
        cache: dict[str, Header] = self.form.caches.setdefault((frame.name, given), {})
        if len(self.form.caches) > HEADER_CACHE:
            self.form.caches.clear()
        return cache

    def header(self, frame: Frame, at: int, begin: int, stop: int, end: int, content: str) -> Header | None:
        """Read all of a message but a content that special tokens enclose; None where the pattern does not match."""
        mixed = self.form.mixed(at, begin) + content * frame.has_content + self.form.mixed(stop, end)
        match = frame.matcher.fullmatch(mixed)
        if match is None:
            return None
        format = self.format
        if format.recovery is not None:
            self.require_short(at, self.form.before(begin, frame.opens) if frame.has_content else end)
        values: dict[str, Any] = dict(format.defaults)
        values |= {name: value for name, value in self.given.items() if name not in frame.fields}
        variants = read_groups(frame.groups, match.groups(), values)
        before, after = format.sides(values)
        return Header(before, (*after, variants), values, format.contents.class_for(values))

    def require_short(self, at: int, end: int) -> None:
        """Raise where a header is longer than any parser of this format waits for its end."""
        if end - at >= self.form.limit:
            unit, around = self.form.unit, self.form.around(Span(at, at + 1))[0]
            message = f"a header is shorter than {self.form.limit} {unit}s, and this one has {end - at}"
            hint = "Shorten the names in it."
            raise ParseError(HEADER_TOO_LONG, message, span=Span(at, end), unit=unit, around=around, hint=hint)


def read_groups(meanings: tuple[Group, ...], groups: tuple[str | None, ...], values: dict[str, Any]) -> tuple[str, ...]:
    """Put what the groups of a pattern matched into `values`; the variants that took part."""
    variants = []
    for group, text in zip(meanings, groups, strict=True):
        if text is None:
            continue
        if group.field is None:
            variants.append(str(group.value))
        else:
            values[group.field] = text if group.value is None else group.value
    return tuple(variants)
