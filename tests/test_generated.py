"""Law 9: what is generated and committed is what the grammar gives, everywhere; and nothing else knows the format."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from codegen import GRAMMAR, generate
from codegen.build import build
from codegen.model.format_model import comment_parts
from codegen.model.recovery_tables import library_diagnostics
from codegen.read.grammar_folder import load
from codegen.read.grammar_nodes import GrammarNode, RuleChoice, RuleList, Text, walk
from codegen.write.catalogue_files import code_span, diagnostics_page, library_codes, shown
from codegen.write.library_source import api_version
from codegen.write.source_text import Writer, literal, raw
from harmony_spec import codec, runtime

from .dialect import codec_of, edited

ROOT = GRAMMAR.parent
CODEC = ROOT / "harmony_spec" / "codec.py"
CODES = ROOT / "harmony_spec" / "codes.py"
DIAGNOSTICS = ROOT / "docs" / "diagnostics.md"


def test_the_committed_codec_is_what_the_grammar_generates() -> None:
    """If this fails, run: harmony-spec generate grammar -o harmony_spec/codec.py"""
    assert CODEC.read_text(encoding="utf-8") == generate(GRAMMAR)


def test_the_committed_diagnostics_are_those_of_the_grammar() -> None:
    """If this fails, run: python -m codegen"""
    assert DIAGNOSTICS.read_text(encoding="utf-8") == diagnostics_page(load(GRAMMAR).table("diagnostics.toml"))


def test_the_committed_codes_are_those_of_the_grammar() -> None:
    """If this fails, run: python -m codegen"""
    assert CODES.read_text(encoding="utf-8") == library_codes(library_diagnostics())


def code_spans(markdown: str) -> list[str]:
    """What a reader of Markdown takes for code."""
    inline = [token.children or [] for token in MarkdownIt().parse(markdown) if token.type == "inline"]
    return [child.content for children in inline for child in children if child.type == "code_inline"]


@given(st.text("`` <|>\\*_[&a", min_size=1))
@example("<|start|>")
@example("`")
def test_code_spans_hold_any_text(text: str) -> None:
    """Special tokens, backticks and spaces come out as they went in."""
    assert code_spans(f"- bad: {code_span(text)}") == [text]


def test_the_diagnostics_show_all_examples() -> None:
    """As they are in the catalogue, in the order of their codes."""
    catalogue = sorted(load(GRAMMAR).table("diagnostics.toml").values(), key=lambda entry: entry["code"])
    examples = [shown(entry[key]) for entry in catalogue for key in ("bad", "good") if key in entry]
    assert len(examples) > 2 * 35
    spans = iter(code_spans(DIAGNOSTICS.read_text(encoding="utf-8")))
    assert [text for text in examples if text not in spans] == []


def test_a_broken_codec_is_generated_again(tmp_path: Path) -> None:
    """The command imports nothing of what it writes."""
    for folder in ("grammar", "codegen", "harmony_spec"):
        ignored = shutil.ignore_patterns("__pycache__", "*.bin")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    (tmp_path / "docs").mkdir()
    written = [path.relative_to(ROOT) for path in (CODEC, CODES, DIAGNOSTICS)]
    for path in written:
        (tmp_path / path).write_text("raise SystemError(", encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run([sys.executable, "-m", "codegen"], cwd=tmp_path, env=environment, capture_output=True, check=True)
    for path in written:
        assert (tmp_path / path).read_bytes() == (ROOT / path).read_bytes()


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_generating_again_gives_the_same_bytes(seed: str) -> None:
    """In other processes with other hash seeds."""
    program = "import sys, pathlib, codegen; sys.stdout.write(codegen.generate(pathlib.Path('grammar')))"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True)
    assert found.stdout == CODEC.read_bytes()


@cache
def spellings() -> frozenset[str]:
    """Every text that the grammar says is part of the format: tokens, literals, listed values, values in tables."""
    sources = load(GRAMMAR)
    format = build(sources)
    found = {special.spelling for special in format.specials}
    for rule in format.rules.values():
        found |= {node.text for node in walk(rule.node) if isinstance(node, Text)}
        found |= {b.name for n in walk(rule.node) if isinstance(n, RuleChoice) for b in n.branches if b.name}
    for terminal in (*format.terminals.values(), *format.contents.terminals.values()):
        found |= set(terminal.values or ())
    for way in (way for rule in format.contents.rules.values() for way in rule.ways):
        found |= set(fixed_texts(way.node)) - {way.name}  # JSON Schema has the same names for types
    whens = [choose.when for choose in (*format.always, *format.training)]
    whens += [when for kind in format.turn for when in (kind.when, kind.has)]
    whens += [drop.dropped for drop in format.drops]
    found |= {value for when in whens for _, value in when if isinstance(value, str)}
    found |= {format.functions} | set(texts_in(sources.table("conversation.toml", "defaults")))
    found |= {value for value in format.opening.values() if isinstance(value, str)}
    found |= {*format.json.get("absent", {}).values()}
    recovery = format.recovery
    assert recovery
    found |= {recovery.json, *recovery.content_types}
    found |= {end for kind in format.turn for end in (kind.ends, kind.last) if end}
    return frozenset(text for text in found if any(c.isalpha() for c in text))


def texts_in(value: object) -> Iterator[str]:
    """The texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_in(item)


def fixed_texts(node: GrammarNode) -> Iterator[str]:
    """The fixed texts in a rule of contents."""
    for part in walk(node):
        if isinstance(part, (Text, RuleList)):
            yield part.text if isinstance(part, Text) else part.separator


def strings_of(path: Path) -> Iterator[str]:
    """The string constants of a file that are not docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docs.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


GENERATED = {CODEC, CODES}
NAMED_BY_API = {ROOT / "harmony_spec" / "compat" / "models.py"}
"""The values of the drop-in's enums and the kinds of its contents are what the peer calls them."""

HAND_WRITTEN = sorted({*ROOT.glob("harmony_spec/**/*.py"), *ROOT.glob("codegen/**/*.py")} - GENERATED - NAMED_BY_API)


OF_SOMETHING_ELSE = {
    # Kinds of files and of outputs; keys of recovery.toml, conversation.toml; the field that the terminal JSON makes.
    "json": [
        "harmony_spec/linting/*.py",
        "harmony_spec/cli/parse_command.py",
        "codegen/*/recovery_*.py",
        "codegen/build.py",
        "codegen/prove/data_names.py",
        "codegen/model/schema_rules.py",
        "harmony_spec/constraints/response_templates.py",
    ],
    # A property of findings in outputs, and of entries in diagnostics.toml.
    "code": ["harmony_spec/linting/*.py", "harmony_spec/cli/*.py", "codegen/*/*.py"],
    # A table of conversation.toml, and a key in it; a property of SARIF logs; a role of Chat Completions.
    "tool": [
        "harmony_spec/adapters/*.py",
        "codegen/model/schema_rules.py",
        "codegen/prove/data_names.py",
        "codegen/read/data_files.py",
        "codegen/write/content_table.py",
        "harmony_spec/linting/outputs.py",
    ],
    # A key of tables of the generator, and of older requests of Chat Completions.
    "functions": [
        "codegen/build.py",
        "codegen/read/data_files.py",
        "codegen/prove/recovery_checks.py",
        "harmony_spec/adapters/chat_rows.py",
    ],
    # A kind of message that the library knows.
    "call": [
        "codegen/*/recovery_*.py",
        "harmony_spec/validation/*.py",
        "harmony_spec/adapters/*.py",
        "harmony_spec/constraints/*.py",
        "harmony_spec/tools/purposes.py",
    ],
    # Roles of Chat Completions, and a phase of Responses.
    **{key: ["harmony_spec/adapters/*.py"] for key in ["system", "developer", "user", "assistant", "commentary"]},
    # A value of arguments of `tiktoken`'s methods, which the peer has too.
    "all": ["harmony_spec/compat/encoding.py", "harmony_spec/rendering/token_texts.py"],
    # The peer's own spelling of types, for the drop-in.
    "Array<any>": ["harmony_spec/compat/peer_types.py"],
    "// Examples:\n": ["harmony_spec/compat/peer_types.py"],
}
"""Words of the format that mean something else too, and where they do."""


def violations(path: Path) -> set[str]:
    """What a file spells of the format: words as whole texts, special tokens anywhere, docstrings and comments too."""
    tokens = {spelling for spelling in spellings() if "<|" in spelling}
    source = path.read_text(encoding="utf-8")
    return spellings().intersection(strings_of(path)) | {token for token in tokens if token in source}


@pytest.mark.parametrize("path", HAND_WRITTEN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_hand_written_code_spells_nothing_of_the_format(path: Path) -> None:
    """Format knowledge lives in `grammar/` and in the generated codec."""
    file = path.relative_to(ROOT)
    allowed = {word for word, files in OF_SOMETHING_ELSE.items() if any(file.match(pattern) for pattern in files)}
    assert violations(path) <= allowed


def test_the_guard_knows_the_format() -> None:
    """Its words come from all of the grammar; those that mean something else too do so where it says."""
    assert {"# Tools", "} // namespace ", "assistant", "analysis", "final", " to=", "<|start|>"} <= spellings()
    assert {"recipient_last", "return", "commentary", "json", "code", "functions", "all"} <= spellings()
    for word, patterns in OF_SOMETHING_ELSE.items():
        for pattern in patterns:
            assert any(word in violations(path) for path in ROOT.glob(pattern)), (word, pattern)


def test_a_codec_for_another_runtime_does_not_import() -> None:
    runtime.require_api(*runtime.API_VERSION)
    major, minor = runtime.API_VERSION
    with pytest.raises(ImportError, match="generate it again"):
        runtime.require_api(major, minor + 1)
    with pytest.raises(ImportError, match="generate it again"):
        runtime.require_api(major + 1, 0)


def test_every_rule_cites_its_source() -> None:
    for rule in build(load(GRAMMAR)).rules.values():
        assert any(line.startswith("Source: ") for line in rule.doc), rule.name


def test_the_generator_writes_for_this_runtime() -> None:
    """Which it reads without importing it."""
    assert api_version() == runtime.API_VERSION


@given(st.lists(st.tuples(st.sampled_from(("Source: ", "name: ", "kind: ")), st.lists(st.text("ab .:")))))
def test_a_part_of_a_comment_goes_on_until_the_next_begins(parts: list[tuple[str, list[str]]]) -> None:
    written = [(lead, line) for lead, lines in parts for line in [lead + "first", *lines]]
    read = comment_parts([line for _, line in written], ["name", "kind"])
    assert read.pop("") == ""
    for name, text in read.items():
        assert text == " ".join(line.removeprefix(lead) for lead, line in written if lead == f"{name}: ")


ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


def described_fields(made: type) -> dict[str, str]:
    """What the docstring of a class says of its fields."""
    _, _, attributes = inspect.cleandoc(made.__doc__ or "").partition("Attributes:\n")
    return {name: " ".join(text.split()) for name, text in ATTRIBUTE.findall(attributes)}


def test_every_class_and_field_says_what_it_is() -> None:
    """In words of its own: no field has the words of a class, of another field, or those for what has no comment."""
    classes = [made for made in vars(codec).values() if dataclasses.is_dataclass(made) and isinstance(made, type)]
    own = [made for made in classes if made.__module__ == codec.__name__]
    said = [inspect.cleandoc(made.__doc__ or "").split("\n")[0] for made in own]
    for made in own:
        if made.__name__ in codec.__all__:
            fields = described_fields(made)
            assert list(fields) == [field.name for field in dataclasses.fields(made)], made
            said += fields.values()
    properties = {name: value for name, value in vars(codec.StreamParser).items() if isinstance(value, property)}
    said += [inspect.cleandoc(value.__doc__ or "") for value in properties.values()]
    assert len(said) > 40
    assert all(said)
    assert [text for text, times in Counter(said).items() if times > 1] == []
    assert [text for text in said if re.search(r"[.] [a-z]", text)] == []  # a line of a source, which is not for users
    assert [text for text in said if "See the grammar" in text or re.fullmatch("What `.*` says.", text)] == []


def test_many_long_values_are_written_on_lines_that_fit(tmp_path: Path) -> None:
    values = " | ".join(f'"a_question_about_the_weather_{number}"' for number in range(5))
    edits = [
        {"file": "harmony.lark", "old": "header: recipient?", "new": 'header: (" topic=" TOPIC)? recipient?'},
        {"file": "harmony.lark", "old": "START:", "new": f"TOPIC: {values}\nSTART:"},
    ]
    text = generate(edited(tmp_path / "grammar", edits))
    command = [sys.executable, "-m", "ruff", "format", "--line-length", "120", "-"]
    assert subprocess.run(command, input=text, capture_output=True, text=True).stdout == text


hostile = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ['"', "'", "\\", '"""', "'''", "\n", "\r", "\x00", "{}", "#", "\u2028", "\\N{DIGIT ONE}", '" + evil() + "', "🎉"]
)


@given(hostile)
def test_a_literal_is_only_a_string(text: str) -> None:
    """Nothing in a grammar can put code into the module: a literal is one string constant with that value."""
    tree = ast.parse(f"x = {literal(text)}")
    assert len(tree.body) == 1
    assert ast.literal_eval(literal(text)) == text


@given(st.lists(hostile, min_size=1))
def test_comments_and_docstrings_are_only_that(texts: list[str]) -> None:
    """What a grammar says in comments adds no statement to the module."""
    writer = Writer()
    writer.comment("\n".join(texts))
    with writer.function("f", [], "None"):
        writer.docstring(texts)
    tree = ast.parse(writer.text())
    assert [type(node) for node in tree.body] == [ast.FunctionDef]
    assert isinstance(tree.body[0], ast.FunctionDef)
    assert len(tree.body[0].body) == 1


def test_strings_of_any_length_are_written_as_ruff_formats_them() -> None:
    """Patterns grow with the names in a grammar; one in brackets may fit a line that it does not fit without."""
    writer = Writer()
    for length in range(90, 130):
        writer.assign("_PATTERN", raw("\\" * 2 + "x" * length))
        writer.chain([raw("\\" * 2 + "y" * length)], "+", "_RULE_of_a_longer_name = ")
        writer.space()
    command = [sys.executable, "-m", "ruff", "format", "--line-length", "120", "-"]
    formatted = subprocess.run(command, input=writer.text(), capture_output=True, text=True, check=True)
    assert writer.text() == formatted.stdout


def test_a_literal_with_every_awkward_character_works(tmp_path: Path) -> None:
    """Quotes, backslashes, newlines, braces, percent signs and emoji in a literal are written and read back."""
    module = codec_of("awkward_literals", tmp_path)
    message = module.Message("assistant", "x", recipient="f")
    text = module.render_text([message])
    assert text == "<|start|>assistant \"'\\\n{to}🎉\t%s=f<|message|>x<|call|>"
    assert module.parse(text).messages == [message]
    assert module.parse(module.render([message])).messages == [message]
