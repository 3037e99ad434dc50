"""Explanations of invalid input: the furthest position that the grammar reaches, and what it expects there.

This runs only after a parser has failed, from the message where it stopped. It follows the states of all frames that
are possible there; the furthest position that any of them reaches is the place of the error.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..codes import UNEXPECTED_END, UNEXPECTED_SPECIAL_TOKEN, UNEXPECTED_TEXT, WRONG_START
from ..errors import ParseError, Span, near_misses
from ..format.tables import Atom, Frame
from ..source.forms import Form, Piece

PiecePlace = tuple[int, int]  # the index of a piece, and the offset into its text

END = "the end of the input"


class StopPoint(NamedTuple):
    """The position where a parser stopped.

    Attributes:
        frames: the frames that the grammar allows there.
        may_end: whether the input may end there.
        at: the position, in units of the input.
        message: the index of the message there.
        start: the start rule.
        fitting_start: another start rule, along which the input is valid.
    """

    frames: list[Frame]
    may_end: bool
    at: int
    message: int
    start: str
    fitting_start: str | None


def explain(form: Form, stop_point: StopPoint) -> ParseError:
    """Return the error for an input that a parser could not read to its end."""
    at, frames = stop_point.at, stop_point.frames
    pieces: list[Piece] = []
    unreadable: ParseError | None = None
    try:
        for piece in form.pieces(at, form.sound_end, strict=True):
            pieces.append(piece)
            if len(pieces) > _max_pieces(frames):
                break
        else:
            unreadable = None if form.broken is None else form.damage(form.broken)
    except ParseError as error:
        unreadable = error
    place, expected = _find_furthest(form, frames, pieces)
    if unreadable is not None and place[0] >= len(pieces):
        unreadable.index = stop_point.message
        return unreadable
    if place == (0, 0) and stop_point.may_end:
        expected[END] = None
    return _make_error(form, pieces, place, tuple(expected), stop_point)


def _max_pieces(frames: list[Frame]) -> int:
    """Return a bound on the pieces to read: no path through a frame is longer than its states."""
    return 1 + max((len(frame.steps) for frame in frames), default=0)


def _find_furthest(form: Form, frames: list[Frame], pieces: list[Piece]) -> tuple[PiecePlace, dict[str, None]]:
    best: PiecePlace = (0, 0)
    expected: dict[str, None] = {}
    todo = [(frame, 0, (0, 0)) for frame in reversed(frames)]
    seen = set()
    while todo:
        frame, state, place = todo.pop()
        if (frame.name, state, place) in seen:
            continue
        seen.add((frame.name, state, place))
        reached = [(_match_atom(atom, pieces, place), target) for atom, target in frame.steps[state]]
        if place > best and (any(after for after, _ in reached) or not _inside_word(form, pieces, place)):
            best, expected = place, {}
        if place == best:
            expected |= dict.fromkeys(atom.label for atom, _ in frame.steps[state])
            if state in frame.final:
                expected[END] = None
        todo += [(frame, target, after) for after, target in reversed(reached) if after]
        todo += [(frame, target, place) for atom, target in frame.steps[state] if atom.nullable]
    return best, expected


def _inside_word(form: Form, pieces: list[Piece], place: PiecePlace) -> bool:
    """Whether a place is inside of a word that a field may hold: then the error is at the whole word."""
    number, offset = place
    around = pieces[number][1][offset - 1 : offset + 1] if number < len(pieces) and offset else ""
    patterns = (pattern for pattern, _ in form.format.patterns.values())
    return len(around) == 2 and any(re.fullmatch(pattern, around) for pattern in patterns)


def _match_atom(atom: Atom, pieces: list[Piece], place: PiecePlace) -> PiecePlace | None:
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


def _make_error(
    form: Form, pieces: list[Piece], place: PiecePlace, expected: tuple[str, ...], stop_point: StopPoint
) -> ParseError:
    at, index, start, fitting_start = stop_point.at, stop_point.message, stop_point.start, stop_point.fitting_start
    number, offset = place
    end = pieces[-1][3] if pieces else at
    if number == len(pieces):
        code, span = UNEXPECTED_END, Span(end, end)
        message = f"the {start} ends inside message {index}" if pieces else f"the {start} ends too early"
    elif pieces[number][0] is not None:
        spelling, _, first, last = pieces[number]
        code, span, message = UNEXPECTED_SPECIAL_TOKEN, Span(first, last), f"unexpected special token {spelling}"
    else:
        _, text, first, _ = pieces[number]
        code, span = UNEXPECTED_TEXT, form.locate(first, text, offset)
        message = f"unexpected text {_abridge(text[offset:])}"
    hint = _suggest(form, pieces[number][1][offset:]) if code is UNEXPECTED_TEXT else ""
    if fitting_start:
        code, message, expected = WRONG_START, f"this is a {fitting_start}, not a {start}", ()
        hint = f"Pass start={fitting_start!r} (--start {fitting_start})."
    return form.error(code, message, span, hint, index, expected)


def _suggest(form: Form, text: str) -> str:
    """Return a hint for text that looks like a special token, or ""."""
    spelled = form.format.special_matcher.match(text)
    if spelled:
        return f"These are ordinary tokens that spell {spelled[0]}; encode it as the special token."
    word = text[:40].split(" ")[0]
    for length in range(4, len(word) + 1):
        if close := near_misses(word[:length], form.format.markers, cutoff=0.9):
            return f"Is this a misspelt {close[0]}?"
    return ""


def _abridge(text: str) -> str:
    return repr(text if len(text) <= 24 else text[:20] + "…")
