"""The codec that commands and functions work with: the one of this package, or a generated module."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from .errors import CodecError
from .format.tables import Format, Tokenizer

HOW_TO_GENERATE = "generate one with: harmony-spec generate FOLDER -o my_codec.py"


def default_codec() -> ModuleType:
    """The codec of `grammar/`, as this package has it."""
    from . import codec

    return codec


@cache
def load_codec(path: Path | None, tokenizer: str | None = None) -> ModuleType:
    """The codec in a generated module, or of a grammar folder; without a path, that of this package.

    This runs the code of modules, so the arguments must come from the person who runs the program, never from data. A
    grammar is data: it cannot bring code of its own into the codec. A codec is loaded once in a process, under a name
    that depends only on the arguments, so that objects that one process pickles can be read in another one.

    Args:
        path: of the module or the folder.
        tokenizer: the tokenizer that the codec uses by default; see `load_tokenizer`.

    Raises:
        CodecError: the path is missing, the module cannot be imported or is not a codec, the grammar is wrong, or
            there is no such tokenizer.
    """
    if path is None and tokenizer is None:
        return default_codec()
    from hashlib import sha256  # loads OpenSSL, which parsing text does not need

    chosen = None if tokenizer is None else load_tokenizer(tokenizer)
    path = path or Path(str(default_codec().__file__))
    key = os.fsencode(path.absolute()) + (b"" if tokenizer is None else b"\0" + tokenizer.encode())
    name = f"harmony_spec_codec_{sha256(key).hexdigest()[:16]}"
    if name not in sys.modules:
        module = _generated(name, path) if path.is_dir() else _imported(name, path)
        module.FORMAT.encoding.tokenizer = chosen
    return sys.modules[name]


@cache
def load_tokenizer(name: str) -> Tokenizer:
    """The tokenizer that `module:name` names: an object with the methods `encode` and `decode_bytes`.

    This imports the module, so it runs code. Raises `CodecError` if that fails, or if there is no such object.
    """
    module, _, attribute = name.partition(":")
    if not (module and attribute):
        raise CodecError(f"tokenizer: {name!r} is not of the form module:name")
    try:
        found = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:  # a module may raise anything
        hint = "; add its folder to PYTHONPATH" if isinstance(error, ModuleNotFoundError) else ""
        raise CodecError(f"tokenizer: {name}: {type(error).__name__}: {error}{hint}") from error
    if isinstance(found, type) or not all(callable(getattr(found, each, None)) for each in ("encode", "decode_bytes")):
        raise CodecError(f"tokenizer: {name}: not an object with the methods encode and decode_bytes")
    tokenizer: Tokenizer = found
    return tokenizer


def _imported(name: str, path: Path) -> ModuleType:
    """The codec in a generated module."""
    spec = spec_from_file_location(name, path.absolute())
    if spec is None or spec.loader is None or not path.is_file():
        raise CodecError(f"{path}: {'not a Python module' if path.is_file() else 'no such file'}; {HOW_TO_GENERATE}")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a module may raise anything
        del sys.modules[name]
        raise CodecError(f"{path}: cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(getattr(module, "FORMAT", None), Format):
        del sys.modules[name]
        raise CodecError(f"{path}: not a codec; {HOW_TO_GENERATE}")
    return module


def _generated(name: str, folder: Path) -> ModuleType:
    """The codec of a grammar folder."""
    from .codegen import GrammarError, generate

    try:
        text = generate(folder)
    except GrammarError as error:
        raise CodecError(f"{folder}: {error}; for all problems run: harmony-spec generate {folder}") from None
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = str(folder)
    exec(compile(text, f"<codec of {folder}>", "exec"), module.__dict__)
    return module
