"""Malformed outputs on disk, one file for each family of mistakes: the messages they are read as, and what is said.

A case has a text, the start rule ("transcript" where it says none), the tools that are offered, and what is expected:
the fields of each message that are set, the names of the diagnostics in any order, the gaps, the open header, and how
many messages stand before the stop of a completion (all, where it does not say).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from harmony_spec import Message, Recovered, codec, recover

from .recovery_strategies import tokens_of

DATA = Path(__file__).parent / "data" / "malformed"
FILES = sorted(DATA.glob("*.toml"))
CASES = [(path, case) for path in FILES for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]]
KEYS = {"what", "start", "tools", "stripped", "source", "diagnostics", "messages", "gaps", "opening", "before_stop"}

cases = pytest.mark.parametrize(
    "case", [case for _, case in CASES], ids=[f"{path.stem}-{case['what'][:40]}" for path, case in CASES]
)


def read(case: dict[str, Any], source: str | list[int]) -> Recovered[Message]:
    options = {"tools": case.get("tools"), "stripped": case.get("stripped", False)}
    return recover(source, case.get("start", "transcript"), **options)


def shown(message: Message) -> dict[str, Any]:
    """What a message says, without what is not set."""
    found = {name: getattr(message, name) for name in codec.FORMAT.fields}
    if message.repair:
        found |= {"forged": message.repair.forged, "candidate": message.repair.candidate}
    return {name: value for name, value in found.items() if value}


def test_the_corpus_is_there() -> None:
    """No test passes for want of cases; no case stands twice, and none has a key that nothing reads."""
    assert len(FILES) >= 10
    assert len(CASES) >= 60
    assert {key for _, case in CASES for key in case} <= KEYS
    whole = [(case["source"], case.get("start"), str(case.get("tools")), case.get("stripped")) for _, case in CASES]
    assert len(set(whole)) == len(whole)


def test_most_mistakes_are_there() -> None:
    """Every diagnostic that a text of some length can show stands in a case."""
    assert codec.FORMAT.recovery is not None
    shown = {name for _, case in CASES for name in case["diagnostics"]}
    by_recovery = {name for name, code in codec.FORMAT.recovery.codes.items() if "H111" <= code.code < "H200"}
    assert len(by_recovery) > 40
    assert by_recovery - shown == {"header-too-long"}


@cases
@pytest.mark.parametrize("form", [str, tokens_of], ids=["text", "tokens"])
def test_a_malformed_output_is_read(case: dict[str, Any], form: Any) -> None:
    """The messages, the diagnostics and the stop are those expected, from the text and from its tokens."""
    found = read(case, form(case["source"]))
    assert [shown(message) for message in found.messages] == case["messages"]
    assert sorted(diagnostic.code.name for diagnostic in found.diagnostics) == sorted(case["diagnostics"])
    assert len(found.before_stop) == case.get("before_stop", len(found.messages))
    opening = found.opening and {name: value for name, value in found.opening.items() if value is not None}
    assert opening == case.get("opening")


@cases
def test_what_no_message_holds_is_a_gap(case: dict[str, Any]) -> None:
    """The gaps are those that are expected; where none is, messages and gaps are told apart by their spans only."""
    found = read(case, case["source"])
    gaps = [case["source"][gap.start : gap.end] for gap in found.gaps]
    assert gaps == case.get("gaps", [])
