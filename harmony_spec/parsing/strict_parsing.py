"""The strict parser: frame by frame along the paths of a start rule, with a cache of headers.

One match finds a message by its special tokens. The cache has the units of a header as key, so the pattern of the
grammar runs once for each distinct header. The content is decoded in one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from .. import parsing
from ..codes import HEADER_TOO_LONG, WRONG_START
from ..errors import ParseError, Span
from ..format.cache_limits import HeaderCache
from ..format.contents import Record
from ..format.frames import Frame, Path
from ..format.tables import Format
from ..format.token_encoding import Tokenizer
from ..source.forms import Bounds, Form, TextForm, TokenForm
from ..source.message_tokens import MessageTokens, NoMessages, are_token_ids, new_tuple
from ..source.saved_text import retry_without_final_newline
from ..vocabulary import tokenizer_for
from .explanations import explain

M = TypeVar("M")


@dataclass(frozen=True)
class Parsed(Generic[M]):
    """The result of a parser.

    Attributes:
        messages: the messages, in order.
        opening: the fields of the open header of a prompt; else None.
        unit: the unit of all positions: "token" or "character".
        bounds: four positions for each message: its start, the start and end of its content, and its end; for a
            prompt, those of the open header come last.
    """

    messages: list[M]
    opening: dict[str, str | bool | None] | None
    unit: str
    bounds: list[Bounds] = field(repr=False)

    def _repr_html_(self) -> str | None:
        return parsing.notebook and parsing.notebook(self)

    @property
    def spans(self) -> list[Span]:
        """The spans of the messages, and of the open header of a prompt.

        Together they tile the input, without a line break at its end that an editor added.
        """
        return [Span(start, end) for start, _, _, end in self.bounds]

    @property
    def content_spans(self) -> list[Span]:
        """The spans of the contents of the messages."""
        return [Span(start, end) for _, start, end, _ in self.bounds[: len(self.messages)]]


class ParsedHeader(NamedTuple):
    """The fields of a header, as arguments of the message type.

    Attributes:
        before, after: the values of the fields before and after the content, the variants last.
        values: all fields by name.
        structure: the class of the structure that the content may have.
        head: what comes before the content, in the mixed alphabet.
    """

    before: tuple[Any, ...]
    after: tuple[Any, ...]
    values: dict[str, Any]
    structure: type[Record] | None
    head: str


def parse(
    format: Format, source: str | Sequence[int], start: str, given: dict[str, Any], tokenizer: Tokenizer | None
) -> Parsed[Any]:
    """Read a text or token ids along a start rule. Raises `ParseError` at the first mistake.

    A line break at the end of a text that has no place in the grammar was added by an editor; it is in no span.

    Args:
        format: the tables of the format.
        source: the text with special tokens spelled out, or the token ids.
        start: the name of the start rule.
        given: fields that the input continues from an open header (for a completion).
        tokenizer: decodes ordinary tokens; needed for token ids only.
    """
    format.require_start(start)
    if not isinstance(source, str):
        return _parse(format, source, start, given, tokenizer)
    return retry_without_final_newline(source, lambda text: _parse(format, text, start, given, tokenizer))


def _parse(
    format: Format, source: str | Sequence[int], start: str, given: dict[str, Any], tokenizer: Tokenizer | None
) -> Parsed[Any]:
    form, attempts = form_of(format, source, tokenizer), []
    for path in format.starts[start]:
        attempt = Attempt(format, form, path, given)
        if attempt.parse():
            return Parsed(attempt.messages, attempt.opening, form.unit, attempt.bounds)
        attempts.append(attempt)
    raise explain_failure(format, form, start, attempts)


def form_of(format: Format, source: str | Sequence[int], tokenizer: Tokenizer | None) -> Form:
    """Return the uniform view of a text or of token ids."""
    if isinstance(source, str):
        return TextForm(format, source)
    return TokenForm(format, source, tokenizer_for(format.encoding, tokenizer))


def explain_failure(format: Format, form: Form, start: str, attempts: list[Attempt]) -> ParseError:
    """Return the error for an input that no path reads, or that another start rule accepts."""
    at = max(attempt.at for attempt in attempts)
    last = [attempt for attempt in attempts if attempt.at == at]
    frames = list(dict.fromkeys(frame for attempt in last for frame in attempt.candidates))
    error = explain(form, frames, any(attempt.may_end for attempt in last), at, last[0].index, start)
    for other in format.starts:
        if other != start and form.units and error.span and accepts(format, form, other):
            hint = f"Pass start={other!r} (--start {other})."
            return form.error(WRONG_START, f"this is a {other}, not a {start}", error.span, hint, error.index)
    return error


def keep_opening(messages: list[Any], form: Form, start: int, end: int) -> list[Any]:
    """Store the token ids of an open header with the message before it, or with the empty list; return the messages."""
    opening = form.slice(start, end)
    if isinstance(opening, str) or not are_token_ids(opening):
        return messages
    if messages and (kept := messages[-1].tokens) is not None:
        messages[-1].tokens = kept._replace(opening=opening)
    return messages or NoMessages(opening)


def accepts(format: Format, form: Form, start: str) -> bool:
    """Whether an input is valid along a start rule."""
    try:
        return any(Attempt(format, form, path, {}).parse() for path in format.starts[start])
    except ParseError:
        return False


class Attempt:
    """One attempt to read an input along one path of a start rule."""

    def __init__(self, format: Format, form: Form, path: Path, given: dict[str, Any]) -> None:
        self.format, self.form, self.path, self.given = format, form, path, given
        self.messages: list[Any] = []
        self.bounds: list[Bounds] = []
        self.opening: dict[str, Any] | None = None
        self.at = self.index = 0
        self.end = form.sound_end
        self.candidates: list[Frame] = []
        self.may_end = False

    def parse(self) -> bool:
        """Read the input; return whether the path reads all of it.

        If not, `at` is the position where it stopped, `index` that of the message there, `candidates` are the frames
        that the grammar allows there, and `may_end` is whether the input may end there.
        """
        try:
            return self.read_steps() and self.at == self.end and self.form.broken is None
        except ParseError as error:
            error.index = len(self.messages)
            raise

    def read_steps(self) -> bool:
        before, may_lack_last = (0, 0, self.candidates), False
        for number, (frame, times) in enumerate(self.path.steps):
            self.may_end = all(times for _, times in self.path.steps[number:])
            self.candidates = [*self.candidates, frame]
            before = (self.at, len(self.messages), self.candidates)
            found = self.read_many(frame) if times == "*" else self.read_one(frame, optional=times == "?")
            if not found and times == "" and may_lack_last:
                found = self.retry_last_as(frame)
            may_lack_last = times != "" and (found or may_lack_last)
            self.index = len(self.messages)
            if found:
                self.candidates = [frame] if times == "*" else []
            elif times == "":
                return False
        if self.candidates:
            self.may_end = True
        elif self.at < self.end or self.form.broken is not None:
            self.at, self.index, self.candidates = before  # the last frame is only the beginning of another one
        return True

    def retry_last_as(self, frame: Frame) -> bool:
        """Read the last message again as another frame: a frame that may be absent has read one message too many."""
        message, bounds = self.messages.pop(), self.bounds.pop()
        kept = len(self.messages), len(self.bounds)
        self.at = bounds[0]
        if self.read_one(frame, optional=False) and self.at == self.end:
            return True
        self.messages[kept[0] :], self.bounds[kept[1] :] = [message], [bounds]
        self.at, self.opening = bounds[3], None
        return False

    def read_one(self, frame: Frame, optional: bool) -> bool:
        before = len(self.messages)
        if self.read_many(frame, limit=1):
            if self.messages[before:] and (optional or self.path.name):
                message = self.messages[-1]
                message.variants = (*message.variants, frame.name if optional else self.path.name)
            return True
        return False

    def read_many(self, frame: Frame, limit: int = -1) -> bool:
        """Read a frame as often as it follows; return whether it did."""
        form, start = self.form, self.at
        units, match_frame, text = form.units, form.framing(frame).match, form.text
        message, messages, bounds = self.format.message, self.messages, self.bounds
        structured, tokenizer = self.format.contents.structure, form.tokenizer
        headers = self.header_cache(frame)
        at, end_of_input = start, self.end
        found = False
        content: Any
        while limit and (at < end_of_input or limit == 1) and (match := match_frame(units, at, end_of_input)):
            begin, stop = match.span(2)
            end = match.end()
            if frame.bare:
                key = units[at:begin] + units[stop:end]
                header = headers.get(key)
                if header is None:
                    header = self.read_header(frame, at, begin, stop, end, "")
                    if header:
                        form.caches.remember(headers, key, header, len(key))
                whole = content = text(begin, stop) if header else ""
            else:
                whole = text(begin, stop)
                header = self.read_header(frame, at, begin, stop, end, whole)
                content = header.values[self.format.content] if header and frame.has_content else ""
            if not header:
                break
            if header.structure is not None and content:
                content = structured(header.structure, content) or content
            if frame.has_content:
                kept = None
                if tokenizer is not None:
                    kept = new_tuple(MessageTokens, (units, begin, stop, (), whole, tokenizer, at, end))
                messages.append(message(*header.before, content, *header.after, None, kept))
            else:
                self.opening = {name: header.values[name] for name in frame.fields}
                self.messages = messages = keep_opening(messages, form, at, end)
            bounds.append((at, begin, stop, end))
            at = end
            limit -= 1
            found = True
        self.at = at
        return found

    def header_cache(self, frame: Frame) -> HeaderCache:
        """The cache of the headers of a frame, by tokenizer and by the fields that are given."""
        given = tuple((name, value) for name, value in self.given.items() if name not in frame.fields)
        return self.form.caches.of(frame.name, given)

    def read_header(self, frame: Frame, at: int, begin: int, stop: int, end: int, content: str) -> ParsedHeader | None:
        """Read a message without a content that special tokens enclose; None if the pattern does not match."""
        head = self.form.mixed(at, begin)
        mixed = head + content * frame.has_content + self.form.mixed(stop, end)
        format = self.format
        values: dict[str, Any] = dict(format.defaults)
        values |= {name: value for name, value in self.given.items() if name not in frame.fields}
        variants = frame.read(mixed, values)
        if variants is None:
            return None
        if format.recovery is not None and (frame.opens or not frame.has_content):
            self.require_short(at, self.form.before(begin, frame.opens) if frame.has_content else end)
        before, after = format.sides(values)
        return ParsedHeader(before, (*after, variants), values, format.contents.class_for(values), head)

    def require_short(self, at: int, end: int) -> None:
        """Raise `ParseError` for a header at the limit, where streaming parsers stop waiting for its end."""
        if end - at >= self.form.limit and (length := end - at - self.form.free_units(at, end)) >= self.form.limit:
            message = f"a header is shorter than {self.form.limit} {self.form.unit}s, and this one has {length}"
            raise self.form.error(HEADER_TOO_LONG, message, Span(at, end), "Shorten the names in it.")
