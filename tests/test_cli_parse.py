"""`harmony-spec parse --recover`: what it prints, how it exits."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec.cli import main

from .conftest import examples

EVERY = ["--fix", "--unsafe-fixes", "--fixable", "ALL"]
GOOD = "<|start|>user<|message|>hi<|end|>"
BAD = "<|start|>assistant<|channel|>analysis<|channel|>commentary to=f to=f<|message|>{}<|call|>"


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=given)


def test_parse_recovers() -> None:
    result = run("parse", "--recover", "-", given=BAD)
    value = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [message["recipient"] for message in value["messages"]] == ["f"]
    assert [(each["code"], each["span"], each["raw"]) for each in value["diagnostics"]] == [
        ("H134", [29, 37], "analysis"),
        ("H139", [62, 63], "f"),
    ]
    clean = run("parse", "--recover", "-", given=GOOD)
    assert (clean.exit_code, json.loads(clean.stdout)["diagnostics"]) == (0, [])


def test_diagnostics_have_one_form() -> None:
    """That of validate, which adds the file, the row, its id, and the place in text and in tokens."""
    bad = f"{GOOD}<|end|>\n"
    (found,) = json.loads(run("parse", "--recover", "-", given=bad).stdout)["diagnostics"]
    validated = json.loads(run("validate", "--output-format", "json", "-", given=bad).stdout)
    fix = {"span": found["span"], "replacement": "", "applicability": "safe", "codes": ["H115"]}
    spans = {"text_span": found["span"], "token_span": [5, 6], "fix": fix}
    assert validated == {"file": "-", "row": None, "id": None} | found | spans


pieces = st.sampled_from(
    ["<|start|>", "user", "<|message|>", "<|end|>", "<|channel|>", "final", "\n", "[", "{", '"', "7"]
)


@examples(60)
@given(st.binary(max_size=40) | st.lists(pieces, max_size=12).map(lambda each: "".join(each).encode()))
def test_no_input_gives_a_traceback(data: bytes) -> None:
    """Whatever the bytes, each command ends with 0, 1 or 2."""
    for command in (
        ["validate", *EVERY],
        ["validate", "--diff"],
        ["parse"],
        ["parse", "--recover", "--stripped"],
    ):
        result = run(*command, "-", given=data)
        assert result.exit_code in (0, 1, 2), result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit)
