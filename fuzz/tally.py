"""What a run of the fuzzer measures: executions, findings with their shortest input, the slowest input."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb

SAVED_EVERY = 1.0
"""Seconds between two writings of the report: libFuzzer ends the process without a word."""


class Findings:
    """Runs a check on inputs, and keeps what it raises, one finding per kind of error and place.

    Args:
        folder: where the report and the shortest input of each finding are written.
        check: raises where an input shows a bug.
    """

    def __init__(self, folder: Path, check: Callable[[bytes], None]) -> None:
        self.folder, self.check = folder, check
        self.executions = self.raised = 0
        self.shortest: dict[str, int] = {}
        self.slowest, self.slowest_length = 0.0, 0
        self.begun = self.saved = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, data: bytes) -> None:
        """One input."""
        before = time.perf_counter()
        try:
            self.check(data)
        except Exception as error:
            self._raised(data, error)
        seconds = time.perf_counter() - before
        self.executions += 1
        if seconds > self.slowest:
            self.slowest, self.slowest_length = seconds, len(data)
            (self.folder / "slowest.bin").write_bytes(data)
        if time.monotonic() - self.saved > SAVED_EVERY:
            self.save()

    def _raised(self, data: bytes, error: Exception) -> None:
        self.raised += 1
        place = extract_tb(error.__traceback__)[-1]
        law = error.args[0] if isinstance(error, AssertionError) and error.args else ""
        said = f"{type(error).__name__} {law}".strip()
        where = "" if law else f" in {Path(place.filename).name}, {place.name}"
        kind = said + where
        if kind in self.shortest and len(data) >= self.shortest[kind]:
            return
        new = kind not in self.shortest
        self.shortest[kind] = len(data)
        stem = hashlib.sha256(kind.encode()).hexdigest()[:12]
        (self.folder / f"{stem}.bin").write_bytes(data)
        (self.folder / f"{stem}.txt").write_text(f"{kind}\n{error!r}\n")
        if new:
            print(f"finding {stem}: {kind}", flush=True)
        self.save()

    def report(self) -> dict[str, object]:
        """The figures so far."""
        seconds = time.monotonic() - self.begun
        return {
            "seconds": round(seconds, 1),
            "executions": self.executions,
            "executions_per_second": round(self.executions / max(seconds, 1e-9), 1),
            "raised": self.raised,
            "findings": sorted(self.shortest),
            "slowest_seconds": round(self.slowest, 4),
            "slowest_bytes": self.slowest_length,
        }

    def save(self) -> None:
        """Write the figures so far."""
        self.saved = time.monotonic()
        (self.folder / "report.json").write_text(json.dumps(self.report(), indent=2) + "\n")
