"""Settings of files: the command line, then the nearest `pyproject.toml` above each file that has a table for them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from ..codec_loading import CodecError, load_codec
from ..errors import SEVERITIES, HarmonyError, Severity
from ..tools.openai_tools import tools_from_json
from .batches import ID_COLUMN, MAX_FILE_BYTES, MAX_ROW_BYTES, Options
from .catalogue import ALL, Layer, SelectorError, matching, selected
from .input_files import STDIN, InputError, json_of, read_text

FILE, TABLE = "pyproject.toml", "tool.harmony-spec"


class SettingsError(Exception):
    """A setting that means nothing; the message names the file and the key."""


@dataclass(frozen=True)
class Settings:
    """What a settings file or a command line says; None where it says nothing.

    Attributes:
        file: where they stand; None for a command line.
        select: the codes that are wanted: codes, their beginnings, names, or ALL.
        ignore: those that are not.
        severity: how bad a mistake is at least.
        per_file_ignores: for patterns of files, the codes that are not wanted there.
        exclude: patterns of files that are left out of folders.
        start: what the inputs are.
        column: the column that holds them.
        id_column: the column that identifies rows.
        tools: a file with definitions of the tools that were offered.
        tokenization: whether token ids are compared with those that the tokenizer gives for their text.
        max_row_bytes: how long a row may be.
        max_file_bytes: how large a compressed file may become.
        codec: a generated module whose format the inputs have. Its code runs, so only the command line and a file that
            it names may say this.
        grammar: a grammar folder, in place of such a module. It is data, so any settings file may name it.
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
        """What paths and patterns are relative to."""
        return Path.cwd() if self.file is None else self.file.parent


def load(path: Path) -> Settings | None:
    """The settings in a TOML file; None where it has no table for them. Raises `SettingsError`."""
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
        raise SettingsError(f"{path}: {TABLE} is no table")
    read: dict[str, Any] = {}
    for key, value in table.items():
        if key not in KEYS:
            raise SettingsError(f"{path}: {TABLE}.{key}: no such setting; settings: {', '.join(KEYS)}")
        wanted, convert = KEYS[key]
        try:
            read[key.replace("-", "_")] = convert(value)
        except (TypeError, ValueError):
            raise SettingsError(f"{path}: {TABLE}.{key}: must be {wanted}") from None
    file = path.absolute()
    read |= {key: file.parent / read[key] for key in ("tools", "codec", "grammar") if key in read}
    return Settings(file=file, **read)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


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
    "per-file-ignores": ("a table of lists of codes, by patterns of files", _ignores),
    "exclude": ("a list of patterns of files", _texts),
    "start": ("a text", _text),
    "column": ("a text", _text),
    "id-column": ("a text", _text),
    "tools": ("the path of a file", _text),
    "tokenization": ("true or false", _flag),
    "max-row-bytes": ("a number of bytes", _size),
    "max-file-bytes": ("a number of bytes", _size),
    "codec": ("the path of a module", _text),
    "grammar": ("the path of a folder", _text),
}
"""The keys of the table, what their values are, and what reads them."""


class Resolver:
    """The settings of each file: those of the command line, then those of the nearest settings file above it.

    Args:
        command: what the command line says.
        config: the settings file of all files; None where each file has the nearest one above it.
        isolated: whether settings files are left alone.
        what: the options that no settings decide; the others of these do not count.
        fixable: codes, prefixes or names whose fixes are applied in any case.

    All methods raise `SettingsError`.
    """

    def __init__(
        self, command: Settings, config: Path | None, isolated: bool, what: Options, fixable: Iterable[str]
    ) -> None:
        self.command, self.isolated, self.what, self.fixable = command, isolated, what, tuple(fixable)
        self.config: Settings | None = None
        if config is not None and isolated:
            raise SettingsError("--isolated ignores all settings files; pass only one of --config and --isolated")
        if config is not None:
            self.config = load(config)
            if self.config is None:
                raise SettingsError(f"{config}: there is no table {TABLE}")
        self.nearest: dict[Path, Settings] = {}
        self.bases: dict[Path | None, Options] = {}

    def options(self, name: str) -> Options:
        """How the rows of a file are checked."""
        settings = self.settings(_folder(name))
        if settings.file not in self.bases:
            self.bases[settings.file] = self._options(settings)
        options = self.bases[settings.file]
        for pattern, codes in settings.per_file_ignores.items():
            if name != STDIN and _fits(pattern, Path(name), settings.folder):
                try:
                    options = replace(options, selected=options.selected - matching(codes, options.codec))
                except SelectorError as error:
                    raise SettingsError(f"{settings.file}: per-file-ignores: {error}") from None
        return options

    def excluded(self, path: Path) -> bool:
        """Whether a file or folder that was not named itself is left out."""
        settings = self.settings(_folder(str(path)))
        patterns = [(pattern, settings.folder) for pattern in settings.exclude]
        patterns += [(pattern, self.command.folder) for pattern in self.command.exclude]
        return any(_fits(pattern, path, folder) for pattern, folder in patterns)

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
                reason = "runs the code of a module; pass it as --codec, or name a grammar folder as grammar"
                raise SettingsError(f"{path}: {TABLE}.codec: {reason}")
            return found
        return Settings() if folder == folder.parent else self.settings(folder.parent)

    def _options(self, settings: Settings) -> Options:
        command = self.command
        tools = command.tools or settings.tools
        path = command.codec_path or settings.codec_path
        try:
            codec = load_codec(path)
            all_selected, fixable = self._selected(settings, codec), matching(self.fixable, codec)
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
            self.what,
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
            selected(layers, least, codec)
        except SelectorError as error:
            raise SettingsError(f"{settings.file}: {error}") from None
        try:
            return selected([*layers, Layer(command.select, command.ignore)], least, codec)
        except SelectorError as error:
            raise SettingsError(f"--select, --ignore: {error}") from None


def _folder(name: str) -> Path:
    """The folder whose settings a file has."""
    return Path.cwd() if name == STDIN else Path(name).absolute().parent


def _fits(pattern: str, path: Path, folder: Path) -> bool:
    """Whether a pattern fits a file, or a folder that it is in: by its name, or by its path from a folder on."""
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
    """The text of a file with definitions of tools. Raises `SettingsError` where it holds none."""
    try:
        text = read_text(str(path))
        tools_from_json(json_of(str(path), text), codec=codec)
    except InputError as error:
        raise SettingsError(str(error)) from None
    except (CodecError, HarmonyError, RecursionError, ValueError) as error:
        raise SettingsError(f"{path}: no tool definitions: {error}") from None
    return text
