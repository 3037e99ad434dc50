"""What is measured, beside what, and the targets."""

from __future__ import annotations

from dataclasses import asdict, dataclass

PEER = "openai-harmony"


@dataclass(frozen=True)
class Target:
    """A bound for a ratio, or, of memory, for the figure itself."""

    bound: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"

    def reached_by(self, figure: float) -> bool:
        return figure >= self.bound if self.at_least else figure <= self.bound


@dataclass(frozen=True)
class BenchmarkRow:
    """A figure of ours, beside one of another, where there is another.

    Where the target is to be faster by a factor, the ratio is how many times ours goes into the other's; else it is the
    other way around.
    """

    measured: str
    against: str
    unit: str
    ours: float
    theirs: float | None
    target: Target

    @property
    def ratio(self) -> float | None:
        if self.theirs is None:
            return None
        return self.theirs / self.ours if self.target.at_least else self.ours / self.theirs

    @property
    def reached(self) -> bool:
        return self.target.reached_by(self.ours if self.ratio is None else self.ratio)

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "ratio": self.ratio, "reached": self.reached}


def faster(measured: str, ours: float, theirs: float, times: float) -> BenchmarkRow:
    return BenchmarkRow(measured, PEER, "ms", ours * 1e3, theirs * 1e3, Target(times, at_least=True))


def no_slower(measured: str, against: str, ours: float, theirs: float, times: float) -> BenchmarkRow:
    return BenchmarkRow(measured, against, "ms", ours * 1e3, theirs * 1e3, Target(times))
