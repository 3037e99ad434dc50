"""Explanations of invalid input: the furthest position that the grammar reaches, and what it expects there.

This runs only after a parser has failed, from the message where it stopped. It follows the states of all frames that
are possible there; the furthest position that any of them reaches is the place of the error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..codes import UNEXPECTED_END, UNEXPECTED_SPECIAL_TOKEN, UNEXPECTED_TEXT
from ..errors import Code, ParseError, Span, near_misses
from ..format.frames import Atom, Frame
from ..source.forms import Form, SourcePiece

PiecePlace = tuple[int, int]  # the index of a piece, and the offset into its text

Expectation = tuple[Atom | None, tuple[tuple[Atom, int], ...]]
"""A symbol that may come next, None for the end of the input, and the symbols after it."""

INPUT_END = "the end of the input"

MAX_SUGGESTED_CHARS = 40
"""How much of a wrong text is compared with what it may be a misspelling of."""

MAX_NAMED_CHARS = 24
"""Longer texts are abridged where an error names them."""


def explain(form: Form, frames: list[Frame], may_end: bool, at: int, index: int, start: str) -> ParseError:
    """Return the error for an input that a parser could not read to its end.

    Args:
        frames: the frames that the grammar allows where the parser stopped.
        may_end: whether the input may end there.
        at: that position, in units of the input.
        index: the index of the message there.
        start: the start rule.
    """
    pieces: list[SourcePiece] = []
    unreadable: ParseError | None = None
    most = 1 + max((len(frame.steps) for frame in frames), default=0)  # no path through a frame is longer
    try:
        for piece in form.pieces(at, form.sound_end, strict=True):
            pieces.append(piece)
            if len(pieces) > most:
                break
        else:
            unreadable = None if form.broken is None else form.damage(form.broken)
    except ParseError as error:
        unreadable = error
    place, expected = _find_furthest(form, frames, pieces)
    if unreadable is not None and place[0] >= len(pieces):
        unreadable.index = index
        return unreadable
    if place == (0, 0) and may_end:
        expected.append((None, ()))
    if place[0] < len(pieces):
        code, span, message, hint = _describe(form, pieces, place, expected)
    else:
        end = pieces[-1][3] if pieces else at
        code, span, hint = UNEXPECTED_END, Span(end, end), ""
        message = f"the {start} ends inside message {index}" if pieces else f"the {start} ends too early"
    shown = tuple(dict.fromkeys(atom.shown if atom else INPUT_END for atom, _ in expected))
    return form.error(code, message, span, hint, index, shown)


def _find_furthest(form: Form, frames: list[Frame], pieces: list[SourcePiece]) -> tuple[PiecePlace, list[Expectation]]:
    best: PiecePlace = (0, 0)
    expected: list[Expectation] = []
    todo: list[tuple[Frame, int, PiecePlace, Atom | None]] = [(frame, 0, (0, 0), None) for frame in reversed(frames)]
    seen = set()
    while todo:
        frame, state, place, before = todo.pop()
        if (frame.name, state, place) in seen:
            continue
        seen.add((frame.name, state, place))
        reached = [
            (after, atom, target)
            for atom, target in frame.steps[state]
            for after in _after(atom, pieces, place, [each.text for each, _ in frame.steps[target] if each.text])
        ]
        goes_on = bool(reached) or (before is not None and before.text is not None)
        lists = any(atom.values for atom, _ in frame.steps[state])
        if place > best and (goes_on or not _inside_word(form, pieces, place, lists)):
            best, expected = place, []
        if place == best:
            expected += [(atom, frame.steps[target]) for atom, target in frame.steps[state]]
            if state in frame.final:
                expected.append((None, ()))
        todo += [(frame, target, after, atom) for after, atom, target in reversed(reached)]
        todo += [(frame, target, place, atom) for atom, target in frame.steps[state] if atom.nullable]
    return best, expected


def _inside_word(form: Form, pieces: list[SourcePiece], place: PiecePlace, lists: bool) -> bool:
    """Whether a place is inside of a word, or of one that a field may hold: then the error is at the whole word.

    It is not called after a text that introduces a field: then the error is at its value. If the grammar lists values
    at the place (`lists`), a sign may begin one.
    """
    number, offset = place
    around = pieces[number][1][offset - 1 : offset + 1] if number < len(pieces) and offset else ""
    patterns = [r"\w\w", *(pattern for pattern, _ in form.format.patterns.values() if not lists)]
    return len(around) == 2 and any(re.fullmatch(pattern, around) for pattern in patterns)


def _after(atom: Atom, pieces: list[SourcePiece], place: PiecePlace, then: list[str]) -> Iterator[PiecePlace]:
    """The places after a symbol: several if the grammar lists its values, and one begins another one.

    Any other text goes on as far as it can, or up to the last place where one of the texts `then` begins, which a word
    may begin with: `;` is a part of the word in `final; type=json`, unless a field follows.
    """
    number, offset = place
    if number == len(pieces):
        return
    spelling, text, _, _ = pieces[number]
    if spelling is not None or atom.special is not None:
        if spelling == atom.special:
            yield number + 1, 0
        return
    match = None if atom.values else atom.matcher.match(text, offset)
    listed = (offset + len(value) for value in atom.values or () if text.startswith(value, offset))
    for end in [match.end(), *_earlier_ends(atom, text, offset, match.end(), then)] if match else listed:
        if end > offset:
            yield (number + 1, 0) if end == len(text) else (number, end)


def _earlier_ends(atom: Atom, text: str, start: int, end: int, then: list[str]) -> Iterator[int]:
    """The places inside of a match where it may end, since one of some texts begins there."""
    for lead in then:
        found = text.rfind(lead, start + 1, end + len(lead) - 1)
        if found > start and atom.matcher.fullmatch(text, start, found):
            yield found


def _describe(
    form: Form, pieces: list[SourcePiece], place: PiecePlace, expectations: list[Expectation]
) -> tuple[Code, Span, str, str]:
    """Return what is wrong at a place before the end: code, span, message and hint."""
    number, offset = place
    spelling, text, first, last = pieces[number]
    if spelling is not None:
        return UNEXPECTED_SPECIAL_TOKEN, Span(first, last), f"unexpected special token {spelling}", ""
    listed = [atom for atom, _ in expectations if atom and atom.special is None]
    found, problem = text[offset:], "unexpected text"
    if listed and all(atom.values for atom in listed):
        found = _value_in(found, expectations)
        problem = f"unknown {' or '.join(dict.fromkeys(atom.label for atom in listed))}"
    hint = _suggest(form, found, [value for atom in listed for value in atom.values])
    return UNEXPECTED_TEXT, form.locate(first, text, offset), f"{problem} {_abridge(found)}", hint


def _value_in(text: str, expectations: list[Expectation]) -> str:
    """Return the text in the place of a listed value, up to a text that may follow one."""
    following = [atom for _, after in expectations for atom, _ in after if atom.text is not None or atom.values]
    places = (match.start() for atom in following if (match := atom.matcher.search(text, 1)))
    return text[: min(places, default=len(text))]


def _suggest(form: Form, text: str, values: list[str]) -> str:
    """Return a hint for text that looks like a special token or like one of some values, or ""."""
    spelled = form.format.special_matcher.match(text)
    if spelled:
        return f"These are ordinary tokens that spell {spelled[0]}; encode it as the special token."
    if close := near_misses(text[:MAX_SUGGESTED_CHARS], values):
        return f"Is this a misspelt {close[0]}?"
    word = text[:MAX_SUGGESTED_CHARS].split(" ")[0]
    for length in range(4, len(word) + 1):
        if close := near_misses(word[:length], form.format.markers, cutoff=0.9):
            return f"Is this a misspelt {close[0]}?"
    return ""


def _abridge(text: str) -> str:
    return repr(text if len(text) <= MAX_NAMED_CHARS else f"{text[: MAX_NAMED_CHARS - 4]}…")
