"""A completion as an algebra: the paths through the kinds of messages that `[[turn]]` has, each message specialised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import takewhile
from typing import Literal, NamedTuple

from ..format.algebra import (
    EMPTY,
    NOTHING,
    JsonNode,
    LiteralNode,
    Node,
    ReferenceNode,
    RuleNode,
    in_order,
    one_of,
    repeat,
)
from ..format.message_kinds import Kind
from ..format.tables import Format
from .offers import Offer, OfferedCall
from .specialising import ABSENT, Specialiser, Wanted, fields_in, filled

Profile = Literal["accepting", "canonical"]

PROFILES: tuple[Profile, ...] = ("accepting", "canonical")

TurnState = tuple[bool, frozenset[str]]
"""Whether no message was written yet, and the kinds that may come next."""

WantedFields = Mapping[str, Wanted]

TOOL, VALUE = ReferenceNode("called"), ReferenceNode("value")
"""The name of a tool and a JSON value, in messages that differ in nothing else."""


class MessageShape(NamedTuple):
    """A way to write a message: fields that its kind does not fix, what replaces the references in them, and a name."""

    fields: WantedFields
    parts: Mapping[str, Node] = {}
    name: str = ""


TURN_END: TurnState = (False, frozenset())


class Completion:
    """Builds the algebra of completions.

    Args:
        owned: the spellings of the special tokens at which the engine stops. It adds them itself.
    """

    def __init__(self, format: Format, offer: Offer, profile: Profile, owned: frozenset[str]) -> None:
        self.format, self.offer, self.profile, self.owned = format, offer, profile, owned
        self.author = format.recovery.author if format.recovery else {}
        steps = max(format.starts["completion"], key=lambda path: len(path.steps)).steps
        self.frames = [frame.rule for frame, times in steps if times in ("", "*")]
        self.opening = format.open_frame.rule if format.open_frame else EMPTY
        joined = in_order([self.opening, self.frames[0]])
        self.is_factored = len(self.frames) > 1 and joined == in_order([self.frames[1]])
        self.kinds = {kind.name: kind for kind in format.turn if self.author and self.author.items() <= {*kind.when}}
        self._rules: dict[tuple[object, ...], Node] = {}
        self.stops = {kind.last for kind in format.turn} - {None}
        self.closes: Mapping[str, str | None] = format.recovery.closes if format.recovery else {}

    @cached_property
    def header(self) -> WantedFields:
        """The fields of the open header of a model."""
        fixed = {name: Wanted(LiteralNode(value)) for name, value in self.author.items()}
        return {name: ABSENT for name, _ in fields_in(self.opening)} | fixed

    @cached_property
    def texts(self) -> dict[str, Node]:
        """The texts that fields may have, by name."""
        return {name: text for name, text in fields_in(in_order(self.frames)) if text}

    def build(self) -> Node:
        if not self.kinds:
            specialise = self._specialiser({}, dict.fromkeys(self.owned, EMPTY))
            later = specialise(self.frames[1]) if len(self.frames) > 1 else NOTHING
            return in_order([specialise(self.frames[0]), repeat(later)])
        others = (kind for kind in self.format.turn if kind.name not in self.kinds)
        begins = frozenset(name for kind in others for name in kind.then if name in self.kinds)
        return self._without_states((not self.is_factored, begins))

    def inexact_stops(self) -> list[str]:
        """The wrong ends of completions that an engine with stop tokens of its own cannot exclude."""
        ends = {self._spelling(kind.last) for kind in self.kinds.values() if self._ends(kind)}
        return [
            f"an engine that stops at {stop} may also end a completion with it in place of {end}"
            for end in sorted(ends & self.owned)
            for stop in sorted(self.owned - {end})
        ]

    def _ends(self, kind: Kind) -> bool:
        """Whether a completion may end with a message of a kind."""
        return not self.kinds.keys() >= set(kind.then)

    # States.

    def _without_states(self, start: TurnState) -> Node:
        """All paths from a state to the end as one node: the other states are removed one after the other."""
        if start == TURN_END:  # no kind of the model may follow another author
            return NOTHING
        edges: dict[TurnState, dict[TurnState, Node]] = {}
        todo = [start]
        while todo:
            if (state := todo.pop(0)) not in edges and state != TURN_END:
                edges[state] = dict(self._edges(state))
                todo += edges[state]
        for removed in [*list(edges)[:0:-1], start]:
            out = edges.pop(removed)
            loop = repeat(out.pop(removed, NOTHING))
            if removed == start:
                return in_order([loop, out.get(TURN_END, NOTHING)])
            for row in edges.values():
                if (into := row.pop(removed, None)) is not None:
                    for target, node in out.items():
                        row[target] = one_of([in_order([into, loop, node]), row.get(target, NOTHING)])
        raise AssertionError("the first state is removed last")

    def _edges(self, state: TurnState) -> Iterator[tuple[TurnState, Node]]:
        """What may be written in a state, by the state after it."""
        is_first, names = state
        kinds = [kind for name, kind in self.kinds.items() if name in names]
        found: dict[TurnState, list[Node]] = {}
        for kind in kinds:
            then = frozenset(name for name in kind.then if name in self.kinds)
            if then and kind.ends not in self.stops and self._spelling(kind.ends) not in self.owned:
                found.setdefault((False, then), []).append(self._rule(is_first, False, kind))
        found[TURN_END] = [self._rule(is_first, True, *filter(self._ends, kinds))]
        for target, nodes in found.items():
            if (node := one_of(nodes)) != NOTHING:
                yield target, node

    def _rule(self, is_first: bool, is_last: bool, *kinds: Kind) -> Node:
        """A rule for messages that others follow, or for last ones; the same one for the same kinds."""
        key = is_first, is_last, *(kind.name for kind in kinds)
        if key not in self._rules:
            found: dict[str, Node] = {}
            for kind in kinds:
                node = self._message(kind, kind.last if is_last else kind.ends, is_first, is_last)
                if node != NOTHING:
                    found[kind.name] = node
            opened = self.opened if self.is_factored and not is_last else EMPTY
            self._rules[key] = _named("_or_".join(found), in_order([one_of(found.values()), opened]))
        return self._rules[key]

    def _spelling(self, stop: str | None) -> str:
        return next((spelling for spelling, name in self.closes.items() if name == stop), "")

    # Messages.

    @cached_property
    def opened(self) -> Node:
        """The open header between two messages of the model."""
        return self._specialiser(self.header, {})(self.opening)

    def _message(self, kind: Kind, stop: str | None, is_first: bool, is_last: bool) -> Node:
        others = (spelling for spelling, name in self.closes.items() if name != stop)
        tokens: dict[str, Node] = dict.fromkeys(others, NOTHING)
        if is_last and (spelling := self._spelling(stop)) in self.owned:
            tokens[spelling] = EMPTY
        frame = self.frames[0 if is_first or self.is_factored else 1]
        templates: dict[object, Node] = self.format.caches.setdefault(Completion, {})
        found = []
        for shape in self._shapes(kind):
            key = self.profile, self.owned, kind.name, stop, is_first, is_last, *shape.fields.items()
            if key not in templates:
                templates[key] = self._specialiser({**self.fixed(kind), **shape.fields}, tokens)(frame)
            found.append(_named(shape.name, filled(templates[key], shape.parts)))
        return one_of(found)

    def _specialiser(self, fields: WantedFields, tokens: Mapping[str, Node]) -> Specialiser:
        chosen = None
        if self.profile == "canonical":
            choices = (*self.format.styles[self.format.default_style], *self.format.always)
            chosen = frozenset(c.alternative for c in choices if all(_meets(fields, *each) for each in c.when))
        return Specialiser(fields, tokens, chosen)

    def fixed(self, kind: Kind) -> dict[str, Wanted]:
        """The fields that the conditions of a kind fix, and the condition of an earlier kind that must not be met."""
        conditions = dict((*kind.when, *kind.has))
        fixed = {**self.header, **{name: _wanted(value) for name, value in conditions.items()}}
        for earlier in takewhile(lambda each: each.name != kind.name, self.kinds.values()):
            unmet = [(name, value) for name, value in earlier.when if conditions.get(name) != value]
            if len(unmet) == 1 and unmet[0][0] not in conditions and isinstance(unmet[0][1], bool):
                fixed[unmet[0][0]] = _wanted(not unmet[0][1])
        return fixed

    def _shapes(self, kind: Kind) -> Iterator[MessageShape]:
        """The ways to write a message of a kind."""
        recovery = self.format.meaning
        slots, offer = recovery.slots, self.offer
        channel = dict((*kind.when, *kind.has)).get(slots.channel)
        if kind.name == "call":
            for call in offer.calls:
                yield from self._calls(call, {slots.channel: Wanted(one_of(map(LiteralNode, call.channels)))})
        elif offer.channels and isinstance(channel, str) and channel not in offer.channels:
            return
        elif kind.name != "answer":
            yield MessageShape({slots.content_type: ABSENT})
        elif offer.may_answer:
            for schema in offer.answers.values():
                yield MessageShape(self._json(_types([recovery.json])), {VALUE.name: JsonNode(schema)})
            if not offer.answers:
                yield MessageShape({slots.content_type: ABSENT})
                if self.profile == "accepting":
                    yield from self._any_json({})

    def _calls(self, call: OfferedCall, fields: WantedFields) -> Iterator[MessageShape]:
        recovery = self.format.meaning
        slots, types = recovery.slots, recovery.content_types
        name, recipient = f"call_{call.name}" if call.name else "", Wanted(TOOL if call.name else None)
        fields, parts = {**fields, slots.recipient: recipient}, {TOOL.name: LiteralNode(call.name or "")}
        if call.schema is not None:
            held = self._json(_types(types if call.is_builtin else [recovery.json]), not call.is_empty)
            yield MessageShape({**fields, **held}, {**parts, VALUE.name: JsonNode(call.schema)}, name)
            return
        texts = _types(word for word in types if word != recovery.json)
        yield MessageShape({**fields, slots.content_type: texts}, parts, name)
        if not call.name:
            yield from self._any_json(fields)

    def _json(self, types: Wanted, is_required: bool = True) -> WantedFields:
        """The fields of a message whose content is a JSON value."""
        recovery = self.format.meaning
        return {self.format.content: Wanted(VALUE, is_required), recovery.slots.content_type: types}

    def _any_json(self, fields: WantedFields) -> Iterator[MessageShape]:
        """Messages whose content type is JSON."""
        if self.format.recovery and (word := self.format.recovery.json):
            yield MessageShape({**fields, **self._json(Wanted(LiteralNode(word)))}, {VALUE.name: JsonNode("true")})


def _named(name: str, node: Node) -> Node:
    return RuleNode(name, node) if name and node != NOTHING else node


def _types(words: Iterable[str]) -> Wanted:
    """A content type that may be absent."""
    return Wanted(one_of(LiteralNode(word) for word in words if word), False)


def _wanted(value: str | bool) -> Wanted:
    if isinstance(value, str):
        return Wanted(LiteralNode(value))
    return Wanted() if value else ABSENT


def _meets(fields: WantedFields, name: str, wanted: str | bool) -> bool:
    """Whether fixed fields meet a condition of a style."""
    found = fields.get(name, ABSENT)
    if isinstance(wanted, bool):
        return found.is_required is wanted
    return found.allows(wanted)
