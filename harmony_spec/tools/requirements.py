"""Checks of JSON values, each with its pointer, and what is reported instead of being refused."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NoReturn

from ..codes import INVALID_CHAT, UNSUPPORTED_VALUE
from ..diagnostics import Diagnostic
from ..errors import Code, ConversionError, Span, quoted
from ..tool_types.schema_references import pointer_to

Policy = Literal["refuse", "replace"]
"""What to do with a value that the format cannot hold."""

REPLACEABLE = 'Pass unsupported="replace" to replace or leave out such values.'
"""The hint for a value that the format cannot hold."""

MAX_STEPS = 4
"""Steps of the pointer to a value that is nested too deeply: up to its key in a call or tool."""

MAX_INTEGER_BITS = 14_000
"""The size of integers, a little less than Python writes as decimal digits (4,300)."""


def fail(
    path: Iterable[object],
    reason: str,
    *,
    code: Code = INVALID_CHAT,
    hint: str = "",
    expected: Iterable[str] = (),
) -> NoReturn:
    raise ConversionError(code, reason, pointer=pointer_to(path), hint=hint, expected=tuple(expected))


@contextmanager
def readable(**values: object) -> Iterator[None]:
    """Raise `ConversionError` with a place if one of these values is nested too deeply, or has too large an integer."""
    try:
        yield
    except (RecursionError, ValueError) as error:
        is_deep = isinstance(error, RecursionError)
        path: tuple[object, ...] = ()
        level: list[tuple[tuple[object, ...], object]] = [((), values)]
        for _ in range(sys.getrecursionlimit()):  # a value may contain itself
            path = level[0][0] if level else path
            for at, value in () if is_deep else level:
                if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
                    fail(at, "the integer has too many digits")
            level = [((*at, step)[:MAX_STEPS], inner) for at, value in level for step, inner in _inside(value)]
        if is_deep or level:
            fail(path, "the value is nested too deeply")
        raise


def _inside(value: object) -> Iterable[tuple[object, object]]:
    return value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()


def require_text(value: object, path: Iterable[object]) -> str:
    """Return a text that can be encoded; raise `ConversionError` for anything else."""
    if not isinstance(value, str):
        fail(path, f"expected a string, got {quoted(value)}")
    try:
        if not value.isascii():
            value.encode()
    except UnicodeEncodeError:
        fail(path, "the text has half of a surrogate pair, which cannot be encoded")
    return value


def require_object(value: object, path: Iterable[object]) -> dict[str, Any]:
    return value if isinstance(value, dict) else fail(path, f"expected an object, got {quoted(value)}")


def require_list(value: object, path: Iterable[object]) -> list[Any]:
    return value if isinstance(value, list) else fail(path, f"expected a list, got {quoted(value)}")


class Reporter:
    """Refuses or reports what the format cannot hold."""

    def __init__(self, policy: Policy) -> None:
        if policy not in ("refuse", "replace"):
            raise ValueError(f"unknown policy {policy!r}; policies: refuse, replace")
        self.policy, self.findings = policy, list[Diagnostic]()

    def replace(self, path: Iterable[object], what: str, raw: str, taken_for: str) -> None:
        """Report a replaced value; raise `ConversionError` if the policy is to refuse."""
        if self.policy == "refuse":
            fail(
                path,
                what,
                code=UNSUPPORTED_VALUE,
                hint=REPLACEABLE,
            )
        self.report(path, what, raw, taken_for)

    def report(
        self,
        path: Iterable[object],
        evidence: str,
        raw: str,
        taken_for: str = "",
        code: Code = UNSUPPORTED_VALUE,
    ) -> None:
        """Report a value that is kept although it is wrong, or left out or replaced under any policy."""
        path = list(path)
        index = next((step for step in path[1:2] if isinstance(step, int)), -1)
        place = pointer_to(path)
        self.findings.append(Diagnostic(code, Span(0, 0), "character", index, raw, taken_for, evidence, pointer=place))
