"""Why an input is not what the grammar describes: how far any reading of it gets, and what could have come there.

Runs only after a parser has failed, from the message where it stopped. The states of the frames that could stand there
are followed side by side; the furthest position that any of them reaches is the place of the error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from ..codes import UNEXPECTED_END, UNEXPECTED_SPECIAL_TOKEN, UNEXPECTED_TEXT, WRONG_START
from ..errors import ParseError, Span
from ..format.tables import Atom, Frame
from ..source.forms import Form, Piece

Place = tuple[int, int]  # the number of a piece, and the offset into its text

END = "the end of the input"


@dataclass(frozen=True)
class Stopped:
    """Where a parser stopped.

    Attributes:
        frames: what could have come there.
        may_end: whether the input could have ended there.
        at: the position.
        index: the number of the message there.
        start: the start rule.
        other: a start rule that does take the input.
    """

    frames: list[Frame]
    may_end: bool
    at: int
    index: int
    start: str
    other: str | None


def explain(form: Form, stopped: Stopped) -> ParseError:
    """The error for an input that a parser could not read to its end."""
    at, frames = stopped.at, stopped.frames
    pieces: list[Piece] = []
    unreadable: ParseError | None = None
    try:
        for piece in form.pieces(at):
            pieces.append(piece)
            if len(pieces) > _longest(frames):
                break
    except ParseError as error:
        if error.span and not pieces:
            error.index = stopped.index
            return error
        unreadable = error
    place, expected = _furthest(form, frames, pieces)
    if unreadable and place[0] >= len(pieces):
        unreadable.index = stopped.index
        return unreadable
    if place == (0, 0) and stopped.may_end:
        expected[END] = None
    return _error(form, pieces, place, tuple(expected), stopped)


def _longest(frames: list[Frame]) -> int:
    """No reading of these frames takes more pieces than they have states."""
    return 1 + max((len(frame.steps) for frame in frames), default=0)


def _furthest(form: Form, frames: list[Frame], pieces: list[Piece]) -> tuple[Place, dict[str, None]]:
    best: Place = (0, 0)
    expected: dict[str, None] = {}
    todo = [(frame, 0, (0, 0)) for frame in reversed(frames)]
    seen = set()
    while todo:
        frame, state, place = todo.pop()
        if (frame.name, state, place) in seen:
            continue
        seen.add((frame.name, state, place))
        taken = [(_take(atom, pieces, place), target) for atom, target in frame.steps[state]]
        if place > best and (any(after for after, _ in taken) or not _inside_word(form, pieces, place)):
            best, expected = place, {}
        if place == best:
            expected |= dict.fromkeys(atom.label for atom, _ in frame.steps[state])
            if state in frame.final:
                expected[END] = None
        todo += [(frame, target, after) for after, target in reversed(taken) if after]
        todo += [(frame, target, place) for atom, target in frame.steps[state] if atom.nullable]
    return best, expected


def _inside_word(form: Form, pieces: list[Piece], place: Place) -> bool:
    """Whether a place splits what some field could hold as a whole: then the whole does not fit, not its rest."""
    number, offset = place
    around = pieces[number][1][offset - 1 : offset + 1] if number < len(pieces) and offset else ""
    patterns = (pattern for pattern, _ in form.format.patterns.values())
    return len(around) == 2 and any(re.fullmatch(pattern, around) for pattern in patterns)


def _take(atom: Atom, pieces: list[Piece], place: Place) -> Place | None:
    number, offset = place
    if number == len(pieces):
        return None
    spelling, text, _, _ = pieces[number]
    if spelling is not None or atom.special is not None:
        return (number + 1, 0) if spelling == atom.special else None
    match = atom.matcher.match(text, offset)
    if match is None or match.end() == offset:
        return None
    return (number + 1, 0) if match.end() == len(text) else (number, match.end())


def _error(form: Form, pieces: list[Piece], place: Place, expected: tuple[str, ...], stopped: Stopped) -> ParseError:
    at, index, start, other = stopped.at, stopped.index, stopped.start, stopped.other
    number, offset = place
    end = pieces[-1][3] if pieces else at
    if number == len(pieces):
        code, span = UNEXPECTED_END, Span(end, end)
        message = f"the {start} ends inside message {index}" if pieces else f"the {start} ends too early"
    elif pieces[number][0] is not None:
        spelling, _, first, last = pieces[number]
        code, span, message = UNEXPECTED_SPECIAL_TOKEN, Span(first, last), f"{spelling} cannot stand here"
    else:
        _, text, first, _ = pieces[number]
        code, span = UNEXPECTED_TEXT, form.locate(first, text, offset)
        message = f"the text {_short(text[offset:])} cannot stand here"
    hint = _hint(form, pieces[number][1][offset:]) if code is UNEXPECTED_TEXT else ""
    if other:
        code, message, hint = WRONG_START, f"this is a {other}, not a {start}", f"Parse it as a {other}."
    around, caret = form.around(span)
    return ParseError(
        code,
        message,
        span=span,
        unit=form.unit,
        index=index,
        expected=expected,
        around=around,
        caret=caret,
        hint=hint,
    )


def _hint(form: Form, text: str) -> str:
    """What to do about text that looks like a special token."""
    spelled = form.format.special_matcher.match(text)
    if spelled:
        return f"These are ordinary tokens that spell {spelled[0]}; encode it as the special token."
    word = text[:40].split(" ")[0]
    for length in range(4, len(word) + 1):
        if close := get_close_matches(word[:length], form.format.markers, n=1, cutoff=0.9):
            return f"Is this a misspelt {close[0]}?"
    return ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 24 else text[:20] + "…")
