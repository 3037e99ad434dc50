"""The tables of a format, which generated codecs fill."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cached_property
from importlib import import_module
from operator import attrgetter
from types import ModuleType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary

from ..codes import INEXPRESSIBLE_MESSAGE
from ..errors import CodecError, RenderError
from .cache_limits import HeaderCaches
from .definitions import NO_DEFINITIONS, Definitions
from .frames import Frame, Path
from .meaning import Recovery
from .message_kinds import NO_KIND, Choose, Drop, Kind
from .token_encoding import Encoding

if TYPE_CHECKING:
    from .contents import Contents, Record

LAST_TURN = "last_turn"
"""What `render_training` trains on by default."""


@dataclass(eq=False, repr=False)
class Format:
    """All tables of one format.

    Attributes:
        special_text: a regular expression for the spelling of any special token.
        special_ends: the texts with which all of them begin and end.
        patterns: for each field, the pattern of its terminal, and the terminal as errors show it.
        opening: the fields of the open header that a model continues.
        drops: by the name of a function, the messages of completed turns that it drops.
        caches: caches that depend on the format only.
        owned: see `caches_of`.
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
    opening: tuple[tuple[str, str | bool], ...] = ()
    drops: Mapping[str, Drop] = field(default_factory=dict)
    turn: tuple[Kind, ...] = ()
    definitions: Definitions = NO_DEFINITIONS
    recovery: Recovery | None = None
    caches: dict[Any, Any] = field(default_factory=dict, repr=False)
    owned: WeakKeyDictionary[Any, HeaderCaches] = field(default_factory=WeakKeyDictionary, repr=False)

    def __post_init__(self) -> None:
        own = {name for rule in self.contents.rules.table.values() for name in rule.names}
        chosen = (tuple(rule.alternative for rule in rules) for rules in self.styles.values())
        self.contents.styles[:] = [names for names in chosen if not own.isdisjoint(names)]

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy a format by the module of its codec: its tables exist once."""
        return format_of, (self.message.__module__,)

    def caches_of(self, owner: object) -> HeaderCaches:
        """Caches that depend on a tokenizer, or on another owner, and live as long as it."""
        try:
            if (found := self.owned.get(owner)) is None:
                found = self.owned.setdefault(owner, HeaderCaches())
            return found
        except TypeError:  # the owner has no weak references, or no hash
            return HeaderCaches()

    def require_messages(self, messages: Sequence[Any]) -> None:
        """Raise `RenderError` for what is not a message of this codec, and `TypeError` for no list at all.

        Other fields of another codec would be lost.
        """
        if messages.__class__ is not list and (
            isinstance(messages, (str, Mapping, Iterator, self.message)) or not isinstance(messages, Iterable)
        ):
            raise TypeError(f"expected a list of messages, got {type(messages).__name__}")
        is_own = set(map(type, messages)) <= {self.message}
        for index, message in enumerate(() if is_own else messages):
            if not isinstance(message, self.message):
                raise RenderError(INEXPRESSIBLE_MESSAGE, self._foreign(message, self.message), index=index)

    def require_values(self, messages: Sequence[Any]) -> None:
        """Raise what `require_messages` raises, and `RenderError` for a field of a wrong type."""
        self.require_messages(messages)
        for index, message in enumerate(messages):
            self.require_field_types(message, index, self.fields)

    def require_field_types(self, message: Any, index: int | None, fields: Iterable[str]) -> None:
        """Raise `RenderError` for a field of a wrong type."""
        for name in fields:
            value = getattr(message, name)
            is_absent = (value is None or isinstance(value, bool)) and name not in self.required
            if not (isinstance(value, str) or is_absent or (name == self.content and is_dataclass(value))):
                reason = f"{name}: expected a str, got {type(value).__name__}"
                raise RenderError(INEXPRESSIBLE_MESSAGE, reason, index=index)
        self.require_original(message, index)

    def require_original(self, message: Any, index: int | None) -> None:
        """Raise `RenderError` for a wrong type of what a message keeps of the input that it was read from."""
        for name, kinds in self.original_types.items():
            value = getattr(message, name)
            if not (value is None or isinstance(value, kinds)):
                reason = f"{name}: expected a {kinds[0].__name__}, got {type(value).__name__}"
                raise RenderError(INEXPRESSIBLE_MESSAGE, reason, index=index)

    def require_content(self, content: Record, index: int) -> None:
        """Raise `RenderError` for a content with a structure that has a part of another codec."""
        if (foreign := self.contents.find_foreign(content)) is not None:
            reason = self._foreign(foreign, *self.contents.names)
            raise RenderError(INEXPRESSIBLE_MESSAGE, f"{self.content}: {reason}", index=index)

    def _foreign(self, value: object, *expected: type) -> str:
        """Why a value is refused where one of some classes of this codec is expected."""
        names = [made.__name__ for made in expected]
        if type(value).__name__ in names:
            return self.of_another_codec(value)
        return f"expected a {' or '.join(names)}, got {type(value).__name__}"

    def of_another_codec(self, value: object) -> str:
        """Why a value of a generated class of another codec is refused."""
        made = type(value)
        return f"this {made.__name__} belongs to another codec ({made.__module__}, not {self.message.__module__})"

    @property
    def meaning(self) -> Recovery:
        """`recovery`, for what only formats with it have."""
        assert self.recovery is not None
        return self.recovery

    def kind_of(self, message: object) -> str:
        """The name of the kind of a message; "" if it is of none."""
        for kind in self.turn:
            for name, wanted in kind.when:  # as in `meets`, which takes three times as long for many kinds
                value = getattr(message, name)
                if value != wanted and (not isinstance(wanted, bool) or bool(value) is not wanted):
                    break
            else:
                return kind.name
        return ""

    def chosen_for(
        self, message: object, style: Iterable[Choose] = (), training: Iterable[Choose] = ()
    ) -> tuple[str, ...]:
        """The alternatives to write in a message, the most important first: the stop token of its kind comes last."""
        rules = (*training, *self.always, *style)
        chosen = tuple(rule.alternative for rule in rules if rule.applies(message))
        ends = self.kinds.get(self.kind_of(message), NO_KIND).ends
        return chosen if ends is None or ends in chosen else (*chosen, ends)

    @property
    def trainable(self) -> list[str]:
        """What can be trained on, the default first; empty if the format does not define what a model writes."""
        authors = [value for _, value in self.opening if isinstance(value, str)]
        return [LAST_TURN, *authors] if authors else []

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """The kinds of messages by name."""
        return {kind.name: kind for kind in self.turn}

    @cached_property
    def later(self) -> dict[str, set[str]]:
        """For each kind of message, the kinds that may come anywhere after it."""
        found = {kind.name: set(kind.then) for kind in self.turn}
        for middle in found:  # paths through one more kind each time
            for names in found.values():
                names |= found[middle] if middle in names else set()
        return found

    def require_start(self, start: str) -> None:
        """Raise `ValueError` for an unknown start rule."""
        if not isinstance(start, str) or start not in self.starts:
            raise ValueError(f"unknown start rule {start!r}; start rules: {', '.join(self.starts)}")

    @property
    def content(self) -> str:
        """The name of the field that holds the content."""
        return self.fields[self.content_at]

    def sides(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The values of the fields in order: those before the content, and those after it."""
        before, after = self.fields[: self.content_at], self.fields[self.content_at + 1 :]
        return tuple(values[name] for name in before), tuple(values[name] for name in after)

    @cached_property
    def header_fields(self) -> tuple[str, ...]:
        """The fields of a message without its content, in order."""
        return self.fields[: self.content_at] + self.fields[self.content_at + 1 :]

    @cached_property
    def required(self) -> frozenset[str]:
        """The fields that each message has."""
        return frozenset(each.name for each in fields(self.message) if each.default is MISSING)

    @cached_property
    def original_types(self) -> dict[str, tuple[type, ...]]:
        """The types of what messages keep of their input besides the fields of the format."""
        hints = get_type_hints(self.message)
        own = {each.name: hints[each.name] for each in fields(self.message) if each.name not in self.fields}
        kinds = {name: [get_origin(each) or each for each in _options(hint)] for name, hint in own.items()}
        return {name: (*found, *[list] * (tuple in found)) for name, found in kinds.items()}

    @cached_property
    def header_key(self) -> Callable[[Any], Any]:
        """A function that returns these fields of a message together, to look up its header in a cache."""
        return attrgetter(*self.header_fields) if self.header_fields else lambda message: ()

    @cached_property
    def listed_values(self) -> dict[str, tuple[str | None, ...]]:
        """The values of the fields whose values the grammar lists, with None if the field is optional.

        Read from the types of the generated message class; only errors need it. Each option of a union is looked up by
        itself: Python may return another union that is equal, with its values in another order.
        """
        types, hints = vars(sys.modules[self.message.__module__]), self.message.__annotations__
        options = {name: hints[name].split(" | ") for name in self.header_fields}
        kinds = {name: types[found[0]] for name, found in options.items() if get_origin(types.get(found[0])) is Literal}
        return {name: (*get_args(kind), *[None] * ("None" in options[name])) for name, kind in kinds.items()}

    @cached_property
    def special_matcher(self) -> re.Pattern[str]:
        return re.compile(self.special_text)

    @cached_property
    def overlaps(self) -> bool:
        """Whether a special token may end as another one begins: then a text before a token may spell another one."""
        special = self.encoding.special
        starts = {spelling[:n] for spelling in special for n in range(1, len(spelling))}
        return any(spelling[n:] in starts for spelling in special for n in range(1, len(spelling)))

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """The frames of all start rules by name."""
        steps = [step for paths in self.starts.values() for path in paths for step in path.steps]
        return {frame.name: frame for frame, _ in steps}

    @cached_property
    def open_frame(self) -> Frame | None:
        """The open header that a prompt ends with, if there is one."""
        return next((frame for frame in self.frames.values() if not frame.has_content), None)

    @cached_property
    def usual_opening(self) -> dict[str, str | bool | None]:
        """The fields of the open header that a model continues, also those without a value."""
        values = {**self.defaults, **dict(self.opening)}
        return {name: values[name] for name in (self.open_frame.fields if self.open_frame else ())}

    @cached_property
    def free_text_matcher(self) -> re.Pattern[str]:
        """A regular expression for a special token before any text, and that text, in the mixed alphabet."""
        tokens = self.recovery.free_texts if self.recovery else ()
        leads = "".join(self.markers[spelling] for spelling in tokens)
        return re.compile(f"([{leads}])([^\ud800-\udfff]+)" if leads else "(?!)")

    @cached_property
    def variant_places(self) -> dict[str, int]:
        """The places of the named alternatives in patterns, in whose order messages remember them."""
        groups = (group for frame in self.frames.values() for group in frame.groups)
        names = dict.fromkeys(value for name, fixed, value in groups if fixed and not name)
        return {name: place for place, name in enumerate(names)}

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

    @cached_property
    def marker_ids(self) -> dict[str, int]:
        return {marker: self.encoding.special[spelling] for spelling, marker in self.markers.items()}


def _options(hint: Any) -> tuple[Any, ...]:
    """The types in a union; any other type by itself."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def format_of(module: str) -> Format:
    """The format of a generated codec, by the name of its module."""
    found: Format = import_module(module).FORMAT
    return found


NEEDED = {
    **dict.fromkeys(
        ("validate", "recover"),
        "recovery.toml, which not every format can have (docs/grammar.md); `parse`, which is strict, works without it",
    ),
    "FUNCTION_NAMESPACE": "a namespace for functions, in contents.lark and conversation.toml",
}
"""What a grammar folder must have so that its codec has an attribute; see docs/grammar.md."""


def require(codec: ModuleType, name: str) -> None:
    """Raise `CodecError` if a codec lacks a function or class, which depends on the files of its grammar folder."""
    if not hasattr(codec, name):
        if not isinstance(getattr(codec, "FORMAT", None), Format):
            raise TypeError(f"expected the module of a codec, such as harmony_spec.codec, got {codec!r}")
        raise CodecError(f"{codec.__file__}: this codec has no {name}; its grammar folder lacks {NEEDED[name]}")


def continues(format: Format, start: str) -> bool:
    """Whether the inputs of a start rule continue an open header, instead of beginning with a message."""
    first, _ = format.starts[start][0].steps[0]
    return format.recovery is not None and all(a.special != format.recovery.begins for a, _ in first.steps[0])


def ends_open(format: Format, start: str) -> bool:
    """Whether inputs of a start rule may end with an open header, as prompts do."""
    return any(not frame.has_content for path in format.starts[start] for frame, _ in path.steps)


def unfinished(format: Format, start: str, first: bool) -> str | None:
    """The name of the alternative whose last message has no stop token; None if the start rule has none."""
    for path in format.starts[start]:
        frame, times = path.steps[-1]
        if frame.has_content and not frame.closed and first == (len(path.steps) == 1):
            return frame.name if times == "?" else path.name
    return None
