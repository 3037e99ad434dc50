"""Baselines: findings that are recorded in a file by code and content, so that later runs report only new ones."""

from __future__ import annotations

import json
import os
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, ValidationError, convert, structs

from ..source.saved_text import Source
from .atomic import AtomicFile
from .findings import Checked
from .opening import STDIN, InputError
from .rows import json_of, read_text

FINGERPRINT_CHARS = 16
"""Hexadecimal digits of a fingerprint: 64 bits, so that two of a billion contents hardly ever have the same."""


class BaselineFile(Struct):
    """What a baseline holds: how often each finding was found, by file, code and fingerprint."""

    version: Literal[1]
    files: dict[str, dict[str, dict[str, Annotated[int, Meta(ge=1)]]]]


Key = tuple[str, str, str]
"""File, code, fingerprint."""


def fingerprint(code: str, content: Source) -> str:
    """A hash of a code and the content that has the finding: a message, or a row that cannot be read."""
    text = content if isinstance(content, str) else repr(content)
    return sha256(f"{code}\0{text}".encode(errors="surrogatepass")).hexdigest()[:FINGERPRINT_CHARS]


class Baseline:
    """Recorded findings, and how often each was recorded and not found yet.

    Args:
        path: of the file; the paths in it are relative to its folder.
        is_new: whether findings are recorded. A file that exists is replaced, but only a baseline.

    Raises:
        InputError: the file is missing or not a baseline.
    """

    def __init__(self, path: Path, is_new: bool = False) -> None:
        self.path, self.folder, self.is_new = path, path.absolute().parent, is_new
        self.counts = Counter[Key]()
        if is_new and not path.exists():
            return
        try:
            known = convert(json_of(str(path), read_text(str(path))), BaselineFile)
        except ValidationError:
            advice = "pass the name of a new file" if is_new else "write one with --write-baseline"
            raise InputError(f"{path}: not a baseline; {advice}") from None
        for file, codes in () if is_new else known.files.items():
            for code, fingerprints in codes.items():
                self.counts.update({(file, code, key): number for key, number in fingerprints.items()})

    def without_known(self, checked: Checked) -> Checked:
        """A row without the findings that are recorded; each recorded one is left out once."""
        name, new = _relative(checked.name, self.folder) if checked.findings else "", []
        for finding in checked.findings:
            key = (name, finding.code.code, finding.fingerprint)
            if self.is_new:
                self.counts[key] += 1
            elif self.counts[key]:
                self.counts[key] -= 1
            else:
                new.append(finding)
        return structs.replace(checked, findings=new) if checked.findings else checked

    def write(self) -> None:
        """Write the file. Raises `OSError`."""
        files: dict[str, dict[str, dict[str, int]]] = {}
        for (file, code, key), number in sorted(self.counts.items()):
            files.setdefault(file, {}).setdefault(code, {})[key] = number
        with AtomicFile(self.path) as atomic:
            atomic.file.write(json.dumps({"version": 1, "files": files}, indent=2).encode() + b"\n")


def _relative(name: str, folder: Path) -> str:
    """A file name as a baseline has it: relative to the folder of the baseline, with `/`."""
    if name == STDIN:
        return name
    path = os.path.relpath(os.path.realpath(name), os.path.realpath(folder))
    return Path(path).as_posix()
