"""Dialects: folders with a grammar of their own, and edits of a copy of `grammar/`; generated and imported."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from codegen import GRAMMAR, generate
from harmony_spec.format.token_encoding import Encoding
from harmony_spec.vocabulary import load

HERE = Path(__file__).resolve().parent / "dialects"
EDITS = tomllib.loads((HERE / "edits.toml").read_text(encoding="utf-8"))
FOLDERS = sorted(path.name for path in HERE.iterdir() if path.is_dir())
NAMES = [*EDITS, *FOLDERS]

Edit = dict[str, str]


class Bytes:
    """A tokenizer whose ordinary tokens are bytes."""

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode_bytes(self, tokens: list[int], /) -> bytes:
        return bytes(tokens)


PAIRS = (b"\n\n", b"00", b"er", b"us", b"as", b"is", b"an", b"t\n", b"r\n", b"\n0", b"0\n", b"in", b"  ")
PAIRS_BY_ID = {number: bytes([number]) for number in range(256)}
PAIRS_BY_ID |= dict(zip((192, 193, *range(245, 256)), PAIRS, strict=True))
PAIR_IDS = {each: number for number, each in PAIRS_BY_ID.items()}
PAIR_MATCHER = re.compile(b"|".join(map(re.escape, PAIRS)) + b"|(?s:.)")


class Pairs:
    """A tokenizer of bytes, with a token for some pairs, in place of bytes that UTF-8 has nowhere."""

    def encode(self, text: str) -> list[int]:
        return [PAIR_IDS[each] for each in PAIR_MATCHER.findall(text.encode())]

    def decode_bytes(self, tokens: list[int], /) -> bytes:
        return b"".join(PAIRS_BY_ID[token] for token in tokens)


class Shifted:
    """The shipped tokenizer with ordinary ids moved out of the way of low special tokens."""

    def __init__(self, encoding: Encoding) -> None:
        self.inner = load(encoding)

    def encode(self, text: str) -> list[int]:
        return [token + 10 for token in self.inner.encode(text) if token + 10 < self.inner.encoding.base_size]

    def decode_bytes(self, tokens: list[int], /) -> bytes:
        return self.inner.decode_bytes([(token - 10) % self.inner.encoding.base_size for token in tokens])


def edited(folder: Path, edits: Iterable[Edit]) -> Path:
    """A copy of the grammar with edits, each at the first place that it finds, or `everywhere`; there must be one.

    An edit of nothing but a file removes it.
    """
    shutil.copytree(GRAMMAR, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in edits:
        path = folder / edit["file"]
        if "old" not in edit:
            path.unlink()
            continue
        path.touch()
        text = path.read_text(encoding="utf-8")
        assert edit["old"] in text, edit
        times = -1 if "everywhere" in edit else 1
        path.write_text(text.replace(edit["old"], edit["new"], times), encoding="utf-8")
    return folder


def grammar_of(name: str, temporary: Path) -> Path:
    return HERE / name if name in FOLDERS else edited(temporary / name, EDITS[name]["edit"])


def module_of(name: str, text: str, temporary: Path) -> ModuleType:
    """Import generated text as a module, under a name of its own: pickles and type hints find a module by its name."""
    stems = chain([f"codec_of_{name}"], (f"codec_of_{name}_{number}" for number in count(2)))
    stem = next(stem for stem in stems if stem not in sys.modules)
    path = temporary / f"{stem}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@cache
def text_of(name: str) -> str:
    """The generated text of a dialect, which the processes of one run of the tests share (`conftest.py`)."""
    folder = os.environ.get("GENERATED_DIALECTS")
    path = folder and Path(folder, f"{name}.py")
    if path and path.exists():
        return path.read_text(encoding="utf-8")
    with TemporaryDirectory() as temporary:
        text = generate(grammar_of(name, Path(temporary)))
    if path:
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    return text


def codec_of(name: str, temporary: Path) -> ModuleType:
    return module_of(name, text_of(name), temporary)
