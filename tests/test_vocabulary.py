"""The vocabulary: what it encodes, what it refuses, how it is shared."""

from __future__ import annotations

import base64
import gzip
import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given

from benchmarks.comparison import published
from codegen.pack import pack
from harmony_spec import HarmonyError, Message, RenderError, VocabularyError, codec, parse, render
from harmony_spec import vocabulary as module

from .strategies import contents

ENCODING = codec.FORMAT.encoding


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ranks") / "o200k_base.tiktoken"
    published(path)
    return path


@given(contents)
def test_text_survives_encoding(text: str) -> None:
    """Every text comes back, and its tokens are ordinary."""
    vocabulary = module.load(ENCODING)
    tokens = vocabulary.encode(text)
    assert vocabulary.decode_bytes(tokens).decode() == text
    assert all(token < ENCODING.base_size for token in tokens)


def test_the_shipped_form_is_the_published_file(ranks: Path) -> None:
    """Packed anew from the published file, whose hash is the one everybody checks, it is the same."""
    data = ranks.read_bytes()
    assert hashlib.sha256(data).hexdigest() == ENCODING.sha256
    shipped = module.SHIPPED / f"{ENCODING.base}.bin"
    assert pack(data) == shipped.read_bytes()
    hashes = shipped.with_suffix(".sha256").read_text().split()
    assert hashes == [hashlib.sha256(pack(data)).hexdigest(), ENCODING.sha256]


def test_a_file_can_be_named(ranks: Path) -> None:
    vocabulary = module.load(ENCODING, ranks)
    messages = [Message("user", "Grüße, 世界 🎉")]
    tokens = render(messages, tokenizer=vocabulary)
    assert tokens == render(messages)
    assert parse(tokens, tokenizer=vocabulary).messages == messages


def test_a_wrong_file_is_refused_by_hash(ranks: Path, tmp_path: Path) -> None:
    """The error names the file, the hash it has and the hash it should have."""
    wrong = tmp_path / "other.tiktoken"
    wrong.write_bytes(ranks.read_bytes()[:-1])
    with pytest.raises(VocabularyError) as caught:
        module.load(ENCODING, wrong)
    assert str(wrong) in str(caught.value)
    assert str(ENCODING.sha256) in str(caught.value)
    assert hashlib.sha256(wrong.read_bytes()).hexdigest() in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"nothing\.tiktoken: No such file"):
        module.load(ENCODING, tmp_path / "nothing.tiktoken")


def test_threads_may_race_for_the_first_load() -> None:
    """In a fresh process: eight threads render at once, before anything is loaded, and there is one instance."""
    program = """
import threading
from harmony_spec import Message, codec, render
from harmony_spec.vocabulary import load
barrier, found = threading.Barrier(8), []
def work():
    barrier.wait()
    found.append((tuple(render([Message("user", "hi")])), load(codec.FORMAT.encoding)))
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(found), len(set(found)))
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "8 1\n"


def test_one_instance_is_shared_by_threads() -> None:
    found: list[object] = []
    messages = [Message("user", f"number {n} é") for n in range(50)]
    expected = render(messages)

    def work() -> None:
        found.append(module.load(ENCODING))
        found.append(render(messages) == expected and parse(expected).messages == messages)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {module.load(ENCODING), True}


@pytest.mark.parametrize("unit", ["a", "A", " ", "\t", "\n", " \n", "\u3000", "!", "1", "中", "\u0301", "😀", "^"])
def test_a_huge_run_is_encoded_or_refused(unit: str) -> None:
    """1,300,000 characters of one kind end in tokens, never in a panic of the tokenizer."""
    text = unit * (1_300_000 // len(unit))
    tokens = render([Message("user", text)])
    assert parse(tokens).messages[0].content == text


def test_half_a_character_is_refused() -> None:
    with pytest.raises(VocabularyError, match="character 2 is a lone surrogate"):
        module.load(ENCODING).encode("ab\udc00")
    with pytest.raises(RenderError, match="character 2 of the content is a lone surrogate"):
        render([Message("user", "ab\udc00")])


def test_any_tokenizer_with_two_methods_will_do() -> None:
    class Bytes:
        def encode(self, text: str) -> list[int]:
            return list(text.encode())

        def decode_bytes(self, tokens: list[int], /) -> bytes:
            return bytes(tokens)

    messages = [Message("user", "Grüße"), Message("assistant", "ok", channel="final")]
    tokens = render(messages, tokenizer=Bytes())
    assert tokens[-2:] == [107, 200007]
    assert parse(tokens, tokenizer=Bytes()).messages == messages


def test_an_encoding_that_is_not_shipped_says_so() -> None:
    from dataclasses import replace

    with pytest.raises(HarmonyError, match="no vocabulary for the encoding other"):
        module.load(replace(ENCODING, name="other", base="other"))


def test_a_packed_file_that_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    encoding = replace(ENCODING)
    (tmp_path / f"{encoding.base}.bin").write_bytes(b"x")
    (tmp_path / f"{encoding.base}.sha256").write_text("0" * 64 + "\n" + str(encoding.sha256))
    monkeypatch.setattr(module, "SHIPPED", tmp_path)
    monkeypatch.setattr(module, "_shared", {})
    with pytest.raises(VocabularyError, match="its SHA-256 is"):
        module.load(encoding)


def test_ranks_may_come_in_any_order() -> None:
    lines = [base64.b64encode(token) + b" %d" % rank for rank, token in [(1, b"bc"), (0, b"a")]]
    assert pack(b"\n".join(lines)) == b"\x01\x02abc"
    assert pack(gzip.decompress(gzip.compress(b"\n".join(lines)))) == b"\x01\x02abc"


def test_a_shipped_file_of_another_hash_is_not_taken() -> None:
    """The hash that the grammar names is the one of the published file that the shipped form was made from."""
    from dataclasses import replace

    with pytest.raises(VocabularyError, match="was made from the file"):
        module.load(replace(ENCODING, sha256="0" * 64))


def test_headers_are_kept_apart_by_tokenizer() -> None:
    """The same tokens mean something else in another vocabulary, also right after each other."""

    class Table:
        def __init__(self, words: dict[int, bytes]) -> None:
            self.words = words

        def encode(self, text: str) -> list[int]:
            return [next(token for token, word in self.words.items() if word == text.encode())]

        def decode_bytes(self, tokens: list[int], /) -> bytes:
            return b"".join(self.words[token] for token in tokens)

    one, other = Table({5: b"user", 6: b"x"}), Table({5: b"system", 6: b"x"})
    tokens = [200006, 5, 200008, 6, 200007]
    assert parse(tokens, tokenizer=one).messages == [Message("user", "x")]
    assert parse(tokens, tokenizer=other).messages == [Message("system", "x")]
    assert render([Message("user", "x")], tokenizer=one) == tokens
    assert render([Message("system", "x")], tokenizer=other) == tokens
