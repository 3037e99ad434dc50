"""Settings of files, from the command line and the nearest `pyproject.toml` with a table for them above each file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from ..codec_loading import load_codec
from ..errors import SEVERITIES, CodecError, HarmonyError, Severity
from ..tools.openai_tools import tools_from_json
from .batches import ID_COLUMN, MAX_FILE_BYTES, MAX_ROW_BYTES, Options
from .catalogue import ALL, Layer, SelectorError, match_codes, select_codes
from .input_files import STDIN, InputError, json_of, read_text

FILE, TABLE = "pyproject.toml", "tool.harmony-spec"


class SettingsError(Exception):
    """A setting is invalid; the message names the file and the key."""


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
        grammar: a grammar folder instead. It is data, so any settings file may set this.
    """

    file: Path | None = None
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    severity: Severity | None = None
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    start: str | None = None
    column: str | None = None
    id_column: str | None = None
    tools: Path | None = None
    tokenization: bool | None = None
    max_row_bytes: int | None = None
    max_file_bytes: int | None = None
    codec: Path | None = None
    grammar: Path | None = None

    @property
    def codec_path(self) -> Path | None:
        """The codec, or the grammar folder to generate it from."""
        return self.codec or self.grammar

    @property
    def folder(self) -> Path:
        """The folder that paths and patterns are relative to."""
        return Path.cwd() if self.file is None else self.file.parent


def load(path: Path) -> Settings | None:
    """The settings in a TOML file; None if it has no table for them. Raises `SettingsError`."""
    try:
        document = tomllib.loads(read_text(str(path)))
    except InputError as error:
        raise SettingsError(str(error)) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{path}: not TOML: {error}") from None
    table: Any = document
    for key in TABLE.split("."):
        table = table.get(key) if isinstance(table, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: {TABLE} is not a table")
    read: dict[str, Any] = {}
    for key, value in table.items():
        if key not in KEYS:
            raise SettingsError(f"{path}: {TABLE}.{key}: unknown setting; settings: {', '.join(KEYS)}")
        expected, convert = KEYS[key]
        try:
            read[key.replace("-", "_")] = convert(value)
        except (TypeError, ValueError):
            raise SettingsError(f"{path}: {TABLE}.{key}: expected {expected}") from None
    file = path.absolute()
    read |= {key: file.parent / read[key] for key in ("tools", "codec", "grammar") if key in read}
    if "codec" in read and "grammar" in read:
        raise SettingsError(f"{path}: {TABLE}: pass only one of codec and grammar")
    if "grammar" in read and not read["grammar"].is_dir():  # a module would run
        raise SettingsError(f"{path}: {TABLE}.grammar: {read['grammar']} is not a folder")
    return Settings(file=file, **read)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _name(value: object) -> str:
    if not _text(value):
        raise ValueError
    return _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(map(_text, value))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _size(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    if value < 1:
        raise ValueError
    return value


def _ignores(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise TypeError
    return {pattern: _texts(codes) for pattern, codes in value.items()}


def _one_of(*known: str) -> Callable[[object], str]:
    def convert(value: object) -> str:
        if value not in known:
            raise ValueError
        return str(value)

    return convert


KEYS: dict[str, tuple[str, Callable[[object], object]]] = {
    "select": ("a list of codes", _texts),
    "ignore": ("a list of codes", _texts),
    "severity": (f"one of {', '.join(SEVERITIES)}", _one_of(*SEVERITIES)),
    "per-file-ignores": ("a table that maps patterns of files to lists of codes", _ignores),
    "exclude": ("a list of patterns of files", _texts),
    "start": ("a string", _text),
    "column": ("the name of a column", _name),
    "id-column": ("the name of a column", _name),
    "tools": ("the path of a file", _text),
    "tokenization": ("true or false", _flag),
    "max-row-bytes": ("a number of bytes", _size),
    "max-file-bytes": ("a number of bytes", _size),
    "codec": ("the path of a Python module", _text),
    "grammar": ("the path of a folder", _text),
}
"""The keys of the table, with what they expect and the function that checks it."""


class Resolver:
    """Resolves the settings of each file. The command line overrides the nearest settings file above the file.

    Args:
        command: the settings of the command line.
        config: the settings file for all files; None to use the nearest one above each.
        isolated: whether settings files are ignored.
        base: the options that are not settings.
        fixable: codes, prefixes or names of rules all of whose fixes are applied.

    All methods raise `SettingsError`.
    """

    def __init__(
        self, command: Settings, config: Path | None, isolated: bool, base: Options, fixable: Iterable[str]
    ) -> None:
        self.command, self.isolated, self.base, self.fixable = command, isolated, base, tuple(fixable)
        self.config: Settings | None = None
        if config is not None and isolated:
            raise SettingsError("--isolated ignores all settings files; pass only one of --config and --isolated")
        if config is not None:
            self.config = load(config)
            if self.config is None:
                raise SettingsError(f"{config}: the file has no table {TABLE}")
        self.nearest: dict[Path, Settings] = {}
        self.bases: dict[Path | None, Options] = {}

    def options(self, name: str) -> Options:
        """How the rows of a file are checked."""
        settings = self.settings(_folder(name))
        if settings.file not in self.bases:
            self.bases[settings.file] = self._options(settings)
        options = self.bases[settings.file]
        for pattern, codes in settings.per_file_ignores.items():
            if name != STDIN and _matches(pattern, Path(name), settings.folder):
                try:
                    options = replace(options, selected=options.selected - match_codes(codes, options.codec))
                except SelectorError as error:
                    raise SettingsError(f"{settings.file}: per-file-ignores: {error}") from None
        return options

    def excluded(self, path: Path) -> bool:
        """Whether a file or folder below a named folder is left out."""
        settings = self.settings(_folder(str(path)))
        patterns = [(pattern, settings.folder) for pattern in settings.exclude]
        patterns += [(pattern, self.command.folder) for pattern in self.command.exclude]
        return any(_matches(pattern, path, folder) for pattern, folder in patterns)

    def settings(self, folder: Path) -> Settings:
        """The settings of the files in a folder."""
        if self.config is not None or self.isolated:
            return self.config or Settings()
        if folder not in self.nearest:
            self.nearest[folder] = self._nearest(folder)
        return self.nearest[folder]

    def _nearest(self, folder: Path) -> Settings:
        path = folder / FILE
        if os.path.isfile(path) and (found := load(path)) is not None:
            if found.codec is not None:
                reason = "this would run the code of a module; pass it as --codec, or set grammar to a grammar folder"
                raise SettingsError(f"{path}: {TABLE}.codec: {reason}")
            return found
        return Settings() if folder == folder.parent else self.settings(folder.parent)

    def _options(self, settings: Settings) -> Options:
        command = self.command
        tools = command.tools or settings.tools
        path = command.codec_path or settings.codec_path
        try:
            codec = load_codec(path)
            all_selected, fixable = self._selected(settings, codec), match_codes(self.fixable, codec)
        except CodecError as error:
            raise SettingsError(str(error)) from None
        except SelectorError as error:
            raise SettingsError(f"fixable: {error}") from None
        starts = get_args(codec.Start)
        start = command.start or settings.start or starts[0]
        if start not in starts:
            raise SettingsError(f"{settings.file or 'start'}: unknown start {start!r}; starts: {', '.join(starts)}")
        tokenization = settings.tokenization if command.tokenization is None else command.tokenization
        return replace(
            self.base,
            selected=all_selected,
            fixable=fixable,
            codec_path=path,
            start=start,
            column=command.column or settings.column,
            id_column=command.id_column or settings.id_column or ID_COLUMN,
            tools=None if tools is None else definitions(tools, codec),
            tokenization=tokenization is not False,
            max_row_bytes=command.max_row_bytes or settings.max_row_bytes or MAX_ROW_BYTES,
            max_file_bytes=command.max_file_bytes or settings.max_file_bytes or MAX_FILE_BYTES,
        )

    def _selected(self, settings: Settings, codec: ModuleType) -> frozenset[str]:
        command = self.command
        least = command.severity or settings.severity or SEVERITIES[-1]
        layers = [Layer((ALL,)), Layer(settings.select, settings.ignore)]
        try:
            select_codes(layers, least, codec)
        except SelectorError as error:
            raise SettingsError(f"{settings.file}: {error}") from None
        try:
            return select_codes([*layers, Layer(command.select, command.ignore)], least, codec)
        except SelectorError as error:
            raise SettingsError(f"--select, --ignore: {error}") from None


def _folder(name: str) -> Path:
    """The folder whose settings apply to a file."""
    return Path.cwd() if name == STDIN else Path(name).absolute().parent


def _matches(pattern: str, path: Path, folder: Path) -> bool:
    """Whether a pattern matches a file or one of its parent folders, by name or by path relative to a folder."""
    whole = path.absolute()
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
