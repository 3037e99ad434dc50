"""The codec that commands and functions work with: the one of this package, or a generated module."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.util import decode_source
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from .errors import CodecError
from .format.tables import Format

HOW_TO_GENERATE = "generate one with: harmony-spec generate FOLDER -o my_codec.py"


class CodecText(NamedTuple):
    """The source text of a codec, which can be loaded in any process, on any machine.

    Attributes:
        origin: the path that it was read from, for messages.
        text: the text of the module.
    """

    origin: str
    text: str


def default_codec() -> ModuleType:
    """The codec of `grammar/`, as this package has it."""
    from . import codec

    return codec


@cache
def load_codec(path: Path | None) -> ModuleType:
    """The codec in a generated module, or of a grammar folder; without a path, that of this package.

    This runs the code of a module, so the path must come from the person who runs the program, never from data. A
    grammar is data: it cannot bring code of its own into the codec. A path is read once in a process.

    Raises:
        CodecError: the path is missing, the module cannot be imported or is not a codec, or the grammar is wrong.
    """
    return load_codec_text(codec_text(path))


@cache
def codec_text(path: Path | None) -> CodecText | None:
    """The source text of a codec, for `load_codec_text`; of a grammar folder, it is generated.

    Raises:
        CodecError: the path is missing or cannot be read, or the grammar is wrong.
    """
    if path is None:
        return None
    if path.is_dir():
        return CodecText(str(path), _generated(path))
    if not path.is_file() or path.suffix != ".py":
        raise CodecError(f"{path}: {'not a Python module' if path.is_file() else 'no such file'}; {HOW_TO_GENERATE}")
    try:
        return CodecText(str(path.absolute()), decode_source(path.read_bytes()))
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

    origin, text = source
    digest = sha256(b"\0".join((os.fsencode(origin), text.encode(errors="surrogatepass")))).hexdigest()
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
    return module


def _generated(folder: Path) -> str:
    """The text of the codec of a grammar folder."""
    from .codegen import GrammarError, generate

    try:
        text: str = generate(folder)
    except GrammarError as error:
        raise CodecError(f"{folder}: {error}; for all problems run: harmony-spec generate {folder}") from None
    return text
