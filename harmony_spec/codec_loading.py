"""The codec that commands and functions work with: the one of this package, or a generated module."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import decode_source
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from .errors import CodecError, HarmonyError
from .format.tables import Format
from .format.token_encoding import Tokenizer

A = TypeVar("A")
R = TypeVar("R")

HOW_TO_GENERATE = "generate one with: harmony-spec generate FOLDER -o my_codec.py"


class CodecText(NamedTuple):
    """The source text of a codec, which can be loaded in any process, on any machine.

    Attributes:
        origin: the path that it was read from, for messages.
        text: the text of the module.
        tokenizer: the name of the tokenizer that it uses by default; see `load_tokenizer`.
    """

    origin: str
    text: str
    tokenizer: str | None = None


def default_codec() -> ModuleType:
    """The codec of `grammar/`, as this package has it."""
    from . import codec

    return codec


@cache
def load_codec(path: Path | None, tokenizer: str | None = None) -> ModuleType:
    """The codec in a generated module, or of a grammar folder; without a path, that of this package.

    This runs the code of a module, so the path must come from the person who runs the program, never from data. A
    grammar is data: it cannot bring code of its own into the codec. A path is read once in a process.

    Args:
        path: of the module or the folder.
        tokenizer: the tokenizer that the codec uses by default; see `load_tokenizer`.

    Raises:
        CodecError: the path is missing, the module cannot be imported or is not a codec, the grammar is wrong, or
            the tokenizer cannot be loaded.
    """
    return load_codec_text(codec_text(path, tokenizer))


@cache
def codec_text(path: Path | None, tokenizer: str | None = None) -> CodecText | None:
    """The source text of a codec, for `load_codec_text`; of a grammar folder, it is generated.

    None for the codec of this package, with its own tokenizer.

    Raises:
        CodecError: the path is missing or cannot be read, or the grammar is wrong.
    """
    if path is None and tokenizer is None:
        return None
    path = path or Path(str(default_codec().__file__))
    if path.is_dir():
        return CodecText(str(path), _generated(path), tokenizer)
    if not path.is_file() or path.suffix != ".py":
        raise CodecError(f"{path}: {'not a Python module' if path.is_file() else 'no such file'}; {HOW_TO_GENERATE}")
    try:
        return CodecText(str(path.absolute()), decode_source(path.read_bytes()), tokenizer)
    except (OSError, SyntaxError, UnicodeError) as error:
        raise CodecError(f"{path}: cannot be imported: {type(error).__name__}: {error}") from error


@cache
def load_codec_text(source: CodecText | None) -> ModuleType:
    """The codec with this text; without one, that of this package. See `load_codec`.

    It is loaded once in a process, under a name that depends only on the text and its origin, so that objects that one
    process pickles can be read in another one.
    """
    if source is None:
        return default_codec()
    from hashlib import sha256  # loads OpenSSL, which parsing text does not need

    origin, text, tokenizer = source
    chosen = None if tokenizer is None else load_tokenizer(tokenizer)
    parts = os.fsencode(origin), *(each.encode(errors="surrogatepass") for each in (text, tokenizer or ""))
    digest = sha256(b"\0".join(parts)).hexdigest()
    module = ModuleType(f"harmony_spec_codec_{digest[:16]}")
    module.__file__ = origin
    sys.modules[module.__name__] = module
    try:
        exec(compile(text, origin, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:  # a module may raise anything
        del sys.modules[module.__name__]
        raise CodecError(f"{origin}: cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(getattr(module, "FORMAT", None), Format):
        del sys.modules[module.__name__]
        raise CodecError(f"{origin}: not a codec; {HOW_TO_GENERATE}")
    module.FORMAT.encoding.tokenizer = chosen
    return module


@cache
def load_tokenizer(name: str) -> Tokenizer:
    """The tokenizer that `module:name` names: an object with the methods `encode` and `decode_bytes`.

    This imports the module, so it runs code. Raises `CodecError` if that fails, or if the module lacks the object; so
    do the methods of the tokenizer when they fail.
    """
    module, _, attribute = name.partition(":")
    if not (module and attribute):
        raise CodecError(f"tokenizer: expected MODULE:NAME, got {name!r}")
    try:
        found = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:  # a module may raise anything
        hint = "; add its folder to PYTHONPATH" if isinstance(error, ModuleNotFoundError) else ""
        raise CodecError(f"tokenizer: {name}: {type(error).__name__}: {error}{hint}") from error
    if isinstance(found, type) or not all(callable(getattr(found, each, None)) for each in ("encode", "decode_bytes")):
        raise CodecError(f"tokenizer: {name}: not an object with the methods encode and decode_bytes")
    return NamedTokenizer(name, found)


class NamedTokenizer:
    """A tokenizer whose errors have its name. A text that cannot be encoded is none of its errors."""

    def __init__(self, name: str, tokenizer: Tokenizer) -> None:
        self.name = name
        self.encode, self.decode_bytes = self._named(tokenizer.encode), self._named(tokenizer.decode_bytes)

    def _named(self, method: Callable[[A], R]) -> Callable[[A], R]:
        def call(value: A) -> R:
            try:
                return method(value)
            except (HarmonyError, UnicodeError, OverflowError):
                raise
            except Exception as error:  # it may raise anything
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                raise CodecError(f"tokenizer: {self.name}: {reason}") from error

        return call


def generated(folder: Path) -> str:
    """The text of the codec of a grammar folder; raises `GrammarError`, also if the codec does not read an
    example of the grammar as expected."""
    from .codegen import generate

    def reader_of(text: str) -> Callable[[Any, Mapping[str, Any]], list[tuple[str, str]]]:
        codec = load_codec_text(CodecText(str(folder), text))

        def read(example: Any, options: Mapping[str, Any]) -> list[tuple[str, str]]:
            if not hasattr(codec, "validate"):
                return []
            try:
                found = codec.validate(example, **options).diagnostics
            except (HarmonyError, TypeError, UnicodeError) as error:  # a value of any type, or text that is none
                return [(type(error).__name__, str(error))]
            return [(each.code.name, str(each)) for each in found]

        return read

    text: str = generate(folder, reader_of)
    return text


def _generated(folder: Path) -> str:
    """The text of the codec of a grammar folder; raises `CodecError` with the first problem."""
    from .codegen import GrammarError

    try:
        return generated(folder)
    except GrammarError as error:
        first, *others = error.problems
        more = f" (and {len(others)} more problem{'s' * (len(others) > 1)})" if others else ""
        place = place_in(folder, first.place)
        raise CodecError(f"{place}: {first.reason}{more}; run: harmony-spec generate {folder}") from None


def place_in(folder: Path, place: Any) -> str:
    """The place of a problem in a grammar folder, or that of the folder itself, as a path with line and column."""
    is_folder = place.file == folder.resolve().name
    path = folder / place.file if not is_folder else folder if folder.name else Path(place.file or folder)
    return f"{path}:{place.line}:{place.column}"
