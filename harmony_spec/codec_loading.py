"""The codec that commands and functions work with: the one of this package, or a generated module."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from .errors import CodecError
from .format.tables import Format

HOW_TO_GENERATE = "generate one with: harmony-spec generate FOLDER -o my_codec.py"


def default_codec() -> ModuleType:
    """The codec of `grammar/`, as this package has it."""
    from . import codec

    return codec


@cache
def load_codec(path: Path | None) -> ModuleType:
    """The codec in a generated module, or of a grammar folder; without a path, that of this package.

    This runs the code of a module, so the path must come from the person who runs the program, never from data. A
    grammar is data: it cannot bring code of its own into the codec. A path is loaded once in a process, under a name
    that depends only on it, so that objects that one process pickles can be read in another one.

    Raises:
        CodecError: the path is missing, the module cannot be imported or is not a codec, or the grammar is wrong.
    """
    if path is None:
        return default_codec()
    from hashlib import sha256  # loads OpenSSL, which parsing text does not need

    name = f"harmony_spec_codec_{sha256(os.fsencode(path.absolute())).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    if path.is_dir():
        return _generated(name, path)
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
