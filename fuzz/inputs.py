"""Bytes to an input of the parsers: two bytes of options, one of chunks, the rest is what a model wrote.

Options are printable, so that seeds are readable, and any bytes are some input. In token form the rest is encoded as
text, its special tokens are special ids, bytes that are no UTF-8 are the tokens of those bytes, and three bytes that
UTF-8 does not have escape ids that text does not give.
"""

from __future__ import annotations

import codecs
import random
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from harmony_spec import codec
from harmony_spec.vocabulary import Vocabulary, load

STARTS: tuple[codec.Start, ...] = ("completion", "transcript", "prompt", "completion")

TOOLS: tuple[tuple[str, ...] | None, ...] = (
    None,
    ("functions.get_weather", "functions.bash", "functions.a.b", "browser.search", "browser.open", "python"),
    ("functions.bash",),
    (),
)

GIVEN: tuple[dict[str, Any], ...] = (
    {"role": "assistant", "name": None},
    {"role": "assistant", "name": "alice"},
    {"role": "tool", "name": "functions.bash"},
    {"role": "user", "name": None},
)

PRINTABLE = 0x40
ODD_ID, NEAR_ID, FAR_ID = b"\xff", b"\xfe", b"\xfd"
"""Followed by one byte, an index of an odd id; by three or eight bytes, an id of any sign."""

ESCAPED = re.compile(b"\xff(.)|\xfe(.{3})|\xfd(.{8})", re.DOTALL)
VALID = re.compile(r"([\udc80-\udcff]+)")


@dataclass(frozen=True)
class Case:
    """One input and how it is read; `chunks` are the sizes in which a stream brings it, again and again."""

    start: codec.Start
    given: dict[str, Any]
    tools: tuple[str, ...] | None
    stripped: bool
    source: str | list[int]
    chunks: tuple[int, ...]

    def python(self) -> str:
        """The arguments of `recover`, to be pasted."""
        given = "".join(f", {name}={value!r}" for name, value in self.given.items() if self.given != GIVEN[0])
        return f"{self.source!r}, {self.start!r}{given}, tools={self.tools!r}, stripped={self.stripped}"


def case_of(data: bytes) -> Case:
    """What the bytes of a fuzzer stand for."""
    options, more, chunks = (*data[:3], 0, 0, 0)[:3]
    tokens, stripped = bool(options & 16), bool(options & 32)
    payload = data[3:]
    return Case(
        start=STARTS[options & 3],
        given=GIVEN[more & 3],
        tools=TOOLS[options >> 2 & 3],
        stripped=stripped,
        source=tokens_of(payload, single=bool(more & 4)) if tokens else text_of(payload),
        chunks=chunks_of(chunks - PRINTABLE),
    )


def bytes_of(
    payload: bytes, start: str, tools: int, tokens: bool, stripped: bool, given: int = 0, single: bool = False
) -> bytes:
    """The bytes that stand for an input; the other way round of `case_of`."""
    options = PRINTABLE | STARTS.index(start) | tools << 2 | tokens << 4 | stripped << 5
    return bytes([options, PRINTABLE | given | single << 2, PRINTABLE + len(payload) % 8]) + payload


def chunks_of(number: int) -> tuple[int, ...]:
    """Sizes of chunks: all at once, one by one, in pairs, or as a seed has it."""
    fixed = {0: (1,), 1: (2,), 2: (1 << 30,)}
    if number in fixed:
        return fixed[number]
    chance = random.Random(number)
    return tuple(chance.choice((1, 1, 2, 3, 5, 8, 40, 300)) for _ in range(7))


def _halves(error: UnicodeError) -> tuple[str | bytes, int]:
    """Keep what is no UTF-8: surrogates as they are, other bytes as `surrogateescape` does."""
    try:
        return codecs.lookup_error("surrogatepass")(error)
    except UnicodeError:
        return codecs.lookup_error("surrogateescape")(error)


codecs.register_error("halves", _halves)


def text_of(payload: bytes) -> str:
    """Any text, also with half characters."""
    return payload.decode("utf-8", "halves")


def tokens_of(payload: bytes, single: bool) -> list[int]:
    """Any token ids. With `single`, each byte of the text is a token."""
    tokens: list[int] = []
    at = 0
    for match in ESCAPED.finditer(payload):
        tokens += _encode(payload[at : match.start()], single)
        odd, near, far = match.groups()
        if odd is not None:
            tokens.append(odd_ids()[odd[0] % len(odd_ids())])
        else:
            tokens.append(int.from_bytes(near or far, "big", signed=True))
        at = match.end()
    return tokens + _encode(payload[at:], single)


def _encode(payload: bytes, single: bool) -> list[int]:
    tokens: list[int] = []
    for part in re.split(f"({codec.FORMAT.special_text})", payload.decode("utf-8", "surrogateescape")):
        if part in codec.SPECIAL_TOKENS:
            tokens.append(codec.SPECIAL_TOKENS[part])
            continue
        for text in VALID.split(part):
            if single or VALID.fullmatch(text):
                tokens += [single_bytes()[byte] for byte in text.encode("utf-8", "surrogateescape")]
            else:
                tokens += vocabulary().encode(text)
    return tokens


@cache
def vocabulary() -> Vocabulary:
    """The shipped vocabulary."""
    return load(codec.FORMAT.encoding)


@cache
def single_bytes() -> dict[int, int]:
    """The token of each byte."""
    decode = vocabulary().decode_bytes
    found = {data[0]: token for token in range(1024) if len(data := decode([token])) == 1}
    assert len(found) == 256
    return found


@cache
def odd_ids() -> tuple[int, ...]:
    """Ids that a model seldom writes, or cannot: special ones, parts of characters, and those of no token."""
    special = sorted(codec.SPECIAL_TOKENS.values())
    named = [codec.SPECIAL_TOKENS[spelling] for spelling in codec.FORMAT.markers]
    size, base = codec.FORMAT.encoding.size, codec.FORMAT.encoding.base_size
    partial = [token for token in range(256, 4096) if _splits(token)][:40]
    none = [
        -1,
        -(1 << 31),
        base,
        size,
        size + 1,
        0x10FFFE,
        0x10FFFF,
        0x110000,
        1 << 31,
        (1 << 32) - 1,
        1 << 32,
        1 << 63,
    ]
    ordinary = [0, base - 1, 0xD800, 0xDFFF]  # the last two are surrogates, taken as code points
    return (*named, *named, special[0], special[-1], *none, *ordinary, *partial)


def _splits(token: int) -> bool:
    try:
        vocabulary().decode_bytes([token]).decode()
    except UnicodeDecodeError:
        return True
    return False
