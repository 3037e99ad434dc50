"""A message holds each field at most once, and special tokens show where it and its content begin and end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from itertools import dropwhile
from typing import NamedTuple

from ..model.format_model import CONTENT_FIELD, Format, Step
from ..model.frame_graph import FrameEdge, Graph, framing, graph, is_content
from ..read.grammar_nodes import (
    Concat,
    GrammarNode,
    Repeat,
    RuleCall,
    RuleChoice,
    RuleMark,
    RuleValue,
    Special,
    Text,
    called,
    walk,
)
from ..read.problems import Problem
from ..read.reachable import reachable
from .finite_automata import machine, witness

ONE_CONTENT = f"A message has one `{CONTENT_FIELD}`: write several messages, or one content and a field for its kind."
SAME_CONTENT = (
    f"Use `{CONTENT_FIELD}` in each kind of message, and a field for the kind; its text may be empty (`TEXT?`)."
)


def fields_of_messages(format: Format) -> Iterator[Problem]:
    message = format.rules[format.message]
    if CONTENT_FIELD not in format.rules:
        reason = f"the rule `{CONTENT_FIELD}` is missing"
        yield Problem(message.place, reason, f"Write `{CONTENT_FIELD}: TEXT?`, the rule for the text of a message.")
        return
    content = format.rules[CONTENT_FIELD]
    texts = [RuleValue(CONTENT_FIELD, name) for name in format.terminals_of(CONTENT_FIELD)]
    if len(texts) != 1 or content.node not in (*texts, *(Repeat(text, 0, 1) for text in texts)):
        reason = f"`{CONTENT_FIELD}` is not one terminal, optional or not"
        yield Problem(
            content.place,
            reason,
            f"Write `{CONTENT_FIELD}: TEXT?`, its kind as a field, and texts beside it in `{message.name}`.",
        )
        return
    known = format.fields_of(RuleCall(format.message))
    if not set(known) - {CONTENT_FIELD}:
        remedy = "Add one for the author; if tokens spell it, a rule of named alternatives: `role: MODEL -> model`."
        yield Problem(message.place, f"`{message.name}` has no field but its content", remedy)
        return
    if CONTENT_FIELD not in known:
        reason = f"`{message.name}` has no content"
        yield Problem(
            message.place, reason, f"Add `{CONTENT_FIELD}` to it: a transcript is made of messages with content."
        )
        return
    for name in format.frames:
        rule = format.rules[name]
        most = _most(format, rule.node)
        for field in format.fields_of(RuleCall(name)):
            if field not in known:
                reason = f"`{name}` has the field `{field}`, which `{message.name}` lacks"
                yield Problem(rule.place, reason, f"Add it to `{message.name}`. {SAME_CONTENT}")
        owners = [field[3:] for field in most if field.startswith("->")]
        for owner in owners[:1] if name == format.open_frame else ():
            reason = f"`{name}` has the named alternatives of `{owner}`, which nothing remembers of an open header"
            remedy = "Write it in one way; or name all alternatives, none with a field: the names are values then."
            yield Problem(format.rules[owner].place, reason, remedy)
        flags = {field for field in format.always_set(rule.node) if format.mark_of(field)}
        for field in sorted(flags) if name == format.message else ():
            mark = format.mark_of(field)
            part = mark.terminal if isinstance(mark, Special) and field not in format.rules else field
            reason = f"`{field}` is a flag, since another rule for messages may lack it, and each `{name}` has it"
            yield Problem(rule.place, reason, f"Write `{part}?` here, or leave out the `?` there.")
        if most[CONTENT_FIELD] == 1 and CONTENT_FIELD not in format.always_set(rule.node):
            yield Problem(rule.place, f"`{name}` may lack its content", SAME_CONTENT)
    yield from _repeated_fields(format)
    yield from _presence(format)


def _repeated_fields(format: Format) -> Iterator[Problem]:
    """Fields that a message can hold twice, each in the innermost rule that can."""
    for name in reachable(format.frames, lambda rule: called(format.rules[rule].node)):
        rule = format.rules[name]
        inner = [_most(format, format.rules[other].node) for other in called(rule.node)]
        repeated = [field for field, high in _most(format, rule.node).items() if high > 1]
        repeated = [field for field in repeated if all(most[field] < 2 for most in inner)]
        if CONTENT_FIELD in repeated:
            yield Problem(rule.place, f"`{name}` can hold `{CONTENT_FIELD}` twice", ONE_CONTENT)
            continue  # a message in a message holds every field twice
        for field in repeated:
            reason, remedy = (
                f"`{name}` can hold `{field}` twice",
                "Remove one of the two: a field has one place in a message.",
            )
            if field.startswith("->"):
                reason = f"`{name}` can hold `{field[3:]}`, whose alternatives have names, twice"
                remedy = "Write one of them as a rule of its own: a message remembers one alternative of a rule."
            yield Problem(rule.place, reason, remedy)


def _presence(format: Format) -> Iterator[Problem]:
    """The presence of an optional part shows in a field that it always sets."""
    for rule in format.rules.values():
        for node in walk(rule.node):
            if isinstance(node, Repeat) and rule.name != CONTENT_FIELD and not format.always_set(node.item):
                part = format.rules[node.item.rule] if isinstance(node.item, RuleCall) else None
                optional = f"the optional `{part.name}`" if part else f"an optional part of `{rule.name}`"
                remedy = (
                    "Require a field in it, or write two alternatives of the rule around it, with the part and without."
                )
                yield Problem((part or rule).place, f"no field shows whether {optional} is present", remedy)


def _most(format: Format, node: GrammarNode) -> Counter[str]:
    """The largest number of times that a node sets each field, or reads a rule whose alternatives have names."""
    match node:
        case RuleValue(field):
            return Counter([field])
        case RuleMark(field, item):
            return Counter([field]) + _most(format, item)
        case Repeat(item, 0, 1):
            return _most(format, item)
        case Concat(items):
            return sum((_most(format, item) for item in items), Counter[str]())
        case RuleChoice(owner, branches):
            found = Counter[str]()
            for branch in branches:
                found |= Counter(field for field, _ in branch.sets) + _most(format, branch.node)
            return found + Counter([f"-> {owner}"] * any(b.name and not b.sets for b in branches))
        case RuleCall(rule):
            return Counter([rule]) if rule == CONTENT_FIELD else _most(format, format.resolve(node))
    return Counter()


def ambiguous_delimiters(format: Format) -> Iterator[Problem]:
    """Codecs find messages by special tokens. So each token shows whether it opens or closes a content."""
    followers: dict[str, set[str]] = {name: set() for name in format.frames}
    for one, other in _following(format):
        made = graph(format, other)
        empty = [target for edge, target in made.steps[0] if is_content(edge) and format.content_may_be_empty]
        firsts = (edge for state in (0, *empty) for edge, _ in made.steps[state])
        followers[one] |= {edge.spelling for edge in firsts if isinstance(edge, Special)}
    for name, begins in followers.items():
        place = format.rules[name].place
        around = framing(graph(format, name))
        for spelling in sorted(around.continues & (around.closes if around.closed else around.closes | begins)):
            reason = f"ambiguous delimiter: in `{name}`, `{spelling}` may come before the content and after it"
            yield Problem(place, reason, "Use another special token in one of the places.")
        trails = frozenset() if _stops(format, name) else around.trails
        for spelling in sorted((trails if around.closed else around.closes | around.trails) & begins):
            reason = f"ambiguous delimiter: `{spelling}` ends `{name}` and also begins a message"
            yield Problem(place, reason, "Use another special token for one of them.")


def optional_headers(format: Format) -> Iterator[Problem]:
    """An open header, and what continues one, comes once: a codec must know whether an input ends or begins with it."""
    completion = format.starts[-1]
    for _, (first, *_) in (path for path in completion.paths if path[1]):
        if first.frame != format.message and first.times:
            reason = f"a completion may lack `{first.frame}`, which continues an open header"
            yield Problem(completion.rule.place, reason, f"Write `{first.frame}` without `{first.times}`.")
    for start in format.starts:
        steps = [(step, way[-1]) for _, way in start.paths for step in way]
        for step, last in ((step, last) for step, last in steps if step.frame == format.open_frame):
            if step.times:
                reason = f"`{start.rule.name}` may lack or repeat `{step.frame}`, an open header"
                yield Problem(start.rule.place, reason, f"Write `{step.frame}` without `{step.times}`.")
            elif step is not last:
                reason = f"`{start.rule.name}` goes on after `{step.frame}`, an open header"
                yield Problem(start.rule.place, reason, f"Write `{step.frame}` last.")
        for _, way in start.paths:  # a codec that has read too far goes back by one message
            needed = [step.frame for step in dropwhile(lambda step: not step.times, way) if not step.times]
            if len(needed) > 1:
                reason = f"`{start.rule.name}` needs `{needed[0]}` and `{needed[1]}` after a part that may be absent"
                remedy = f"Write `{needed[0]}` before that part: only the last one may come after it."
                yield Problem(start.rule.place, reason, remedy)


def unlike_messages(format: Format) -> Iterator[Problem]:
    """What continues an open header is a message together with it, and all else is one by itself: the next prompt
    begins with what was sampled. Only the last one may lack the end of a message, which the next prompt has."""
    message, whole = graph(format, format.message), frozenset([START_OF_FRAME])
    begun = _read_by(format, graph(format, format.open_frame), message, whole) if format.open_frame else ()
    steps = [
        (step.frame, bool(begun) and start is format.starts[-1] and index == 0)
        for start in format.starts
        for _, path in start.paths
        for index, step in enumerate(path)
        if step.frame != format.open_frame
    ]
    followed = {step.frame for start in format.starts for _, path in start.paths for step in path[:-1]}
    for name, is_first in dict.fromkeys(steps):
        made, place = graph(format, name), format.rules[name].place
        after = [frozenset(each._replace(names=each.names - names) for each in places) for names, places in begun]
        ways = [_read_by(format, made, message, opened) for opened in (dict.fromkeys(after) if is_first else [whole])]
        lost = [names for way in ways if (names := _lost_names(message, way)) is not None]
        shown, verb = (f"`{format.open_frame}` and `{name}` together", "are") if is_first else (f"`{name}`", "is")
        is_begun = format.has_content(RuleCall(name)) and any(all(places for _, places in way) for way in ways)
        if not lost and not is_begun:
            reason = f"{shown} {verb} not always a `{format.message}`"
            remedy = f"Write in `{format.message}` what `{name}` has: the next prompt repeats what was sampled."
            if name == format.message:
                remedy = f"Begin completions with a rule for what comes after `{format.open_frame}`."
            yield Problem(place, reason, remedy)
        elif not lost and name in followed:
            reason = f"`{name}` lacks the end of a `{format.message}`, and other messages may follow it"
            remedy = "End it as a message ends, or let it be the last one, in an alternative of its own."
            yield Problem(place, reason, remedy)
        elif is_first and lost and (names := min(lost, key=len)):
            reason = f"{shown} are the alternative `{min(names)}` of a `{format.message}`, and no field shows which"
            remedy = "Write that alternative first: the first one is written again."
            if names & {*format.fields}:
                reason = f"{shown} are a `{format.message}` with the field `{min(names)}`, which they do not set"
                remedy = f"Require that part in `{format.message}`, without `?` or other alternatives."
            yield Problem(place, reason, remedy)


class FramePlace(NamedTuple):
    """A state of a frame, what is left of the text before it, alternatives that only their names show, and the
    fields that have names of alternatives or are flags."""

    state: int
    text: str
    names: frozenset[str]


START_OF_FRAME = FramePlace(0, "", frozenset())

Ways = set[tuple[frozenset[str], frozenset[FramePlace]]]
"""The alternatives and fields that were read in each way through a frame, and where another frame may be after it."""


def _steps(made: Graph, place: FramePlace) -> Iterator[tuple[FrameEdge | str, FramePlace]]:
    if place.text:
        yield place.text[0], place._replace(text=place.text[1:])
        return
    for edge, target in made.steps[place.state]:
        fields = (name for name, _ in made.sets.get(target, ()))
        names = place.names.union(made.names.get(target, ()), fields)
        if isinstance(edge, Text):
            yield edge.text[0], FramePlace(target, edge.text[1:], names)
        else:
            yield edge, FramePlace(target, "", names)


def _lost_names(message: Graph, ways: Ways) -> frozenset[str] | None:
    """What a message remembers and these ways do not, alternatives and fields; None if one of them is not a message."""
    lost = frozenset[str]()
    for names, places in ways:
        ends = [place.names - names for place in places if place.state in message.final and not place.text]
        if not ends:
            return None
        lost |= min(ends, key=len)
    return lost


def _may_be(format: Format, edge: FrameEdge | str, other: FrameEdge | str) -> bool:
    """Whether what one edge reads can always be read by another one, as the same field."""
    if edge == other or not (isinstance(edge, RuleValue) and isinstance(other, RuleValue)):
        return edge == other
    one, wider = (machine(format.terminals[each.terminal].pattern) for each in (edge, other))
    return edge.field == other.field and witness(one, wider) is None


def _read_by(format: Format, made: Graph, other: Graph, places: Set[FramePlace]) -> Ways:
    """The ways through a frame, as another one reads them from these places; no place if it cannot read one."""

    def following(at: tuple[FramePlace, Set[FramePlace]]) -> Iterator[tuple[FramePlace, frozenset[FramePlace]]]:
        for edge, target in _steps(made, at[0]):
            steps = (step for place in at[1] for step in _steps(other, place))
            yield target, frozenset(there for its, there in steps if _may_be(format, edge, its))

    found = reachable([(START_OF_FRAME, frozenset(places))], following)
    return {(here.names, there) for here, there in found if here.state in made.final and not here.text}


def touching_texts(format: Format) -> Iterator[Problem]:
    """There is a special token between any two messages. The first place without one is reported."""
    for one, other in _following(format):
        around = framing(graph(format, one))
        texts = any(not isinstance(edge, Special) for edge, _ in graph(format, other).steps[0])
        if texts and (not around.closed or (around.ends_with_text and not _stops(format, one))):
            where = "after the content" if around.closed else "at the end"
            reason = f"text {where} of `{one}` meets text at the beginning of `{other}`"
            remedy = "Begin messages with a special token, or write no text after the content and end with a token."
            yield Problem(format.rules[other].place, reason, remedy)
            return


def _stops(format: Format, name: str) -> bool:
    """Whether each way through a frame ends with a token after which it never goes on."""
    made = graph(format, name)
    stops = framing(made).stops
    return all(
        isinstance(edge, Special) and edge.spelling in stops for _, edge, target in made.edges() if target in made.final
    )


def _following(format: Format) -> Iterator[tuple[str, str]]:
    """The frames that may follow each other in a start rule."""
    for start in format.starts:
        for _, steps in start.paths:
            yield from _neighbours(steps)


def _neighbours(steps: tuple[Step, ...]) -> Iterator[tuple[str, str]]:
    for index, step in enumerate(steps):
        if step.times == "*":
            yield step.frame, step.frame
        for other in steps[index + 1 :]:
            yield step.frame, other.frame
            if other.times == "":
                break
