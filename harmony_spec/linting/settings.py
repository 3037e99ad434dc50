"""Settings of files, from the command line and the nearest `pyproject.toml` with a table for them above each file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_args, get_type_hints

from msgspec import Meta, ValidationError, convert

from ..codec_loading import codec_text
from ..errors import SEVERITIES, CodecError, HarmonyError, Severity, near_misses, quoted
from ..tools.openai_tools import tools_from_json
from .batches import Options
from .catalogue import ALL, SelectorError, codes, select_codes
from .opening import STDIN, InputError
from .rows import json_of, read_text

FILE, TABLE = "pyproject.toml", "tool.harmony-spec"

SIMILAR_TABLE = 0.85
"""How similar the name of a table is that is a misspelling, such as `tool.harmony_spec`; `tool.harmony` may be that of
another program."""


class SettingsError(Exception):
    """A setting is invalid; the message names the file and the key."""


NonEmptyText = Annotated[str, Meta(min_length=1)]
PositiveInteger = Annotated[int, Meta(ge=1)]
ONE_SEVERITY = f"one of {', '.join(SEVERITIES)}"


@dataclass(frozen=True)
class Settings:
    """The settings of a file or a command line; None where they are not set.

    Attributes:
        file: the settings file; None for a command line.
        select: the rules to report: codes, prefixes of codes, names, or ALL.
        ignore: the rules not to report.
        severity: the lowest severity to report.
        per_file_ignores: the rules not to report in some files, by patterns of files.
        exclude: patterns of files to leave out of folders.
        start: the start rule of the inputs.
        column: the column that holds the inputs.
        id_column: the column that identifies rows.
        tools: a file with definitions of the offered tools.
        tokenization: whether token ids are compared with the canonical ones of their text.
        max_row_bytes: the size limit of a row.
        max_file_bytes: the size limit of a compressed file after decompression.
        codec: a generated module for the format of the inputs. Its code runs, so only the command line and a settings
            file named there may set this.
        tokenizer: the tokenizer, as `module:name`. Its code runs, too.
        grammar: a grammar folder instead of a codec. It is data, so any settings file may set this.
    """

    file: Path | None = None
    select: Annotated[Sequence[str] | None, "a list of codes"] = None
    ignore: Annotated[Sequence[str], "a list of codes"] = ()
    severity: Annotated[Severity | None, ONE_SEVERITY] = None
    per_file_ignores: Annotated[
        Mapping[str, Sequence[str]], "a table that maps patterns of files to lists of codes"
    ] = field(default_factory=dict)
    exclude: Annotated[Sequence[str], "a list of patterns of files"] = ()
    start: Annotated[str | None, "a string"] = None
    column: Annotated[NonEmptyText | None, "the name of a column"] = None
    id_column: Annotated[NonEmptyText | None, "the name of a column"] = None
    tools: Annotated[Path | None, "the path of a file"] = None
    tokenization: Annotated[bool | None, "true or false"] = None
    max_row_bytes: Annotated[PositiveInteger | None, "a number of bytes"] = None
    max_file_bytes: Annotated[PositiveInteger | None, "a number of bytes"] = None
    codec: Annotated[Path | None, "the path of a Python module"] = None
    tokenizer: Annotated[NonEmptyText | None, "the name of an object, as module:name"] = None
    grammar: Annotated[Path | None, "the path of a folder"] = None

    @property
    def codec_path(self) -> Path | None:
        """The codec, or the grammar folder to generate it from."""
        return self.codec or self.grammar

    @property
    def folder(self) -> Path:
        """The folder that paths and patterns are relative to."""
        return Path.cwd() if self.file is None else self.file.parent


NO_SETTINGS = Settings()


def load(path: Path) -> Settings | None:
    """The settings in a TOML file; None if it has no table for them. Raises `SettingsError`."""
    try:
        document = tomllib.loads(read_text(str(path)), parse_float=Decimal)  # as a float, a large exponent is infinite
    except InputError as error:
        raise SettingsError(str(error)) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path}: the TOML is nested too deeply") from None
    except (ValueError, ArithmeticError):  # an integer of more than 4,300 digits, or an exponent like that
        raise SettingsError(f"{path}: a number in the TOML is too large") from None
    parent, _, name = TABLE.partition(".")
    tables, table = document.get(parent), None
    if isinstance(tables, dict) and (table := tables.get(name)) is None:
        for similar in near_misses(TABLE, [f"{parent}.{each}" for each in tables], cutoff=SIMILAR_TABLE):
            raise SettingsError(f"{path}: {similar}: unknown table; did you mean {TABLE!r}?")
    if table is None:
        return None
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: {TABLE} is not a table")
    file = _absolute(path)
    read: dict[str, Any] = {}
    for key, value in table.items():
        if key not in SETTING_KEYS:
            near = near_misses(key, SETTING_KEYS)
            advice = f"did you mean {near[0]!r}?" if near else f"settings: {', '.join(SETTING_KEYS)}"
            raise SettingsError(f"{path}: {TABLE}.{key}: unknown setting; {advice}")
        read[key.replace("-", "_")] = _converted(key, value, file.parent, f"{path}: {TABLE}.{key}")
    if "codec" in read and "grammar" in read:
        raise SettingsError(f"{path}: {TABLE}: pass only one of codec and grammar")
    if "grammar" in read and not read["grammar"].is_dir():  # a module would run
        raise SettingsError(f"{path}: {TABLE}.grammar: {read['grammar']} is not a folder")
    return Settings(file=file, **read)


SETTING_KEYS: dict[str, Any] = {
    name.replace("_", "-"): hint
    for name, hint in get_type_hints(Settings, include_extras=True).items()
    if hasattr(hint, "__metadata__")
}
"""The keys of the table, with the types of their values, annotated with what they expect in words."""


def _converted(key: str, value: Any, folder: Path, place: str, got: str = "") -> Any:
    """The value of a setting, whose paths are relative to a folder. Raises `SettingsError`."""
    try:
        return convert(value, SETTING_KEYS[key], dec_hook=lambda _, path: folder / path)
    except ValidationError:
        raise SettingsError(f"{place}: expected {SETTING_KEYS[key].__metadata__[0]}{got}") from None


def _checked(settings: Settings) -> Settings:
    """The settings of a caller, with paths for texts. Raises `SettingsError` for values that no file could have."""
    if not isinstance(settings, Settings):
        raise TypeError(f"settings: expected Settings, got {type(settings).__name__}")
    read: dict[str, Any] = {}
    for key in SETTING_KEYS:
        name = key.replace("-", "_")
        value: Any = getattr(settings, name)
        if value != getattr(NO_SETTINGS, name):
            read[name] = _converted(key, value, Path(), name, f", got {quoted(value)}")
    return replace(settings, **read)


class Resolver:
    """Resolves the settings of each file. The command line overrides the nearest settings file above the file.

    Args:
        command: the settings of the command line.
        config: the settings file for all files; None to use the nearest one above each.
        isolated: whether settings files are ignored.
        base: the options that are not settings.
        fixable: codes, prefixes or names of rules all of whose fixes are applied.

    Attributes:
        settings: returns the settings of the files in a folder.

    All methods raise `SettingsError`.
    """

    def __init__(
        self, command: Settings, config: Path | None, isolated: bool, base: Options, fixable: str | Iterable[str]
    ) -> None:
        command = _checked(command)
        self.command, self.isolated, self.base = command, isolated, base
        self.fixable = (fixable,) if isinstance(fixable, str) else tuple(fixable)
        self.config: Settings | None = None
        if config is not None and isolated:
            raise SettingsError("--isolated ignores all settings files; pass only one of --config and --isolated")
        if config is not None:
            self.config = load(config)
            if self.config is None:
                raise SettingsError(f"{config}: the file has no table {TABLE}")
        self.settings = cache(self._settings)
        self.bases: dict[Path | None, Options] = {}

    def options(self, name: str) -> Options:
        """How the rows of a file are checked."""
        settings = self.settings(_folder(name))
        if settings.file not in self.bases:
            self.bases[settings.file] = self._options(settings)
        options = self.bases[settings.file]
        for pattern, ignored in settings.per_file_ignores.items():
            if name != STDIN and _matches(pattern, Path(name), settings.folder):
                with _invalid(f"{settings.file}: {TABLE}.per-file-ignores"):
                    options = replace(options, selected=options.selected - select_codes(options.codec, ignored))
        return options

    def excluded(self, path: Path) -> bool:
        """Whether a file or folder below a named folder is left out."""
        settings = self.settings(_folder(str(path)))
        patterns = [(pattern, settings.folder) for pattern in settings.exclude]
        patterns += [(pattern, self.command.folder) for pattern in self.command.exclude]
        return any(_matches(pattern, path, folder) for pattern, folder in patterns)

    def _settings(self, folder: Path) -> Settings:
        if self.config is not None or self.isolated:
            return self.config or Settings()
        path = folder / FILE
        if os.path.isfile(path) and (found := load(path)) is not None:
            reason = "this would run the code of a module; pass it as"
            if found.codec is not None:
                raise SettingsError(f"{path}: {TABLE}.codec: {reason} --codec, or set grammar to a grammar folder")
            if found.tokenizer is not None:
                raise SettingsError(f"{path}: {TABLE}.tokenizer: {reason} --tokenizer")
            return found
        return Settings() if folder == folder.parent else self.settings(folder.parent)

    def _options(self, settings: Settings) -> Options:
        command = self.command
        chosen: dict[str, Any] = {}
        for each in fields(Options):
            values = (getattr(layer, each.name, None) for layer in (command, settings))
            if (value := next((value for value in values if value is not None), None)) is not None:
                chosen[each.name] = value
        path = command.codec_path or settings.codec_path
        with _invalid():
            text = codec_text(path, command.tokenizer or settings.tokenizer)
            options = replace(self.base, codec_text=text, **chosen)
            codec = options.codec
            selected = select_codes(codec, (ALL,))
        in_file = f"{settings.file}: {TABLE}."
        for layer, origin in ((settings, in_file), (command, "")):
            with _invalid(f"{origin}select"):
                select_codes(codec, layer.select)
            with _invalid(f"{origin}ignore"):
                selected = select_codes(codec, layer.select, layer.ignore, selected)
        with _invalid("fixable"):
            fixable = select_codes(codec, self.fixable)
        least = SEVERITIES.index(command.severity or settings.severity or SEVERITIES[-1])
        severe = {code.code for code in codes(codec) if SEVERITIES.index(code.severity) <= least}
        starts = get_args(codec.Start)
        start = chosen.get("start", starts[0])
        if start not in starts:
            origin = "" if command.start else in_file
            raise SettingsError(f"{origin}start: unknown start {start!r}; starts: {', '.join(starts)}")
        path = chosen.get("tools")
        tools = None if path is None else definitions(path, codec)
        return replace(options, selected=selected & severe, fixable=fixable, start=start, tools=tools)


def options_of(settings: Settings = NO_SETTINGS, *, stripped: bool = False) -> Options:
    """How values and batches are checked, with the codec and the tools of the settings by content, for any machine.

    Args:
        settings: those of a command line; settings files are ignored.
        stripped: read text without special tokens as if they had been stripped.

    Raises:
        SettingsError: a setting is invalid.
    """
    base = Options(frozenset(), stripped=stripped, spans=True)
    return Resolver(settings, None, True, base, ()).options(STDIN)


@contextmanager
def _invalid(origin: object = None) -> Iterator[None]:
    """Raise a `SettingsError` for selectors and codecs that cannot be used."""
    try:
        yield
    except (CodecError, SelectorError) as error:
        raise SettingsError(f"{origin}: {error}" if origin else str(error)) from None


def _absolute(path: Path | str) -> Path:
    """An absolute path without `..`, so that its parents are the folders above it."""
    return Path(os.path.abspath(path))


def _folder(name: str) -> Path:
    """The folder whose settings apply to a file."""
    return Path.cwd() if name == STDIN else _absolute(name).parent


def _matches(pattern: str, path: Path, folder: Path) -> bool:
    """Whether a pattern matches a file or one of its parent folders, by name or by path relative to a folder."""
    whole, pattern = _absolute(path), pattern.rstrip("/").removeprefix("./")
    inside = whole.relative_to(folder) if whole.is_relative_to(folder) else whole
    parts = (inside, *inside.parents)
    return any(
        fnmatchcase(text, bare)
        for part in parts
        for text in (part.as_posix(), part.name)
        for bare in (pattern, pattern.removeprefix("**/"))
        if text
    )


def definitions(path: Path, codec: ModuleType) -> str:
    """The text of a file with definitions of tools. Raises `SettingsError` if they are invalid."""
    try:
        text = read_text(str(path))
        tools_from_json(json_of(str(path), text), codec=codec)
    except InputError as error:
        raise SettingsError(str(error)) from None
    except (CodecError, HarmonyError, RecursionError, ValueError) as error:
        raise SettingsError(f"{path}: invalid tool definitions: {error}") from None
    return text
