"""What a constraint leaves to chance: keywords of schemas, stop tokens, and tools that cannot be called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .enforceable import enforceable
from .offers import Offer
from .schema_keywords import SchemaTarget

TargetName = Literal["lark", "portable-lark", "xgrammar-ebnf", "structural-tag", "gbnf"]

PORTABLE: TargetName = "portable-lark"

READERS: dict[TargetName, SchemaTarget] = {
    "lark": "lark",
    "portable-lark": "structural-tag",
    "xgrammar-ebnf": "grammar",
    "structural-tag": "structural-tag",
    "gbnf": "grammar",
}
"""For each target, what reads its schemas."""


RESPELLED = "admits numbers only as the engine spells them, such as 2 for 2.0"


class Unenforced(NamedTuple):
    """A keyword of a schema that a target does not enforce, or enforces too strictly.

    Attributes:
        target: the target.
        name: the tool, or the form of an answer.
        pointer: the place of the keyword in the schema, as a JSON pointer.
        problem: what the target does with it.
    """

    target: TargetName
    name: str
    pointer: str
    problem: str = "is not enforced"

    def __str__(self) -> str:
        return f"{self.target}: {self.name}: {self.pointer or 'its schema'} {self.problem}"


@dataclass(frozen=True)
class ConstraintReport:
    """What the targets cannot enforce.

    Attributes:
        unenforced: keywords of schemas, by target.
        inexact_stops: for engines that add stop tokens themselves, the wrong ones that they may add.
        left_out: tools and forms of answers that cannot be written, with the reason.
        lax: tools whose definitions say that their schema does not bind. Their arguments are any object.
        has_json: whether messages may hold JSON.
        gbnf_stops: the same as `inexact_stops` for llama.cpp, which always adds its stop tokens.
    """

    unenforced: tuple[Unenforced, ...]
    inexact_stops: tuple[str, ...]
    left_out: Mapping[str, str]
    lax: tuple[str, ...]
    has_json: bool
    gbnf_stops: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lines())

    def lines(self, target: str | None = None) -> list[str]:
        """The report in words, for one target or for all."""
        found = [str(each) for each in self.unenforced if target in (None, each.target)]
        found += self.stop_lines(target)
        if self.has_json and target in (None, PORTABLE):
            found.append(f"{PORTABLE}: xgrammar admits special tokens inside of strings in JSON")
        found += left_out_lines(self)
        return found + [f"{name}: its schema does not bind, because it is not strict" for name in self.lax]

    def stop_lines(self, target: str | None = None) -> list[str]:
        """What concerns the stop tokens of the engine."""
        of_gbnf = self.gbnf_stops if target in (None, "gbnf") else ()
        return [*self.inexact_stops, *(f"gbnf: {line}" for line in of_gbnf if line not in self.inexact_stops)]


def left_out_lines(found: Offer | ConstraintReport) -> list[str]:
    return [f"{name} is left out: {reason}" for name, reason in found.left_out.items()]


def make_report(offer: Offer, inexact_stops: Iterable[str], gbnf_stops: Iterable[str]) -> ConstraintReport:
    has_json = any(call.schema is not None or call.name is None for call in offer.calls) or offer.may_answer
    return ConstraintReport(
        tuple(_unenforced(offer)), tuple(inexact_stops), offer.left_out, offer.lax, has_json, tuple(gbnf_stops)
    )


def _unenforced(offer: Offer) -> Iterator[Unenforced]:
    schemas = [(str(call.name), call.schema) for call in offer.calls if call.schema is not None]
    for target, reader in READERS.items():
        for name, schema in (*schemas, *offer.answers.items()):
            found = enforceable(schema, reader)
            for pointer in found.unenforced:
                yield Unenforced(target, name, pointer)
            for pointer in found.respelled:
                yield Unenforced(target, name, pointer, RESPELLED)
        for name in offer.unformatted:
            yield Unenforced(target, name, "/format")
