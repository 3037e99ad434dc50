"""Whether recovery can rely on its tables: names exist, values fit, each mistake has one diagnostic."""

from __future__ import annotations

from collections.abc import Iterator, Set

from ..model.format_model import CONTENT_FIELD, Format, Recovery
from ..model.frame_graph import FrameEdge, Framing, framing, graph, is_content
from ..model.recovery_tables import (
    CHANNELED,
    begins,
    closes,
    default_channels,
    library_diagnostics,
    value_of,
)
from ..read import regular_expressions as pattern
from ..read.grammar_folder import CONVERSATION_FILE, DIAGNOSTICS_FILE, RECOVERY_FILE, Sources
from ..read.grammar_nodes import Special, Text
from ..read.problems import Problem
from .data_names import unfit_terminals


def check_recovery(format: Format, sources: Sources) -> Iterator[Problem]:
    """All problems of the tables of recovery."""
    if (recovery := format.recovery) is None:
        return
    enclosing = framing(graph(format, format.message))
    if fault := _fault(format, enclosing):
        reason = f"recovery needs messages that begin with one special token, and contents between two; {fault}"
        remedy = (
            f"Remove {RECOVERY_FILE}, or this part: without it, the codec has no recovering parser and no `validate`."
        )
        yield Problem(format.rules[format.message].place, reason, remedy)
        return
    if None not in closes(format).values():
        reason = "every stop token is a named alternative"
        yield Problem(format.rules[format.message].place, reason, "Give the canonical one no name.")
    if (role := recovery.slots["role"]) not in format.opening:
        reason = f"recovery needs the `{role}` of the model, for headers without one"
        yield Problem(sources.place(RECOVERY_FILE), reason, f"Set `{role}` in [opening] of {CONVERSATION_FILE}.")
    if role in format.fields and not format.fields[role].required:
        reason = f"recovery needs messages with a `{role}`, and `{format.message}` may lack it"
        yield _unreadable(format, format.message, reason, "Require it")
    for kind in CHANNELED if recovery.slots["channel"] else ():
        if not value_of(format, kind, "channel"):
            reason = f"recovery needs a kind of message `{kind}` on a channel"
            at = next((index for index, each in enumerate(format.turn) if each.name == kind), None)
            place = sources.place(CONVERSATION_FILE, "turn", *() if at is None else (at, "kind"))
            remedy = f"Set `{recovery.slots['channel']}` in its `when`, or in `has`."
            yield Problem(place, reason, remedy if at is not None else f"Add it to [[turn]]. {remedy}")
    yield from _undeclared_channels(format, sources)
    yield from _numbers(format)
    yield from _gaps(format)
    yield from _contents(format, enclosing)
    yield from list(_repeated_tokens(format, enclosing)) or _frames(format, enclosing)
    yield from _slots(recovery, sources)
    yield from _unwritable_values(format, sources)
    yield from _separator(format, recovery, sources)
    yield from _codes(recovery, sources)
    yield from _order(recovery, sources)


def _unreadable(format: Format, rule: str, reason: str, remedy: str) -> Problem:
    """The problem of a rule that recovery cannot read."""
    return Problem(format.rules[rule].place, reason, f"{remedy}, or remove {RECOVERY_FILE}.")


def _fault(format: Format, enclosing: Framing) -> str:
    """Why special tokens do not show where a message and its content begin and end; "" if they do."""
    name = f"`{format.message}`"
    if begins(format) is None:
        return f"{name} may begin in another way"
    if not enclosing.opens or not enclosing.closed:
        return f"in {name}, none is {'after' if enclosing.opens else 'before'} the content"
    if enclosing.touched or any(map(_has_text_for_content, graph(format, format.message).steps)):
        return f"in {name}, a text is beside the content"
    if enclosing.trails:
        return f"in {name}, another token may follow the one after the content"
    return f"{name} goes on after the stop token" if enclosing.ends_with_text else ""


def _has_text_for_content(row: list[tuple[FrameEdge, int]]) -> bool:
    """Whether another text may come where a content may begin."""
    texts = [is_content(edge) for edge, _ in row if not isinstance(edge, Special)]
    return any(texts) and not all(texts)


def _repeated_tokens(format: Format, enclosing: Framing) -> Iterator[Problem]:
    """The tokens that begin a message, open its content and close it do nothing else in it."""
    made, first = graph(format, format.message), begins(format)
    contents = [(source, target) for source, edge, target in made.edges() if is_content(edge)]
    before = made.reached({source for source, _ in contents}, backwards=True, by_text=True)
    after = made.reached({target for _, target in contents})
    for source, edge, target in made.edges():
        if not isinstance(edge, Special):
            continue
        for uses, what in (
            (edge.spelling == first and source > 0, "begins messages"),
            (edge.spelling in enclosing.opens and target not in before, "opens contents"),
            (edge.spelling in enclosing.closes and source not in after, "closes contents"),
        ):
            if uses:
                reason = f"recovery needs tokens that have one place in a message; `{edge.spelling}` {what}"
                yield _unreadable(format, format.message, reason, "Use another token for it")
                return


def _numbers(format: Format) -> Iterator[Problem]:
    """Start rules have any number of messages, besides what continues an open header."""
    for start in format.starts:
        first = start is format.starts[-1] and format.open_frame is not None
        steps = [step for _, path in start.paths for step in path[first:] if step.frame != format.open_frame]
        needed = [step.frame for step in steps if not step.times]
        if needed or not any(step.frame == format.message and step.times == "*" for step in steps):
            reason = f"recovery needs any number of messages in start rules, and `{start.name}` has another"
            remedy = f"Write `{format.message}*`, and `?` after other rules; or remove {RECOVERY_FILE}."
            yield Problem(start.rule.place, reason, remedy)


def _gaps(format: Format) -> Iterator[Problem]:
    """A header is divided at white space, so there is one text with it between two parts."""
    made = graph(format, format.message)
    for _, edge, target in made.edges():
        after = [other for other, _ in made.steps[target] if isinstance(other, Text) and other.text[0].isspace()]
        if isinstance(edge, Text) and edge.text[-1].isspace() and after:
            reason = (
                f"recovery needs one text with white space between two parts; {after[0].text!r} follows {edge.text!r}"
            )
            yield _unreadable(format, format.message, reason, "Write one text, or leave out one of the two")
            return


def _contents(format: Format, enclosing: Framing) -> Iterator[Problem]:
    """A content is any text, and each token that closes one may close all."""
    if not pattern.is_free(format.content_terminal.pattern) or not format.content_may_be_empty:
        remedy = f"Write `{CONTENT_FIELD}: TEXT?` with any text"
        yield _unreadable(format, CONTENT_FIELD, "recovery needs contents of any text, which may be empty", remedy)
    steps = graph(format, format.message).steps
    for row in steps:
        targets = [target for edge, target in row if is_content(edge)]
        closes = {edge.spelling for target in targets for edge, _ in steps[target] if isinstance(edge, Special)}
        if targets and (missing := sorted(enclosing.closes - closes)):
            reason = f"recovery needs stop tokens that may end every message, and `{missing[0]}` may not"
            yield _unreadable(format, format.message, reason, f"Allow it in each alternative of `{format.message}`")
            return


def _frames(format: Format, enclosing: Framing) -> Iterator[Problem]:
    """All kinds of messages are framed like the message of a transcript, and open headers end before the content."""
    frames = {name: framing(graph(format, name)) for name in format.frames}
    first = str(begins(format))
    opens = frames[format.open_frame].inside & enclosing.opens if format.open_frame else frozenset()
    opened_again = any(around.opens and first not in around.inside for around in frames.values())
    if format.open_frame and opens and (opened_again or not _ends_with(format, format.open_frame, opens)):
        name, token = format.open_frame, min(opens)
        reason = f"recovery needs open headers that end before the content, and `{name}` has `{token}`"
        yield _unreadable(format, name, reason, f"End `{name}` before it")
        opens = frozenset()
    for name, around in frames.items():
        if name == format.open_frame:
            continue
        is_opened = bool(around.opens) != bool(opens and first not in around.inside)
        tokens = {*around.inside, *around.opens, *around.closes}
        if around.headless or around.touched or around.trails or not is_opened:
            reason = f"recovery needs contents between special tokens, and in `{name}` one of them may be missing"
            yield _unreadable(format, name, reason, f"Enclose the content as in `{format.message}`")
        elif other := sorted(tokens - enclosing.inside - enclosing.opens - enclosing.closes):
            reason = f"recovery reads all messages alike, and `{name}` has `{other[0]}`, which others lack"
            yield _unreadable(format, name, reason, f"Allow it in `{format.message}`")


def _ends_with(format: Format, name: str, opens: Set[str]) -> bool:
    """Whether each path of a rule ends with a token that opens the content, and has no other one."""
    made = graph(format, name)
    reached = {target for _, edge, target in made.edges() if isinstance(edge, Special) and edge.spelling in opens}
    return reached == made.final and not any(made.steps[state] for state in reached)


def _slots(recovery: Recovery, sources: Sources) -> Iterator[Problem]:
    """Each field has one meaning."""
    owners: dict[str, str] = {}
    for key, name in recovery.slots.items():
        if name and name in owners:
            reason = f"`{name}` is the field of `{owners[name]}` and of `{key}`"
            place = sources.place(RECOVERY_FILE, "slots", key)
            yield Problem(place, reason, "Name another field, or remove the key.")
        owners.setdefault(name, key)


def _unwritable_values(format: Format, sources: Sources) -> Iterator[Problem]:
    """The grammar can write each content type that recovery sets."""
    recovery = format.recovery
    assert recovery is not None
    for index, value in enumerate(recovery.content_types):
        for terminal in unfit_terminals(format, recovery.slots["content_type"], value):
            place = sources.place(RECOVERY_FILE, "content_types", "known", index)
            yield Problem(place, f"`{value}` does not fit {terminal}", "Choose a value that can be written.")


def _undeclared_channels(format: Format, sources: Sources) -> Iterator[Problem]:
    """The channels of [[turn]] are among those that contents declare by default."""
    assert format.recovery is not None
    for index, kind in enumerate(format.turn):
        channel, slot = value_of(format, kind.name, "channel"), format.recovery.slots["channel"]
        for path, names in default_channels(format).items() if channel else ():
            if channel not in names:
                at = "has" if slot in dict(kind.has) else "when"
                place = sources.place(CONVERSATION_FILE, "turn", index, at, slot)
                reason = f"`defaults.{path}` lacks `{channel}`, the channel of `{kind.name}`"
                yield Problem(place, reason, "Add it there: `validate` reports messages on an undeclared channel.")


def _separator(format: Format, recovery: Recovery, sources: Sources) -> Iterator[Problem]:
    """A recipient can be the full name of a tool: namespace, separator, name."""
    for terminal in unfit_terminals(format, recovery.slots["recipient"], f"a{recovery.separator}a"):
        reason, remedy = f"names with `{recovery.separator}` in them do not fit {terminal}", "Choose another separator."
        slot = recovery.slots["recipient"]
        if any(format.terminals[name].values for name in format.terminals_of(slot)):
            reason = f"recovery needs recipients of any name, and the grammar lists those of `{slot}`"
            remedy = f"Let a pattern match them, or remove {RECOVERY_FILE}."
        yield Problem(sources.place(RECOVERY_FILE, "tools", "separator"), reason, remedy)
        return
    full = f"{format.functions}{recovery.separator}a" if format.functions else "a"
    for terminal in unfit_terminals(format, recovery.slots["recipient"], full):
        place = sources.place(CONVERSATION_FILE, "namespace", "functions")
        yield Problem(place, f"`{format.functions}` does not fit {terminal}", "Choose a name that a header can hold.")


def _codes(recovery: Recovery, sources: Sources) -> Iterator[Problem]:
    """Each diagnostic is reported, and a code has one meaning."""
    reported = {name for name, _ in recovery.edits.values()}
    reported |= {name for _, codes in recovery.fields.values() for name in codes.values()}
    library, owners = library_diagnostics(), dict[str, str]()
    for name, entry in recovery.codes.items():
        if entry != library.get(name, entry):
            reason = f"the library reports `{name}`, so a grammar cannot change its code, severity, fix or reason"
            remedy = "Remove the entry, or copy that of the library."
            yield Problem(sources.place(DIAGNOSTICS_FILE, name), reason, remedy)
            continue
        if name not in library and name not in reported:
            reason = f"nothing reports the diagnostic `{name}`"
            remedy = f"Remove it, or name it in {RECOVERY_FILE}."
            yield Problem(sources.place(DIAGNOSTICS_FILE, name), reason, remedy)
        if entry.code in owners:
            reason = f"`{name}` has the code of `{owners[entry.code]}`, {entry.code}"
            remedy = "A code means one thing for good: choose a new one."
            yield Problem(sources.place(DIAGNOSTICS_FILE, name), reason, remedy)
        owners[entry.code] = name


def _order(recovery: Recovery, sources: Sources) -> Iterator[Problem]:
    """The first sum of each pair in `[[before]]` is the smaller one."""
    own = len(sources.data[RECOVERY_FILE].get("before", ()))
    rows = {"header": recovery.costs} | {
        key: recovery.fields[field][0]
        for key, field in {**{field: field for field in recovery.fields}, **recovery.slots}.items()
        if field in recovery.fields
    }
    for index, pair in enumerate(recovery.before):
        names = [name.partition(".")[::2] for name in (*pair["cheaper"], *pair["dearer"])]
        unknown = [f"{table}.{edit}" for table, edit in names if edit not in rows.get(table, ())]
        if unknown and (index >= own or any(recovery.slots.get(table) == "" for table, _ in names)):
            continue  # the grammar lacks the field
        at: tuple[str | int, ...] = (RECOVERY_FILE, "before", index)
        if unknown:
            remedy = "Name a table and a row of [costs], with a dot."
            yield Problem(sources.place(*at), f"`{unknown[0]}` is not a cost", remedy)
            continue
        less, more = (sum(rows[t][e] for t, _, e in (n.partition(".") for n in pair[k])) for k in ("cheaper", "dearer"))
        if less >= more:
            changed = (name for name in names if name[1] in sources.table(RECOVERY_FILE, "costs").get(name[0], ()))
            at = at if index < own else (RECOVERY_FILE, "costs", *next(changed))
            sums = [" + ".join(f"`{name}`" for name in pair[key]) for key in ("cheaper", "dearer")]
            reason = f"{sums[0]} costs {less}, and {sums[1]} {more}: {pair['because']}"
            yield Problem(sources.place(*at), reason, "Make the first sum the smaller one.")
