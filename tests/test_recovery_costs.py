"""The numbers of `grammar/recovery.toml`: what they decide, shown with the numbers the other way round."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harmony_spec import codec, recover

TABLE = tomllib.loads((Path(codec.__file__).parents[1] / "grammar" / "recovery.toml").read_text(encoding="utf-8"))
RECOVERY = codec.FORMAT.recovery
assert RECOVERY is not None


def forget() -> None:
    codec.FORMAT.caches.clear()
    for cache in codec.FORMAT.owned.values():
        cache.clear()


@pytest.fixture(autouse=True)
def no_caches() -> Iterator[None]:
    """Readings are cached for the numbers of the format."""
    forget()
    yield
    forget()


def row_of(name: str) -> tuple[dict[str, int], str]:
    assert RECOVERY is not None
    table, _, edit = name.partition(".")
    costs: Any = RECOVERY.costs if table == "header" else RECOVERY.fields[table].costs
    return costs, edit


def total(names: list[str]) -> int:
    return sum(costs[edit] for costs, edit in map(row_of, names))


def reading(source: str, tools: list[str] | None = None) -> tuple[list[str], list[str]]:
    forget()
    found = recover(source, "transcript" if source.startswith("<|start|>") else "completion", tools=tools)
    return [str(message) for message in found.messages], [diagnostic.code.name for diagnostic in found.diagnostics]


@pytest.mark.parametrize("pair", TABLE["before"], ids=[pair["because"] for pair in TABLE["before"]])
def test_each_order_decides_how_its_output_is_read(pair: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With one of the costs changed so that the dearer sum is the smaller one, the output is read differently."""
    less, more = total(pair["cheaper"]), total(pair["dearer"])
    assert less < more
    source, tools = pair["output"], pair.get("tools")
    expected, changed = reading(source, tools), 0
    for name in {*pair["cheaper"]} ^ {*pair["dearer"]}:
        costs, edit = row_of(name)
        by = more - less + 1 if name in pair["cheaper"] else less - more - 1
        with monkeypatch.context() as other:
            other.setitem(costs, edit, max(costs[edit] + by, 0))
            changed += reading(source, tools) != expected
    assert changed


def test_ties_go_to_the_edit_that_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the rows of the table in the other order, the other reading of the same cost is taken."""
    assert RECOVERY is not None
    source = "<|start|>assistant<|constrain|><|channel|>final<|message|>x<|end|>"
    (message,) = recover(source).messages
    repair = message.repair
    assert repair
    assert reading(source)[1] == ["empty-content-type"]
    edits: Any = RECOVERY.edits
    rows = dict(edits)
    with monkeypatch.context() as other:
        for kind in rows:
            other.delitem(edits, kind)
        for kind in reversed(rows):
            other.setitem(edits, kind, rows[kind])
        assert reading(source)[1] == ["empty-channel", "channel-as-role"]
        (message,) = recover(source).messages
        assert message.repair
        assert message.repair.cost == repair.cost
    edits.clear()
    edits.update(rows)
