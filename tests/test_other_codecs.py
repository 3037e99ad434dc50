"""The codec is a parameter: what belongs to another one is refused, and commands and functions work with any."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

import harmony_spec
from harmony_spec import (
    RenderError,
    codec,
    tool_from_function,
    tools_from_json,
    tools_from_text,
    tools_to_json,
    tools_to_text,
)
from harmony_spec.cli import main
from harmony_spec.codec_loading import default_codec, load_codec
from harmony_spec.errors import CodecError

from . import dialect
from .test_dialects import codec_of

DEFINITIONS = [{"name": "weather", "description": "Tells it.", "parameters": {"type": "object", "properties": {}}}]
WITH_TOOLS = [name for name in dialect.EDITS if name != "plain_contents"]


def weather(city: str) -> str:
    """Tells it."""
    return city


@pytest.fixture(scope="module")
def other() -> ModuleType:
    """A codec whose messages have one field more."""
    return codec_of("priority_field")


@pytest.mark.parametrize("write", ["render", "render_text", "to_json"])
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda other: other.Message("user", "Hi."), r"this Message belongs to another codec \(.*priority_field, not"),
        (
            lambda other: codec.Message("developer", other.DeveloperContent("Be brief.")),
            "content: this DeveloperContent belongs to another codec",
        ),
        (lambda other: {"role": "user", "content": "Hi."}, "expected a Message, got dict"),
    ],
)
def test_messages_of_another_codec_are_refused(other: ModuleType, write: str, make: Any, reason: str) -> None:
    """Its other fields would be lost."""
    messages = [codec.Message("user", "Hi."), make(other)]
    with pytest.raises(RenderError, match=reason) as raised:
        getattr(harmony_spec, write)(messages)
    assert raised.value.index == 1
    with pytest.raises(RenderError, match="belongs to another codec"):
        getattr(other, write)([codec.Message("user", "Hi.")])


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_tools_of_any_codec(name: str) -> None:
    """Its classes, its spelling of types, and back."""
    module = codec_of(name)
    namespaces = tools_from_json(DEFINITIONS, codec=module)
    assert [type(namespace) for namespace in namespaces] == [module.FORMAT.definitions.namespace.made]
    text = tools_to_text(namespaces, codec=module)
    assert tools_from_text(text, codec=module) == namespaces
    assert tools_from_json(tools_to_json(namespaces, "chat", codec=module), codec=module) == namespaces
    assert type(tool_from_function(weather, codec=module)) is module.FORMAT.definitions.tool.made
    with pytest.raises(TypeError, match=r"expected a Namespace of harmony_spec\.codec"):
        tools_to_text(namespaces)


@pytest.mark.parametrize("name", dialect.FOLDERS)
def test_tools_of_a_format_without_tools(name: str) -> None:
    with pytest.raises(
        CodecError, match="has no FUNCTION_NAMESPACE; its grammar folder lacks a namespace for functions"
    ):
        tools_from_json(DEFINITIONS, codec=codec_of(name))


@pytest.mark.parametrize("write", ["render", "render_text", "to_json"])
def test_parts_of_contents_of_another_codec_are_refused(other: ModuleType, write: str) -> None:
    """However deep they are."""
    tool = other.Tool("f")
    contents = [
        codec.DeveloperContent("x", [codec.Namespace("functions", tools=[tool])]),
        codec.DeveloperContent("x", [other.Namespace("functions")]),
        codec.DeveloperContent("x", [], [other.ResponseFormat("n", {})]),
    ]
    for content in contents:
        with pytest.raises(RenderError, match=r"content: this .* belongs to another codec"):
            getattr(harmony_spec, write)([codec.Message("developer", content)])
    system = codec.SystemContent(channel_config=other.ChannelConfig(["final"]))
    with pytest.raises(RenderError, match="content: this ChannelConfig belongs to another codec"):
        getattr(harmony_spec, write)([codec.Message("system", system)])
    for convert in (tools_to_text, tools_to_json):
        with pytest.raises(TypeError, match="expected a Tool of"):
            convert([codec.Namespace("functions", tools=[tool])])


@pytest.mark.parametrize(
    "read",
    [
        lambda tools: harmony_spec.recover("x", tools=tools),
        lambda tools: harmony_spec.validate("x", tools=tools),
        lambda tools: harmony_spec.StreamParser(tools=tools),
    ],
    ids=["recover", "validate", "StreamParser"],
)
def test_offered_tools_of_another_codec_are_refused(other: ModuleType, read: Any) -> None:
    """Their parameters may mean something else there."""
    for namespace, name in (
        (other.Namespace("functions"), "Namespace"),
        (codec.Namespace("f", tools=[other.Tool("g")]), "Tool"),
    ):
        with pytest.raises(
            TypeError, match=rf"^tools\[1\]: this {name} belongs to another codec \(.*, not harmony_spec\.codec\)"
        ):
            read(iter(["functions.f", namespace]))
    assert read([codec.Namespace("functions", tools=[codec.Tool("f")])])


def test_tools_of_a_format_without_namespaces() -> None:
    """No namespace is its own."""
    module = codec_of("plain_contents")
    assert module.recover("x", tools=["functions.f"])
    with pytest.raises(TypeError, match="this Namespace belongs to another codec"):
        module.recover("x", tools=[codec.Namespace("functions")])


def test_what_is_passed_as_codec_is_one() -> None:
    for wrong in (harmony_spec, pytest):
        with pytest.raises(TypeError, match=r"expected the module of a codec, such as harmony_spec\.codec"):
            tools_from_json(DEFINITIONS, codec=wrong)


# The loader.


def test_the_codec_of_the_package_is_the_default() -> None:
    assert load_codec(None) is default_codec() is codec


def test_a_generated_module_is_loaded_once(tmp_path: Path) -> None:
    path = tmp_path / "my_codec.py"
    path.write_text(dialect.text_of("sixth_role"), encoding="utf-8")
    module = load_codec(path)
    assert load_codec(path) is module
    assert module.parse(module.EXAMPLE).messages


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no such file; generate one with: harmony-spec generate"),
        ("x = 1", "not a codec; generate one with: harmony-spec generate"),
        ("x = ", "cannot be imported: SyntaxError"),
        ("import nothing_of_this_name", "cannot be imported: ModuleNotFoundError"),
        ("raise SystemExit(0)", "cannot be imported: SystemExit: 0"),
        (
            "from harmony_spec import runtime\nruntime.require_api(1, 0)",
            "cannot be imported: ImportError: this codec needs",
        ),
    ],
)
def test_what_is_not_a_codec(tmp_path: Path, text: str | None, reason: str) -> None:
    path = tmp_path / "my_codec.py"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(CodecError, match=reason):
        load_codec(path)


# Commands.


@pytest.fixture(scope="module")
def module_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A codec in which the token that begins messages has another name."""
    folder = tmp_path_factory.mktemp("codec")
    path = folder / "my_codec.py"
    path.write_text(dialect.text_of("renamed_token"), encoding="utf-8")
    return path


def example_of(module: ModuleType) -> str:
    return str(module.render_text([module.Message("user", "Hi."), module.Message("assistant", "Hm.", channel="final")]))


def run(*arguments: object, **options: Any) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), **options)


def test_every_command_takes_a_codec(module_path: Path, tmp_path: Path) -> None:
    """What it reads and writes is in the other format, which the package's own codec does not read."""
    module = load_codec(module_path)
    text, file = example_of(module), tmp_path / "x.txt"
    file.write_text(text, encoding="utf-8")
    assert run("validate", "--start", "transcript", file).exit_code != 0
    assert run("validate", "--codec", module_path, file).exit_code == 0
    parsed = run("parse", "--codec", module_path, file)
    assert parsed.exit_code == 0
    assert run("render", "-", "--codec", module_path, input=parsed.stdout).stdout == text
    tokens = run("render", "-", "--tokens", "--codec", module_path, input=parsed.stdout).stdout
    assert json.loads(tokens) == module.render(module.parse(text).messages)
    assert run("rules", "--json", "--codec", module_path).exit_code == 0
    assert run("explain", "H101", "--codec", module_path).exit_code == 0
    assert run("tools", "-", "--codec", module_path, input=json.dumps(DEFINITIONS)).stdout.startswith("# Tools")


@pytest.mark.parametrize("jobs", [1, 2])
def test_validate_checks_a_dialect_in_all_processes(module_path: Path, tmp_path: Path, jobs: int) -> None:
    module = load_codec(module_path)
    rows = [json.dumps({"text": text}) for text in [example_of(module)] * 999 + [codec.EXAMPLE]] * 30
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(rows), encoding="utf-8")
    result = run("validate", "--codec", module_path, "--jobs", jobs, "--output-format", "concise", file)
    assert result.exit_code == 1
    assert f"{len(rows)} inputs, {len(rows) - 30} valid" in result.stdout


def test_a_grammar_folder_is_a_codec(tmp_path: Path) -> None:
    folder = dialect.grammar_of("renamed_token", tmp_path)
    file = tmp_path / "x.txt"
    file.write_text(example_of(load_codec(folder)), encoding="utf-8")
    assert run("validate", "--codec", folder, file).exit_code == 0
    (folder / "harmony.lark").write_text("start: unknown", encoding="utf-8")
    other = tmp_path / "broken"
    folder.rename(other)
    refused = run("validate", "--codec", other, file)
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith(f"{other}/harmony.lark:1:1: ")
    assert f"run: harmony-spec generate {other}" in refused.stderr
    (tmp_path / "empty").mkdir()
    refused = run("validate", "--codec", tmp_path / "empty", file)
    assert refused.stderr.startswith(f"{tmp_path}/empty:1:1: a grammar folder holds ")


def test_an_example_with_findings_is_refused(tmp_path: Path) -> None:
    """After a role is renamed, the old word of the example is read as the name of a tool."""
    edits = [("harmony.lark", '"user" |', '"human" |'), ("conversation.toml", 'role = "user"', 'role = "human"')]
    folder = dialect.edited(
        tmp_path / "grammar", [dict(zip(("file", "old", "new"), edit, strict=True)) for edit in edits]
    )
    output = tmp_path / "made.py"
    refused = run("generate", folder, "-o", output)
    assert (refused.exit_code, output.exists()) == (1, False)
    assert "conversation.toml:4:1: the example has 1 finding: H503 unrequested-tool-result" in refused.stderr
    path = folder / "conversation.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("<|start|>user", "<|start|>human"), encoding="utf-8")
    assert run("generate", folder, "-o", output).exit_code == 0


OWN = """
[absent-role]
code = "X901"
why = "Nobody wrote it."
with = ["missing-channel", "missing-terminator"]
bad = "<|start|><|message|>Hi."
good = "<|start|>user<|message|>Hi.<|end|>"
"""


@pytest.mark.parametrize(
    ("old", "new", "place", "problem"),
    [
        ("", "", "", ""),
        ('bad = "<|start|>', 'bad = "<|start|>user', 6, "the bad example of `absent-role` has 1 finding: H"),
        ('bad = "<|start|><|message|>Hi."', "bad = {}", 6, "has 1 finding: expected a text or token ids, got dict"),
        ("Hi.<|end|>", "Hi.", 7, "the good example of `absent-role` has 1 finding: H"),
        ("with =", "# with =", 6, "the bad example of `absent-role` has 3 findings: X901"),
    ],
)
def test_an_example_of_a_diagnostic_is_read(old: str, new: str, place: int, problem: str, tmp_path: Path) -> None:
    """By `generate` and by `--codec`; what the library reports has examples in Harmony."""
    edit = {"file": "recovery.toml", "old": 'empty = "missing-role"', "new": 'empty = "absent-role"'}
    folder = dialect.edited(tmp_path / "grammar", [edit])
    (folder / "diagnostics.toml").write_text(OWN.replace(old, new, 1), encoding="utf-8")
    file = tmp_path / "x.txt"
    file.write_text("<|start|>user<|message|>Hi.<|end|>", encoding="utf-8")
    for result in (run("generate", folder, "-o", tmp_path / "made.py"), run("validate", "--codec", folder, file)):
        assert bool(result.exit_code) == bool(problem), result.stderr
        assert f"diagnostics.toml:{place}:1: " in result.stderr or not problem
        assert problem in result.stderr


def test_start_rules_are_those_of_the_codec(tmp_path: Path) -> None:
    """A grammar may have others."""
    folder = dialect.grammar_of("turns", tmp_path)
    refused = run("parse", "--codec", folder, "--start", "end", "-", input="")
    assert refused.exit_code == 2
    assert all(start in refused.stderr for start in load_codec(folder).FORMAT.starts)


@pytest.mark.parametrize("command", [["validate"], ["show"], ["parse", "--recover"]])
def test_a_codec_that_lacks_something(tmp_path: Path, command: list[str]) -> None:
    """The error names what works instead: ChatML cannot have a recovering parser."""
    refused = run(*command, "--codec", dialect.grammar_of("chatml", tmp_path), "-", input="x")
    assert refused.exit_code == 2
    assert "its grammar folder lacks recovery.toml, which not every format can have" in refused.stderr
    assert "`parse`, which is strict, works without it" in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "reason"), [("raise SystemError('no')", "SystemError: no"), ("", "not a codec"), (None, "does not exist")]
)
def test_a_wrong_codec_ends_in_one_line(tmp_path: Path, text: str | None, reason: str) -> None:
    path = tmp_path / "my_codec.py"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    refused = run("validate", "--codec", path, "-", input="x")
    assert refused.exit_code == 2
    assert reason in refused.stderr


def test_no_code_runs_because_of_a_settings_file_that_is_found(
    module_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository that is checked must not run code; one that is named with --config may."""
    monkeypatch.chdir(tmp_path)
    module = load_codec(module_path)
    Path("x.txt").write_text(example_of(module), encoding="utf-8")
    Path("trap.py").write_text("open('sprung', 'w')", encoding="utf-8")
    Path("pyproject.toml").write_text("[tool.harmony-spec]\ncodec = 'trap.py'", encoding="utf-8")
    refused = run("validate", "x.txt")
    assert (refused.exit_code, Path("sprung").exists()) == (2, False)
    assert "tool.harmony-spec.codec: this would run the code of a module; pass it as --codec" in refused.stderr
    Path("pyproject.toml").write_text("[tool.harmony-spec]\ngrammar = 'trap.py'", encoding="utf-8")
    refused = run("validate", "x.txt")
    assert (refused.exit_code, Path("sprung").exists()) == (2, False)
    assert "tool.harmony-spec.grammar" in refused.stderr
    Path("pyproject.toml").unlink()
    Path("mine.toml").write_text(f"[tool.harmony-spec]\ncodec = {str(module_path)!r}", encoding="utf-8")
    assert run("validate", "--config", "mine.toml", "x.txt").exit_code == 0
    grammar = dialect.grammar_of("renamed_token", tmp_path)
    Path("pyproject.toml").write_text(f"[tool.harmony-spec]\ngrammar = {grammar.name!r}", encoding="utf-8")
    assert run("validate", "x.txt").exit_code == 0


def test_one_settings_file_names_one_codec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text("[tool.harmony-spec]\ncodec = 'a.py'\ngrammar = 'b'", encoding="utf-8")
    refused = run("validate", "--config", "mine.toml", "-", input="x")
    assert (refused.exit_code, "pass only one of codec and grammar" in refused.stderr) == (2, True)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_of_codecs_need_not_be_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/g\xff"))
    dialect.grammar_of("renamed_token", tmp_path).rename(path)
    assert load_codec(path).parse(example_of(load_codec(path))).messages


def test_a_value_that_holds_another_in_many_places_is_searched_once() -> None:
    shared: list[Any] = [harmony_spec.Tool("f")]
    for _ in range(60):
        shared = [shared, shared]
    assert default_codec().FORMAT.contents.find_foreign(shared) is None


def test_decode_names_what_a_format_without_a_vocabulary_lacks(tmp_path: Path) -> None:
    folder = str(dialect.HERE / "chatml")
    (tmp_path / "ids.json").write_text("[257]", encoding="utf-8")
    result = CliRunner().invoke(main, ["decode", "--codec", folder, str(tmp_path / "ids.json")])
    assert (result.exit_code, "no vocabulary for the encoding chatml" in result.output) == (2, True)


def test_a_page_of_texts_needs_no_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("<|start|>user<|message|>Hi", encoding="utf-8")
    command = ["show", "--codec", str(dialect.HERE / "muse_glimmer"), "--html", str(tmp_path / "a.txt")]
    result = CliRunner().invoke(main, command)
    assert (result.exit_code, "H1" in result.output) == (0, True)


def test_a_format_without_purposes_has_no_chat(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("<|im_start|>user\nHi<|im_end|>\n", encoding="utf-8")
    command = [
        "convert",
        "--from",
        "text",
        "--to",
        "chat",
        "--codec",
        str(dialect.HERE / "qwen3"),
        str(tmp_path / "a.txt"),
    ]
    result = CliRunner().invoke(main, command)
    assert (result.exit_code, "has no FUNCTION_NAMESPACE" in result.output) == (2, True)
