"""What a generated codec says about its format: the tables that parsing, rendering and explaining run on.

Grammar text is matched in a mixed alphabet: ordinary characters, and one surrogate per special token (its marker), so
that text can never be mistaken for a token. Surrogates are free for this: no decoded text contains one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary

from ..codes import INEXPRESSIBLE_MESSAGE
from ..errors import RenderError
from .contents import Record

if TYPE_CHECKING:
    from ..errors import Code
    from .contents import Contents

HOLE = "\udfff"
"""Stands for the content of a message while its header is read or written."""

Chosen = tuple[str, ...]
"""Names of the alternatives to write instead of first ones."""


class Tokenizer(Protocol):
    """The two methods of a vocabulary that parsing and rendering need. `tiktoken.Encoding` objects have the second."""

    def encode(self, text: str) -> list[int]:
        """The ids of ordinary tokens for a text, whatever it spells."""

    @property
    def decode_bytes(self) -> Callable[[list[int]], bytes]:
        """A function (or method) that gives the bytes of a list of ordinary tokens."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """The vocabulary that a format is written for: the size of the base, its hash, and the special tokens.

    `unassigned` are the ids of those that are only reserved.
    """

    name: str
    size: int
    base: str | None
    base_size: int
    sha256: str | None
    split: tuple[str, ...]
    special: Mapping[str, int]
    unassigned: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Group:
    """What a group in the pattern of a frame means: a field, with the value that it takes when the group takes part.

    A `value` of None is the text that the group matched. Without field, the group marks a named alternative.
    """

    field: str | None
    value: str | bool | None = None


@dataclass(frozen=True)
class Atom:
    """One thing that may come next: a special token (its spelling), a text, or a pattern; `label` is for people."""

    label: str
    special: str | None = None
    pattern: str | None = None
    nullable: bool = False

    @cached_property
    def matcher(self) -> re.Pattern[str]:
        return re.compile(self.pattern or "")


@dataclass(frozen=True)
class Frame:
    """A message, or the open header of one, as one pattern in the mixed alphabet.

    Attributes:
        pattern: of the whole frame, with one group for each entry of `groups`.
        fields: the fields that this frame can set.
        inside: special tokens that may stand before the one that opens the content.
        opens: special tokens that the content follows; without content, empty.
        continues: special tokens that may follow one of those before the content.
        closes: special tokens that may follow the content.
        trails: special tokens that may follow those.
        bare: nothing but special tokens touches the content.
        ends_with_text: ordinary text may follow the last special token of the frame.
        steps: for each state, what may come next and the state after it; the first state is the beginning.
        final: the states in which the frame is complete.
        write: writes a message in the mixed alphabet, with a hole for its content.
    """

    name: str
    pattern: str
    groups: tuple[Group, ...]
    fields: tuple[str, ...]
    has_content: bool
    inside: tuple[str, ...]
    opens: tuple[str, ...]
    continues: tuple[str, ...]
    closes: tuple[str, ...]
    trails: tuple[str, ...]
    closed: bool
    bare: bool
    ends_with_text: bool
    steps: tuple[tuple[tuple[Atom, int], ...], ...]
    final: frozenset[int]
    write: Callable[[Any, Chosen], str]

    @cached_property
    def matcher(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


@dataclass(frozen=True)
class Path:
    """One alternative of a start rule: its name, and frames with how often they come: "" (once), "?" or "*"."""

    name: str | None
    steps: tuple[tuple[Frame, str], ...]


@dataclass(frozen=True)
class Choose:
    """An alternative to write in messages whose fields are as `when` says (true for present, false for absent)."""

    alternative: str
    when: tuple[tuple[str, str | bool], ...]

    def applies(self, message: object) -> bool:
        return meets(message, self.when)


def meets(message: object, when: tuple[tuple[str, str | bool], ...]) -> bool:
    """Whether the fields of a message are as a condition says."""
    for name, wanted in when:
        value = getattr(message, name)
        if (bool(value) if isinstance(wanted, bool) else value) != wanted:
            return False
    return True


@dataclass(frozen=True)
class Mistake:
    """An error production: a known mistake in a header, never read strictly.

    Attributes:
        name: of the diagnostic.
        pattern: of all that stands before the content, in the mixed alphabet.
        groups: what the groups of the pattern mean; the last one that takes part decides.
        evidence: why it is read as it is.
    """

    name: str
    pattern: str
    groups: tuple[Group, ...]
    evidence: str

    @cached_property
    def matcher(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


@dataclass(frozen=True)
class Slots:
    """The names of the fields that a header is repaired to; "" where the format has no such field."""

    role: str
    name: str
    channel: str
    recipient: str
    content_type: str
    constrain: str


@dataclass(frozen=True, eq=False)
class Recovery:
    """How a format is read beside the grammar.

    Attributes:
        begins: the special token that begins a message.
        inside: special tokens between that and the content.
        opens: special tokens that the content follows.
        closes: special tokens that end a message, each with the named alternative that it is.
        leads: for each field the special token or the text that it stands behind.
        slots: which field is what.
        author: the fields of an open header that a model continues.
        tool: the role of the author who is written as the name of a tool.
        asks: the role of the author who begins a turn.
        instructs: the roles of the authors before all turns, in their order.
        roles: the roles that are written as they are.
        channels, content_types: the values that are known.
        json: the content type of JSON.
        word: a pattern for the name of a tool.
        namespace: of the tools that a developer offers.
        separator: what stands between the name of a namespace and that of a tool.
        answers: the channel of messages that end a turn.
        thoughts: the channel of a message whose header is missing and which another one follows.
        calls: the channel of calls.
        ends_calls, ends_answers: the named alternatives of the stop tokens of calls and answers.
        stops: the ids of the special tokens at which a model is done.
        declared_tools, declared_builtin: where contents say which tools there are, and which are built in: paths of
            fields, the role first.
        declared_channels, declared_required: where they say which channels there are, and whether one is needed.
        declared_answers: where they say which forms a final answer may have.
        headings: for each role, what the parts of its contents begin with in which something is declared.
        mistakes: the error productions, in the order of the grammar.
        codes: the diagnostics, by name.
    """

    begins: str
    inside: tuple[str, ...]
    opens: tuple[str, ...]
    closes: Mapping[str, str | None]
    leads: Mapping[str, tuple[str, ...]]
    slots: Slots
    author: Mapping[str, str]
    tool: str
    asks: str
    instructs: tuple[str, ...]
    roles: tuple[str, ...]
    channels: tuple[str, ...]
    content_types: tuple[str, ...]
    json: str
    word: str
    namespace: str
    separator: str
    answers: str
    thoughts: str
    calls: str
    ends_calls: str
    ends_answers: str
    stops: tuple[int, ...]
    declared_tools: tuple[str, ...]
    declared_builtin: tuple[str, ...]
    declared_channels: tuple[str, ...]
    declared_required: tuple[str, ...]
    declared_answers: tuple[str, ...]
    headings: Mapping[str, tuple[str, ...]]
    mistakes: tuple[Mistake, ...]
    codes: Mapping[str, Code]

    def full_name(self, namespace: str, tool: str) -> str:
        """The name of a tool as a header has it."""
        return f"{namespace}{self.separator}{tool}"

    @cached_property
    def of_functions(self) -> str:
        """What the full names of the tools that a developer offers begin with."""
        return self.full_name(self.namespace, "")

    @cached_property
    def missing(self) -> dict[str, tuple[str, ...]]:
        """The special tokens that are missing, one of them, where a mistake has one of these names."""
        opens = tuple(self.opens)
        return {"missing-start": (self.begins,), "missing-message-token": opens, "unfinished-header": opens}


@dataclass(frozen=True, eq=False)
class Format:
    """All tables of one format.

    `special_text` is a regular expression for the spelling of any special token; `special_ends` are what all of these
    begin and end with.
    """

    encoding: Encoding
    special_text: str
    special_ends: tuple[str, str]
    markers: Mapping[str, str]
    message: type[Any]
    fields: tuple[str, ...]
    content_at: int
    contents: Contents
    defaults: Mapping[str, str | bool | None]
    patterns: Mapping[str, tuple[str, str]]
    starts: Mapping[str, tuple[Path, ...]]
    styles: Mapping[str, tuple[Choose, ...]]
    default_style: str
    as_parsed: str
    always: tuple[Choose, ...]
    training: tuple[Choose, ...]
    recovery: Recovery | None = None
    caches: dict[Any, Any] = field(default_factory=dict, repr=False)
    owned: WeakKeyDictionary[Any, dict[Any, Any]] = field(default_factory=WeakKeyDictionary, repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        """What brings the format of a codec back, also in a copy: its tables are there once."""
        return format_of, (self.message.__module__,)

    def caches_of(self, owner: object) -> dict[Any, Any]:
        """Caches of what depends on a tokenizer, or on another owner; they are gone when it is."""
        try:
            return self.owned.setdefault(owner, {})
        except TypeError:  # it cannot be referred to weakly, or has no hash
            return {}

    def require_messages(self, messages: Sequence[Any]) -> None:
        """Raise `RenderError` for what is not a message of this codec, or has a content of another one.

        Another codec may have other fields, which would be lost.
        """
        is_own = set(map(type, messages)) <= {self.message}
        if is_own and set(map(type, map(self._content_of, messages))) <= self._content_types:
            return  # the usual case, in a few microseconds
        for index, message in enumerate(messages):
            if not isinstance(message, self.message):
                reason = self._foreign(message, self.message)
                raise RenderError(INEXPRESSIBLE_MESSAGE, reason, index=index)
            content = getattr(message, self.content)
            if isinstance(content, Record) and type(content) not in self.contents.names:
                reason = self._foreign(content, *self.contents.roles.values())
                raise RenderError(INEXPRESSIBLE_MESSAGE, f"{self.content}: {reason}", index=index)

    def _foreign(self, value: object, *expected: type) -> str:
        """Why a value is refused where one of some classes of this codec is expected."""
        names, found = " or ".join(made.__name__ for made in expected), type(value)
        if found.__name__ in {made.__name__ for made in expected}:
            return f"this {found.__name__} belongs to another codec ({found.__module__}, not {self.message.__module__})"
        return f"expected a {names}, got a {found.__name__}"

    @cached_property
    def _content_of(self) -> Callable[[Any], object]:
        return attrgetter(self.content)

    @cached_property
    def _content_types(self) -> frozenset[type]:
        return frozenset({str, *self.contents.names})

    def require_start(self, start: str) -> None:
        """Raise `ValueError` for what is no start rule."""
        if start not in self.starts:
            raise ValueError(f"no start rule {start!r}; start rules: {', '.join(self.starts)}")

    @property
    def content(self) -> str:
        """The name of the field that holds the content."""
        return self.fields[self.content_at]

    def sides(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The fields of a message in order: those before the content, and those behind it."""
        before, after = self.fields[: self.content_at], self.fields[self.content_at + 1 :]
        return tuple(values[name] for name in before), tuple(values[name] for name in after)

    @cached_property
    def header_fields(self) -> tuple[str, ...]:
        """The fields of a message but its content, in order."""
        return self.fields[: self.content_at] + self.fields[self.content_at + 1 :]

    @cached_property
    def listed_values(self) -> dict[str, tuple[str | None, ...]]:
        """The values of the fields whose values the grammar lists, with None if the field is optional.

        Read from the types of the generated message class; only errors need it.
        """
        hints = get_type_hints(self.message)
        return {name: _literals(hints[name]) for name in self.header_fields if _literals(hints[name])}

    @cached_property
    def special_matcher(self) -> re.Pattern[str]:
        return re.compile(self.special_text)

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """The frames of all start rules by name."""
        steps = [step for paths in self.starts.values() for path in paths for step in path.steps]
        return {frame.name: frame for frame, _ in steps}

    @cached_property
    def spellings(self) -> dict[int, str]:
        return {number: spelling for spelling, number in self.encoding.special.items()}

    @cached_property
    def lowest_special(self) -> int:
        """The first token id that may be special, or unknown."""
        return min(self.encoding.base_size, *self.spellings)

    @cached_property
    def by_marker(self) -> dict[str, str]:
        return {marker: spelling for spelling, marker in self.markers.items()}


def _literals(hint: Any) -> tuple[str | None, ...]:
    """The values of a `Literal`, or of `Literal | None`; empty for any other type."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    listed = tuple(value for option in get_args(hint) for value in _literals(option))
    return (*listed, None) if listed and type(None) in get_args(hint) else listed


def format_of(module: str) -> Format:
    """The format of a generated codec, by the name of its module."""
    found: Format = import_module(module).FORMAT
    return found


def continues(format: Format, start: str) -> bool:
    """Whether the inputs of a start rule continue an open header: they do not begin as messages do."""
    first, _ = format.starts[start][0].steps[0]
    return format.recovery is not None and all(a.special != format.recovery.begins for a, _ in first.steps[0])


def unfinished(format: Format, start: str, first: bool) -> str | None:
    """The alternative by which the last message of a start rule lacks its stop token; None where none may."""
    for path in format.starts[start]:
        frame, times = path.steps[-1]
        if frame.has_content and not frame.closed and first == (len(path.steps) == 1):
            return frame.name if times == "?" else path.name
    return None
