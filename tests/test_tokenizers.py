"""Tokenizers that are passed: compared with the shipped vocabulary, in the API, and in the command's processes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from click.testing import CliRunner
from hypothesis import given

from harmony_spec import Message, codec, parse, render
from harmony_spec.cli import main
from harmony_spec.codec_loading import load_codec, load_tokenizer
from harmony_spec.errors import CodecError
from harmony_spec.linting import Checked, Settings, SettingsError, lint
from harmony_spec.linting.jobs import MIN_PARALLEL_CHUNKS
from harmony_spec.linting.row_reading import BATCH_BYTES
from harmony_spec.vocabulary import hard_texts, load, tokenizer_differences, tokenizer_for

from .strategies import contents

ENCODING = codec.FORMAT.encoding
MODULE = '''
from harmony_spec.codec import FORMAT
from harmony_spec.vocabulary import load

exact = load(FORMAT.encoding)

class Characters:
    """Each character by itself: not exact, so its tokens show where it was used."""

    decode_bytes = exact.decode_bytes

    def encode(self, text):
        return [token for character in text for token in exact.encode(character)]

class Holder:
    characters = Characters()

characters = Characters()

class Failing:
    def encode(self, text):
        raise RuntimeError("the cache is full")

    decode_bytes = encode

failing = Failing()
'''
NAME = "tokenizer_of_tests:characters"
NON_CANONICAL = "non-canonical-tokens"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path of this process and of others, with the module of a tokenizer."""
    (tmp_path / "tokenizer_of_tests.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Plain:
    """`tiktoken` itself, as users pass it."""

    def __init__(self) -> None:
        ranks = {load(ENCODING).decode_bytes([token]): token for token in range(ENCODING.base_size)}
        self.bpe = tiktoken.Encoding(
            "plain", pat_str="|".join(ENCODING.split), mergeable_ranks=ranks, special_tokens={}
        )
        self.encode, self.decode_bytes = self.bpe.encode_ordinary, self.bpe.decode_bytes


PLAIN = Plain()


@given(contents)
def test_a_passed_tokenizer_equals_the_shipped_one_on_any_text(text: str) -> None:
    """Compared by the public function, and by what it renders and reads."""
    assert list(tokenizer_differences(ENCODING, PLAIN, [text])) == []
    messages = [Message("user", text)]
    tokens = render(messages, tokenizer=PLAIN)
    assert tokens == render(messages)
    assert parse(tokens, tokenizer=PLAIN).messages == messages


@pytest.mark.parametrize("wrong", ["ids", "bytes", "error"])
def test_each_kind_of_difference_is_found(wrong: str) -> None:
    exact, text = load(ENCODING), "a\u088f's"

    class Wrong:
        def encode(self, text: str) -> list[int]:
            if wrong == "error":
                raise TypeError(text)
            return exact.encode(text)[: -1 if wrong == "ids" else None]

        def decode_bytes(self, tokens: list[int], /) -> bytes:
            return exact.decode_bytes(tokens) + b"!"

    (found,) = tokenizer_differences(ENCODING, Wrong(), [text])
    assert (found.text, found.expected) == (text, exact.encode(text))
    expected: dict[str, Any] = {"ids": found.expected[:-1], "bytes": text.encode() + b"!"}
    assert found.found == expected[wrong] if wrong in expected else isinstance(found.found, TypeError)


def test_texts_that_no_tokenizer_encodes_are_left_out() -> None:
    assert list(tokenizer_differences(ENCODING, PLAIN, ["one", "a\ud800b", "two"])) == []


def test_hard_texts_hold_every_code_point() -> None:
    """And can be encoded; the same each time."""
    texts = list(hard_texts(ENCODING, random_texts=50))
    characters = set().union(*texts)
    assert len(characters) == sys.maxunicode + 1 - 0x800
    assert texts == list(hard_texts(ENCODING, random_texts=50))
    assert list(islice(tokenizer_differences(ENCODING, PLAIN, texts[-200:]), 1)) == []


def test_a_codec_with_a_tokenizer_uses_it_everywhere(module: Path) -> None:
    """And leaves the codec without it as it is."""
    own: Any = load_codec(None, NAME)
    assert own is load_codec(None, NAME) is not codec
    assert codec.FORMAT.encoding.tokenizer is None
    text = "two words"
    tokens = own.render([own.Message("user", text)])
    assert len(tokens) > len(render([Message("user", text)]))
    assert own.parse(tokens).messages == [own.Message("user", text)]
    assert own.count_tokens([own.Message("user", text)]) == len(tokens)
    assert own.encode(text) == load_tokenizer(NAME).encode(text) != codec.encode(text)
    assert not own.validate(tokens).diagnostics
    assert [each.code.name for each in codec.validate(tokens).diagnostics] == [NON_CANONICAL]
    assert load_codec(None, "tokenizer_of_tests:Holder.characters").encode(text) == own.encode(text)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("json", "expected MODULE:NAME"),
        (":dumps", "expected MODULE:NAME"),
        ("json:", "expected MODULE:NAME"),
        ("tokenizer_that_is_missing:x", "ModuleNotFoundError: .*; add its folder to PYTHONPATH"),
        ("json:nothing", "AttributeError"),
        ("..json:dumps", "TypeError|ModuleNotFoundError"),
        ("json:dumps", "not an object with the methods encode and decode_bytes"),
        ("tokenizer_of_tests:Characters", "not an object with the methods"),
        ("json:\ud800", "AttributeError"),
    ],
)
def test_other_names_are_refused_in_one_line(name: str, error: str, module: Path) -> None:
    with pytest.raises(CodecError, match=error) as caught:
        load_codec(None, name)
    assert "\n" not in str(caught.value)
    result = CliRunner().invoke(main, ["validate", "--tokenizer", name, "-"], input="")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def rows(path: Path, tokens: list[int], number: int) -> Path:
    path.write_text("".join(json.dumps({"tokens": tokens, "filler": "x" * 20_000}) + "\n" for _ in range(number)))
    return path


def codes_of(found: Any) -> list[list[str]]:
    found = list(found)
    assert all(isinstance(each, Checked) for each in found)
    return [[finding.code.name for finding in each.findings] for each in found]


def test_worker_processes_load_the_tokenizer(module: Path) -> None:
    number = (MIN_PARALLEL_CHUNKS + 1) * BATCH_BYTES // 20_000
    own = load_codec(None, NAME)
    file = rows(module / "rows.jsonl", own.render([own.Message("user", "two words")]), number)
    for jobs in (1, 2):
        assert codes_of(lint([file], Settings(tokenizer=NAME), jobs=jobs)) == [[]] * number
    assert codes_of(lint([file], jobs=2)) == [[NON_CANONICAL]] * number


def test_all_commands_use_it(module: Path) -> None:
    """As processes, in another folder: PYTHONPATH finds the module."""
    own = load_codec(None, NAME)
    file = rows(module / "rows.jsonl", own.render([own.Message("user", "two words")]), 1)
    (module / "conversation.json").write_text(json.dumps(own.to_json([own.Message("user", "two words")])))
    command = [str(Path(sys.executable).parent / "harmony-spec")]
    name = ["--tokenizer", NAME]

    def run(*arguments: str) -> Any:
        return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)

    assert run("validate", *name, str(file)).returncode == 0
    assert run("validate", str(file)).returncode == 1
    expected = own.render([own.Message("user", "two words")])
    assert json.loads(run("render", "--tokens", *name, "conversation.json").stdout) == expected
    written = run("convert", "--from", "conversation", "--to", "tokens", *name, "conversation.json").stdout
    assert json.loads(written)["tokens"] == expected
    (module / "tokens.json").write_text(json.dumps(expected))
    assert run("decode", *name, "tokens.json").stdout.strip() == own.render_text([own.Message("user", "two words")])
    assert json.loads(run("parse", *name, "tokens.json").stdout)["messages"][0]["content"][0]["text"] == "two words"
    assert run("diff", *name, "tokens.json", "tokens.json").returncode == 0
    assert run("show", *name, "tokens.json").returncode == 0


@pytest.mark.parametrize("command", ["validate -j 1", "validate -j 2", "convert --from tokens --to text"])
def test_a_tokenizer_that_fails_is_one_line(command: str, module: Path, tmp_path: Path) -> None:
    """It may raise anything. Before, that was a traceback, and status 1, which means findings."""
    file = rows(tmp_path / "rows.jsonl", render([Message("user", "Hi. " * 5_000)]), 100)
    result = CliRunner().invoke(main, [*command.split(), "--tokenizer", "tokenizer_of_tests:failing", str(file)])
    reason = "tokenizer: tokenizer_of_tests:failing: RuntimeError: the cache is full\n"
    assert (result.exit_code, result.stderr) == (2, reason)


def test_only_a_named_settings_file_may_choose_it(module: Path) -> None:
    """Its code runs: a file that is found above the data may not."""
    own = load_codec(None, NAME)
    file = rows(module / "rows.jsonl", own.render([own.Message("user", "two words")]), 1)
    settings = module / "named.toml"
    settings.write_text(f'[tool.harmony-spec]\ntokenizer = "{NAME}"\n')
    assert codes_of(lint([file], config=settings, jobs=1)) == [[]]
    assert CliRunner().invoke(main, ["validate", "--config", str(settings), str(file)]).exit_code == 0
    settings.rename(module / "pyproject.toml")
    with pytest.raises(SettingsError, match="tokenizer: this would run the code of a module; pass it as --tokenizer"):
        list(lint([file], jobs=1))


def test_a_passed_tokenizer_precedes_that_of_the_encoding() -> None:
    encoding = replace(ENCODING, base=None, sha256=None, tokenizer=PLAIN)  # without a shipped vocabulary
    assert tokenizer_for(encoding) is PLAIN
    assert tokenizer_for(encoding, load(ENCODING)) is load(ENCODING)
