"""The numbers of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..errors import Applicability, Code
from ..recovery.recovered import Recovered
from ..source.saved_text import Source
from ..source.token_places import tokens_of
from ..view.terminal_text import printable
from ..vocabulary import tokenizer_for
from .findings import Checked


@dataclass
class Totals:
    """Numbers of a run: of files, inputs, messages and findings.

    Attributes:
        inputs: rows, and files that are one input.
        clean: inputs without findings.
        fixes: findings whose fix `--fix` would apply ("safe"), and those whose fix needs another option.
        in_baseline: findings that are not reported since they are in the baseline.
        skipped: files without special tokens or rows.
        unreadable, unwritten: files that cannot be read or written.
        codes: findings by code.
        tokens: tokens by channel, if requested; None is the key of messages without channel.
    """

    inputs: int = 0
    clean: int = 0
    messages: int = 0
    fixed: int = 0
    fixes: Counter[Applicability] = field(default_factory=Counter)
    in_baseline: int = 0
    skipped: int = 0
    unreadable: int = 0
    unwritten: int = 0
    codes: Counter[Code] = field(default_factory=Counter)
    tokens: Counter[str | None] = field(default_factory=Counter)

    def add(self, checked: Checked) -> None:
        if checked.skipped:
            self.skipped += 1
            return
        self.inputs += 1
        self.clean += not checked.findings
        self.messages += checked.messages
        self.fixed += len(checked.repaired)
        for finding in checked.findings:
            fix = finding.diagnostic.fix
            if fix is not None and (finding.is_fixable or fix.applicability != "safe"):
                self.fixes["safe" if finding.is_fixable else fix.applicability] += 1
        if checked.findings:
            self.codes.update(finding.code for finding in checked.findings)
        if checked.tokens:
            self.tokens.update(checked.tokens)

    @property
    def failed(self) -> int:
        """Files that could not be read or written."""
        return self.unreadable + self.unwritten

    @property
    def findings(self) -> int:
        """Reported findings."""
        return self.codes.total()

    def as_json(self) -> dict[str, Any]:
        """The statistics as JSON."""
        codes = sorted(self.codes.items(), key=lambda item: item[0].code)
        channels = sorted(self.tokens.items(), key=lambda item: (item[0] is None, item[0] or ""))
        return {
            "inputs": self.inputs,
            "valid": self.clean,
            "messages": self.messages,
            "findings": [
                {"code": code.code, "name": code.name, "severity": code.severity, "count": number}
                for code, number in codes
            ],
            "in_baseline": self.in_baseline,
            "fixed": self.fixed,
            "tokens": [{"channel": channel, "count": number} for channel, number in channels],
        }

    def tables(self) -> Iterator[Table | str]:
        """The statistics: findings by code, tokens by channel, the share of clean inputs."""
        for title, rows in self.as_json().items():
            if isinstance(rows, list) and rows:
                table = Table(box=SIMPLE_HEAD)
                for name in rows[0]:
                    is_count = name == "count"
                    table.add_column(title if is_count else name, justify="right" if is_count else "left", no_wrap=True)
                for row in rows:
                    *cells, count = row.values()
                    table.add_row(*("(none)" if cell is None else printable(cell) for cell in cells), f"{count:,}")
                yield table
        share = f"{self.clean / self.inputs:.1%}" if self.inputs else "none"
        yield f"clean: {self.clean:,} of {self.inputs:,} ({share})"


def tokens_by_channel(source: Source, recovered: Recovered[Any], codec: ModuleType) -> dict[str | None, int]:
    """The tokens of the messages of a source by channel, headers included; None is for no channel."""
    found = Counter[str | None]()
    format = codec.FORMAT
    field, encode = format.recovery.slots.channel, tokenizer_for(format.encoding).encode
    for message, span in zip(recovered.messages, recovered.spans, strict=False):  # a prompt has one span more
        channel = getattr(message, field) if field else None
        found[channel] += len(tokens_of(format, source[span.start : span.end], encode))
    return found
