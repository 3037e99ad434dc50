"""Constraints: exporting a grammar for many tools beside compiling it in llguidance."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from llguidance import LLMatcher

from benchmarks.measure import clock, in_turn
from benchmarks.targets import BenchmarkRow, no_slower
from benchmarks.tools import tools
from harmony_spec import Namespace, codec
from harmony_spec.constraints import constrain, llguidance_tokenizer
from harmony_spec.constraints.enforceable import enforceable

TOOL_COUNTS = (1, 10, 50, 200)
"""Tools, each with a schema of its own."""


def with_constraints(runs: int) -> Iterator[BenchmarkRow]:
    """The first export of each schema, in processor time: no run remembers the schemas of an earlier one."""
    tokenizer = llguidance_tokenizer(codec.FORMAT.encoding)

    def export(namespace: Namespace) -> str:
        enforceable.cache_clear()
        return constrain(tools=[namespace]).lark()

    for count in TOOL_COUNTS:
        namespace = Namespace("functions", tools=tools(count))
        grammar = LLMatcher.grammar_from_lark(export(namespace))
        assert not LLMatcher(tokenizer, grammar).is_error()
        compiled = clock(partial(LLMatcher, tokenizer, grammar), time.process_time)
        ours, theirs = in_turn(runs, clock(partial(export, namespace), time.process_time), compiled)
        yield no_slower(f"export for {count} tools", "llguidance compiling", ours, theirs, 0.5)
