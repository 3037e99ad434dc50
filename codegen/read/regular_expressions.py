"""The regular expressions of a grammar's terminals, read into a tree.

The generator needs to know what a pattern matches: to keep special tokens out of it, to prove that a header can be
read in one way only, and to write it into the codec without trusting it. So patterns are a subset of Python's:
literals, classes, groups, alternatives and greedy repetition. A tree means a set of strings, in no order.
"""

from __future__ import annotations

import math
import re
from functools import cache
from itertools import product

from .grammar_nodes import Ahead, AnyOf, Chars, Concat, GrammarNode, Repeat, Text, concatenated, walk

SURROGATE_CLASS = r"\ud800-\udfff"
SURROGATE_TEXT = "".join(map(chr, range(0xD800, 0xE000)))
LAST_CODE_POINT = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]


class PatternError(Exception):
    """A regular expression outside the subset; `offset` counts characters from the opening slash."""

    def __init__(self, reason: str, offset: int, remedy: str) -> None:
        super().__init__(reason)
        self.reason, self.offset, self.remedy = reason, offset, remedy


def widths(node: GrammarNode) -> tuple[float, float]:
    """The lengths of the longest and of the shortest text of a pattern."""
    match node:
        case Text(text):
            return len(text), len(text)
        case Chars():
            return 1, 1
        case Concat(items):
            each = [widths(item) for item in items]
            return sum(longest for longest, _ in each), sum(shortest for _, shortest in each)
        case AnyOf(options):
            each = [widths(option) for option in options]
            return max(longest for longest, _ in each), min(shortest for _, shortest in each)
        case Repeat(item, low, high):
            longest, shortest = widths(item)
            return longest * high if high is not None else math.inf if longest else 0, shortest * low
    return 0, 0


ANY_CHARACTER = Chars("", negated=True)

REPETITIONS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
"""The bounds of each sign after a part, in Lark, too."""


def is_free(node: GrammarNode) -> bool:
    """Whether the pattern matches every text that is not empty, apart from lookaheads."""
    match node:
        case Repeat(Concat((Ahead(), item)), 1, None) | Repeat(item, 1, None):
            return item == ANY_CHARACTER
    return False


def aheads(node: GrammarNode) -> list[GrammarNode]:
    """The patterns of the lookaheads in a pattern, but not those in other lookaheads."""
    return [found.item for found in walk(node) if isinstance(found, Ahead)]


def escape(text: str) -> str:
    """`re.escape`, but spaces and `#` stay readable."""
    return _visible(re.escape(text)).replace(r"\ ", " ").replace(r"\#", "#")


def _visible(escaped: str) -> str:
    """Escaped line breaks as letters, so that a pattern stays on its line."""
    return escaped.replace("\\\n", r"\n")


def any_of(words: list[str]) -> str:
    """A regular expression for a list of words in which each character is tried once."""
    heads: dict[str, list[str]] = {}
    for word in words:
        heads.setdefault(word[:1], []).append(word[1:])
    if list(heads) == [""]:
        return ""
    optional = heads.pop("", None)
    branches: dict[str, list[str]] = {}
    for head, rests in heads.items():
        branches.setdefault(any_of(rests), []).append(head)
    options = [
        (escape(chars[0]) if len(chars) == 1 else f"[{''.join(map(escape, chars))}]") + rest
        for rest, chars in branches.items()
    ]
    whole = options[0] if len(options) == 1 else f"(?:{'|'.join(options)})"
    return f"(?:{whole})?" if optional else whole


def expression(node: GrammarNode, lookaheads: bool = True) -> str:
    """The pattern as a Python regular expression that matches no surrogate: those stand for special tokens.

    Without lookaheads, it is the pattern for the same strings, whatever follows them.
    """
    match node:
        case Text(text):
            return escape(text)
        case Chars(body, True):
            return f"[^{body}{SURROGATE_CLASS}]"
        case Chars(body):
            return f"(?:(?![{SURROGATE_CLASS}])[{body}])" if re.search(f"[{body}]", SURROGATE_TEXT) else f"[{body}]"
        case Concat(items):
            return "".join(expression(item, lookaheads) for item in items)
        case AnyOf(options):
            return f"(?:{'|'.join(expression(option, lookaheads) for option in options)})"
        case Ahead(item):
            return f"(?!{expression(item)})" if lookaheads else ""
        case Repeat(item, low, high):
            single = isinstance(item, Chars) or (isinstance(item, Text) and len(item.text) == 1)
            inner = expression(item, lookaheads) if single else f"(?:{expression(item, lookaheads)})"
            sign = next((sign for sign, bounds in REPETITIONS.items() if bounds == (low, high)), None)
            return inner + (sign or f"{{{low},{'' if high is None else high}}}")
    raise AssertionError(f"no pattern has {node}")


MAX_REPETITIONS = 1000
"""The most that a pattern may set: each is a part of the expression of a header."""

MAX_LISTED_STRINGS = 20_000
"""A range of characters to the power of 100 would not end. Harmony's longest list, its special tokens, has 1,090."""


def strings(node: GrammarNode) -> list[str]:
    """All strings of a pattern; raises `ValueError` if there are more than `MAX_LISTED_STRINGS`."""
    match node:
        case Text(text):
            return [text]
        case Chars():
            found = [
                chr(c)
                for low, high in ranges(node)[: MAX_LISTED_STRINGS + 1]
                for c in range(low, min(high, low + MAX_LISTED_STRINGS) + 1)
            ]
        case Concat(items):
            parts = [strings(item) for item in items]
            found = ["".join(row) for _, row in zip(range(MAX_LISTED_STRINGS + 1), product(*parts), strict=False)]
        case AnyOf(options):
            found = [text for option in options for text in strings(option)]
        case Repeat(item, low, high) if high is not None and high <= 100:
            found = [t for n in range(low, high + 1) for t in strings(Concat((item,) * n))]
        case _:
            raise ValueError("not a finite set of strings")
    if len(found) > MAX_LISTED_STRINGS:
        raise ValueError(f"more than {MAX_LISTED_STRINGS} strings")
    return found


@cache
def _all_characters() -> str:
    rows = [bytes([number]) * 256 for number in range(256)]
    data = bytearray(4 * (LAST_CODE_POINT + 1))  # in UTF-32, byte by byte, which takes a fifth of the time of `chr`
    data[0::4] = bytes(range(256)) * (len(data) // 1024)
    data[1::4] = b"".join(rows) * (len(data) // 2**18)
    data[2::4] = b"".join(row * 256 for row in rows[: len(data) // 2**18])
    return data.decode("utf-32-le", "surrogatepass")


@cache
def ranges(chars: Chars) -> Ranges:
    """The code points of a class, as sorted ranges without surrogates."""
    if chars == ANY_CHARACTER:
        return ((0, 0xD7FF), (0xE000, LAST_CODE_POINT))
    if not chars.body.isascii():
        return _scanned(chars, 0, LAST_CODE_POINT)
    classes = "".join(escaped for escaped in re.findall(r"\\.", chars.body, re.DOTALL) if escaped[1] in "dswDSW")
    ascii, beyond = _scanned(chars, 0, 0x7F), _scanned(Chars(classes, chars.negated), 0x80, LAST_CODE_POINT)
    if ascii and beyond and ascii[-1][1] + 1 == beyond[0][0]:
        return (*ascii[:-1], (ascii[-1][0], beyond[0][1]), *beyond[1:])
    return ascii + beyond


@cache
def _scanned(chars: Chars, first: int, last: int) -> Ranges:
    """The ranges of a class among some code points. No other class costs as much, so those with others are shared."""
    if not chars.body:
        return ((first, 0xD7FF), (0xE000, last)) if chars.negated else ()
    found = re.finditer(f"(?:{expression(chars)})+", _all_characters()[first : last + 1])
    return tuple((first + match.start(), first + match.end() - 1) for match in found)


def parse(source: str, flags: str = "") -> GrammarNode:
    """Read a regular expression; raises `PatternError` if it leaves the subset."""
    if match := re.search("[\ud800-\udfff]", source):
        raise PatternError("half of a character (a surrogate)", match.start(), "Write whole characters.")
    reader = _PatternReader(source, verbose="x" in flags, dotall="s" in flags)
    for flag in flags:
        if flag not in "xsu":
            remedy = "Flags are `x` and `s`. For both cases of a letter, write a class, as in `[aA]`."
            raise PatternError(f"the flag `{flag}` is not supported", len(source), remedy)
    node = reader.union()
    if reader.at < len(source):
        raise PatternError("unbalanced `)`", reader.at, r"For the character, write `\)`.")
    return node


class _PatternReader:
    def __init__(self, source: str, verbose: bool, dotall: bool) -> None:
        self.source, self.verbose, self.dotall, self.at = source, verbose, dotall, 0

    def peek(self) -> str:
        while self.verbose and self.source[self.at : self.at + 1] and self.source[self.at] in "# \t\n\r\f\v":
            if self.source[self.at] == "#":
                self.at = (self.source + "\n").index("\n", self.at) - 1
            self.at += 1
        return self.source[self.at : self.at + 1]

    def take(self, expected: str) -> bool:
        self.peek()
        found = self.source.startswith(expected, self.at)
        self.at += len(expected) * found
        return found

    def union(self) -> GrammarNode:
        options = [self.concat()]
        while self.take("|"):
            options.append(self.concat())
        return options[0] if len(options) == 1 else AnyOf(tuple(options))

    def concat(self) -> GrammarNode:
        items: list[GrammarNode] = []
        while (char := self.peek()) and char not in "|)":
            items.append(self.repeat(self.atom()))
        return concatenated(items)

    def repeat(self, item: GrammarNode) -> GrammarNode:
        start = self.at
        self.peek()
        if bounds := re.compile(r"\{(\d+)(,?)(\d*)\}").match(self.source, self.at):
            self.at = bounds.end()
            low = int(bounds[1])
            high = low if not bounds[2] else int(bounds[3]) if bounds[3] else None
        elif (sign := self.peek()) in REPETITIONS:
            self.at += 1
            low, high = REPETITIONS[sign]
        else:
            return item
        if self.peek() in (*REPETITIONS, "{"):
            reason = "lazy, possessive and doubled repetitions are not supported"
            remedy = "Repeat a class without what ends the text, as in `[^:]*:`, or put the inner one in `(?:…)`."
            raise PatternError(reason, self.at, remedy)
        if high is not None and (high < low or high > MAX_REPETITIONS):
            reason = f"a repetition needs bounds in order, at most {MAX_REPETITIONS}"
            raise PatternError(reason, start, "Leave the greater one out for any number, as in `{2,}`.")
        return Repeat(item, low, high)

    def atom(self) -> GrammarNode:
        start, char = self.at, self.peek()
        if char == "(":
            return self.group()
        if char == "[":
            return self.characters()
        self.at += 1
        if char == ".":
            return ANY_CHARACTER if self.dotall else Chars(r"\n", negated=True)
        if char == "\\":
            return self.escape()
        if char in "^$*+?{":
            remedy = f"For the character, write `\\{char}`. A pattern matches all of its text, without `^` and `$`."
            raise PatternError(f"`{char}` is not supported here", start, remedy)
        return Text(char)

    def group(self) -> GrammarNode:
        start, dotall = self.at, self.dotall
        opening = next(each for each in ("(?!", "(?s:", "(?:", "(") if self.take(each))
        if opening == "(" and self.source.startswith("?", self.at):
            reason = "of the groups with `?`, only `(?:…)`, `(?s:…)` and `(?!…)` are supported"
            raise PatternError(reason, start, "Write one of these, or list what may come, as in `(?:a|b)`.")
        self.dotall |= opening == "(?s:"
        node = self.union()
        self.dotall = dotall
        if not self.take(")"):
            raise PatternError("a group is not closed", start, r"Close it. For the character, write `\(`.")
        return Ahead(node) if opening == "(?!" else node

    def escape(self) -> GrammarNode:
        char = self.source[self.at : self.at + 1]
        if char in set("dDsSwW"):
            self.at += 1
            return Chars(char.lower().join(("\\", "")), negated=char.isupper())
        return Text(self.escaped_character())

    def escaped_character(self) -> str:
        """The character after a backslash."""
        start, char = self.at - 1, self.source[self.at : self.at + 1]
        self.at += 1
        length = {"x": 2, "u": 4, "U": 8}.get(char)
        if length:
            digits = self.source[self.at : self.at + length]
            self.at += length
            if re.fullmatch(r"[0-9A-Fa-f]+", digits) and len(digits) == length and int(digits, 16) <= LAST_CODE_POINT:
                found = chr(int(digits, 16))
                if found.isascii() or found.encode(errors="ignore"):
                    return found
        elif char in "nrtfv" and char:
            return {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}[char]
        elif char and not char.isalnum():
            return char
        remedy = (
            r"Escapes are `\s`, `\d`, `\w`, `\n`, `\r`, `\t`, `\f`, `\v`, numbers as in `\u00e9`, and signs as in `\.`."
        )
        raise PatternError(f"the escape `\\{char}` is not supported", start, remedy)

    def characters(self) -> GrammarNode:
        start = self.at
        self.at += 1
        negated = self.source.startswith("^", self.at)
        self.at += negated
        body = ""
        while not self.source.startswith("]", self.at) or not body:
            if self.at >= len(self.source):
                raise PatternError("a class is not closed", start, r"Close it. For the character, write `\[`.")
            if named := re.compile(r"\[:\^?\w+:\]").match(self.source, self.at):
                remedy = "Write its characters, as in `[A-Za-z]`."
                raise PatternError(f"the class `{named[0]}` is not supported", self.at, remedy)
            char = self.source[self.at]
            if char == "\\" and self.source[self.at + 1 : self.at + 2] in set("dDsSwW"):
                body += self.source[self.at : self.at + 2]
                self.at += 2
            elif char == "-" and body and not self.source.startswith("]", self.at + 1):
                body += "-"
                self.at += 1
            else:
                self.at += 1
                body += _visible(re.escape(self.escaped_character() if char == "\\" else char))
        self.at += 1
        try:
            re.compile(f"[{body}]")
        except re.error as error:
            remedy = r"Write the bounds of a range in order, and `-` last or as `\-`."
            raise PatternError(f"not a class: {error.msg}", start, remedy) from None
        return Chars(body, negated)
