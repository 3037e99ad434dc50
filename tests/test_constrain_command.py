"""`harmony-spec constrain`: each target is printed, and mistakes of other grammars are found."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harmony_spec import DeveloperContent, Message, codec, render_text, tools_from_json
from harmony_spec.cli import main
from harmony_spec.cli.constrain_command import TARGETS
from harmony_spec.constraints import constrain
from harmony_spec.constraints.engines import engine_for, own_grammar
from harmony_spec.constraints.scoring import score

from .test_constraints import INVALID, OFFERED, TOOLS, VALID, function


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["constrain", *map(str, arguments)])


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(TOOLS), encoding="utf-8")
    return path


def test_each_target_is_printed(tools: Path) -> None:
    made = constrain(tools=TOOLS, builtins=["python"])
    expected = {
        "lark": made.lark(),
        "portable-lark": made.lark(portable=True),
        "xgrammar-ebnf": made.xgrammar_ebnf(),
        "structural-tag": json.dumps(made.structural_tag()),
        "gbnf": made.gbnf(),
        "response-template": json.dumps(made.response_template(), indent=2),
    }
    for target in TARGETS:
        result = run("--target", target, "--tools", tools, "--builtin", "python")
        assert (result.exit_code, result.stdout) == (0, expected[target].rstrip("\n") + "\n")


def test_a_prompt_is_read(tmp_path: Path) -> None:
    simple = [function("f", {"type": "object", "properties": {}})]
    prompt = [Message("developer", DeveloperContent(tools=tools_from_json(simple))), Message("user", "Hi")]
    (tmp_path / "prompt.txt").write_text(render_text(prompt, "prompt"), encoding="utf-8")
    result = run("--prompt", tmp_path / "prompt.txt", "--tool-choice", '{"type": "function", "name": "f"}')
    assert result.stdout == constrain(tools=simple, tool_choice="required").lark()


def test_what_is_not_enforced_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps({"tools": [function("f", {"type": "object", "not": {"required": ["a"]}})]}))
    result = run("--tools", path)
    assert (result.exit_code, result.stderr) == (0, "lark: functions.f: /not is not enforced\n")
    strict = run("--tools", path, "--strict")
    assert strict.exit_code == 2
    assert "lark: functions.f: /not is not enforced" in strict.stderr


def test_a_grammar_is_scored(tools: Path, tmp_path: Path) -> None:
    """Its own has no mistakes; one with another stop token has both kinds, smallest first."""
    own = tmp_path / "own.lark"
    own.write_text(constrain(tools=TOOLS).lark(), encoding="utf-8")
    result = run("--score", own, "--tools", tools)
    assert result.exit_code == 0
    assert [line.split(" of ")[0] for line in result.stdout.splitlines()] == ["0", "0"]
    other = tmp_path / "other.lark"
    other.write_text(own.read_text(encoding="utf-8").replace("<|return|>", "<|end|>"), encoding="utf-8")
    result = run("--score", other, "--tools", tools)
    refused, first, *_ = result.stdout.splitlines()
    assert result.exit_code == 1
    assert "valid completions are refused" in refused
    assert json.loads(first) == "<|channel|>final<|message|><|return|>"
    assert json.dumps("<|channel|>final<|message|><|end|>") in result.stdout


def test_draws_cover_what_a_grammar_may_get_wrong() -> None:
    """A grammar of anything accepts many invalid completions, one of nothing refuses all valid ones."""
    anything = engine_for(codec.FORMAT, "start: (/(.|\\n)+/ | <[199998-201087]>)*", "lark")
    found = score(OFFERED, anything)
    assert (found.refused, len(found.accepted)) == ([], found.invalid)
    assert found.valid > 100
    assert found.invalid > 500
    assert found == score(OFFERED, anything)
    assert not any(map(OFFERED.admits, found.accepted))


def test_the_algebra_admits_what_its_grammar_admits() -> None:
    assert [text for text in VALID if not OFFERED.admits(text)] == []
    assert [text for text in INVALID if OFFERED.admits(text)] == []


def test_an_engines_own_grammar_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the calls that the engines have; both return structural tags."""
    narrowed = ["functions"], ["builtins"], "required"
    tag = SimpleNamespace(model_dump_json=lambda: '{"type": "structural_tag"}')
    calls: list[Any] = []

    def build(*arguments: Any, **keys: Any) -> Any:
        calls.append((*arguments, keys))
        return tag

    xgrammar = SimpleNamespace(get_model_structural_tag=build, normalize_tool_choice=lambda *_: narrowed)
    monkeypatch.setitem(sys.modules, "xgrammar", xgrammar)
    for module in ("vllm", "vllm.parser"):
        monkeypatch.setitem(sys.modules, module, ModuleType(module))
    parser = SimpleNamespace(get_harmony_structural_tag=build)
    monkeypatch.setitem(sys.modules, "vllm.parser.harmony", parser)
    for name in ("xgrammar", "vllm"):
        assert own_grammar(name, TOOLS, None, "harmony") == '{"type": "structural_tag"}'
    assert calls == [("harmony", {"tools": TOOLS, "tool_choice": "auto"}), (*narrowed, True, {})]


def test_errors_are_one_line(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.lark").write_text("start: <", encoding="utf-8")
    (tmp_path / "x.gbnf").write_text('root ::= "a"', encoding="utf-8")
    (tmp_path / "tag.json").write_text("{}", encoding="utf-8")
    for arguments, error in (
        (("--tools", tmp_path / "missing.json"), "missing.json"),
        (("--tools", tools, "--tool-choice", "now"), "unknown tool choice 'now'"),
        (("--builtin", "perl"), "unknown built-in tool 'perl'"),
        (("--score", "sglang"), "no engine with a grammar of its own; engines: xgrammar, vllm"),
        (("--score", "vllm"), "vllm is not installed (No module named 'vllm'); run: python -m pip install vllm"),
        (("--score", "xgrammar"), "pip install xgrammar"),
        (("--score", tmp_path / "tag.json"), "pip install xgrammar"),
        (("--score", tmp_path / "x.gbnf"), "no engine here reads GBNF"),
        (("--score", tmp_path / "wrong.lark"), "llguidance refuses the grammar"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert error in result.stderr
