"""Baselines: findings that are recorded in a file by code and content, so that later runs report only new ones."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..source.saved_text import Source
from .atomic import AtomicFile
from .findings import Checked
from .input_files import STDIN, InputError, json_of, read_text

VERSION = 1

FINGERPRINT_CHARS = 16
"""Hexadecimal digits of a fingerprint: 64 bits, so that two of a billion contents hardly ever have the same."""

Key = tuple[str, str, str]
"""File, code, fingerprint."""


def fingerprint(code: str, content: Source) -> str:
    """A hash of a code and the content that has the finding: a message, or a row that cannot be read."""
    text = content if isinstance(content, str) else repr(content)
    return sha256(f"{code}\0{text}".encode(errors="surrogatepass")).hexdigest()[:FINGERPRINT_CHARS]


class Baseline:
    """Recorded findings, and how many of each were not found yet.

    Args:
        path: of the baseline; the paths in it are relative to its folder.
        left: how often each finding was recorded.
    """

    def __init__(self, path: Path, left: Counter[Key]) -> None:
        self.folder, self.left = path.absolute().parent, left

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """The baseline in a file. Raises `InputError` if it is missing or not a baseline."""
        value = json_of(str(path), read_text(str(path)))
        not_one = InputError(f"{path}: not a baseline; write one with --write-baseline")
        if not isinstance(value, dict) or type(version := value.get("version")) is not int:
            raise not_one
        if version != VERSION:
            raise InputError(f"{path}: unknown version {version} of a baseline; write it again with --write-baseline")
        left = Counter[Key]()
        try:
            for file, codes in value["files"].items():
                for code, fingerprints in codes.items():
                    left.update({(file, code, key): _positive(number) for key, number in fingerprints.items()})
        except (AttributeError, KeyError, TypeError, ValueError):
            raise not_one from None
        return cls(path, left)

    def without_known(self, checked: Checked) -> Checked:
        """A row without the findings that are recorded; each recorded one is left out once."""
        if not checked.findings:
            return checked
        name, new = _relative(checked.name, self.folder), []
        for finding in checked.findings:
            key = (name, finding.code.code, finding.fingerprint)
            if self.left[key]:
                self.left[key] -= 1
            else:
                new.append(finding)
        return replace(checked, findings=new)


class NewBaseline:
    """A baseline to be written.

    Args:
        path: of the file. One that exists is replaced, but only if it is a baseline, of any version.

    Raises:
        InputError: the file exists and is not a baseline.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path.absolute().parent
        self.recorded = Counter[Key]()
        if path.exists():
            value = json_of(str(path), read_text(str(path)))
            if not isinstance(value, dict) or not {"version", "files"} <= value.keys():
                raise InputError(f"{path}: not a baseline; pass the name of a new file")

    def without_known(self, checked: Checked) -> Checked:
        """Record the findings of a row, and return it without them."""
        if not checked.findings:
            return checked
        name = _relative(checked.name, self.folder)
        self.recorded.update((name, finding.code.code, finding.fingerprint) for finding in checked.findings)
        return replace(checked, findings=[])

    def write(self) -> None:
        """Write the file. Raises `OSError`."""
        files: dict[str, dict[str, dict[str, int]]] = {}
        for (file, code, key), number in sorted(self.recorded.items()):
            files.setdefault(file, {}).setdefault(code, {})[key] = number
        atomic = AtomicFile(self.path)
        atomic.file.write(json.dumps({"version": VERSION, "files": files}, indent=2).encode() + b"\n")
        atomic.commit()


def _positive(number: Any) -> int:
    if type(number) is not int or number < 1:
        raise ValueError
    return number


def _relative(name: str, folder: Path) -> str:
    """A file name as a baseline has it: relative to the folder of the baseline, with `/`."""
    if name == STDIN:
        return name
    path = os.path.relpath(os.path.realpath(name), os.path.realpath(folder))
    return Path(path).as_posix()
