"""Numbers of many rows as one HTML page: findings by code, lengths, tokens by author."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ..errors import Code
from .html_page import render_page
from .shown_row import MESSAGE_SECTION, ShownRow

PERCENTILES = (0, 1, 5, 25, 50, 75, 95, 99, 100)

MAX_LINES = 100
"""Lines of a table; malformed rows may have a channel each. The others are one line."""

BAR_WIDTH = 400
"""The length of the longest bar, in pixels."""


@dataclass
class Statistics:
    """Statistics of rows, whose pieces must have their tokens.

    Attributes:
        by: the fields that tokens are counted by, such as role and channel.
        rows: how many rows.
        lengths: the tokens of each row that could be read.
        codes: findings by code.
        tokens: tokens of messages by the values of the fields.
    """

    by: tuple[str, ...]
    rows: int = 0
    lengths: list[int] = field(default_factory=list)
    codes: Counter[Code] = field(default_factory=Counter)
    tokens: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def add(self, row: ShownRow) -> None:
        """Count a row."""
        self.rows += 1
        self.codes.update(finding.code for finding in row.all_findings)
        if row.is_unread:
            return
        length = 0
        for section in row.sections:
            tokens = sum(len(piece.tokens) for piece in section.pieces)
            length += tokens
            if section.kind == MESSAGE_SECTION:
                self.tokens[tuple(str(section.fields.get(name, "")) for name in self.by)] += tokens
        self.lengths.append(length)

    @property
    def percentiles(self) -> list[tuple[int, int]]:
        """Percentiles of the lengths, each the length of a row (nearest rank)."""
        ordered = sorted(self.lengths)
        return [(each, ordered[max(-(-each * len(ordered) // 100), 1) - 1]) for each in PERCENTILES if ordered]

    def page(self, names: str) -> bytes:
        """Return a page; `names` are those of the files."""
        tables = [
            ("Findings by code", ("Code",), [((f"{c.code} {c.name}",), n) for c, n in self.codes.most_common()]),
            ("Tokens of a row", ("Percentile",), [((str(each),), n) for each, n in self.percentiles]),
            ("Tokens of messages", self.by, _limited(self.tokens.most_common())),
        ]
        return render_page("statistics.html.j2", names=names, rows=self.rows, tables=tables, bar_width=BAR_WIDTH)


def _limited(lines: list[tuple[tuple[str, ...], int]]) -> list[tuple[tuple[str, ...], int]]:
    """The first lines, and one for the others."""
    kept, others = lines[:MAX_LINES], lines[MAX_LINES:]
    for names, _ in others[:1]:
        kept.append(((f"{len(others):,} others", *[""] * (len(names) - 1)), sum(number for _, number in others)))
    return kept
