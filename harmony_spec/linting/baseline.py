"""Baselines: findings that are recorded in a file by code and content, so that later runs report only new ones."""

from __future__ import annotations

import json
import os
from collections import Counter
from hashlib import sha256
from pathlib import Path

from msgspec import structs

from ..source.saved_text import Source
from .atomic import AtomicFile
from .findings import Checked
from .opening import STDIN, InputError
from .rows import json_of, read_text

BASELINE_VERSION = 1

FINGERPRINT_CHARS = 16
"""Hexadecimal digits of a fingerprint: 64 bits, so that two of a billion contents hardly ever have the same."""

ANY_VERSION = {"type": "object", "required": ["version", "files"], "properties": {"version": {"type": "integer"}}}
COUNTS = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
BY_CODE = {"type": "object", "additionalProperties": COUNTS}
BASELINE_SCHEMA = {"properties": {"files": {"type": "object", "additionalProperties": BY_CODE}}}
"""What a baseline of this version has besides: how often each finding was found, by file, code and fingerprint."""

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
        is_new: whether findings are recorded. A file that exists is replaced, but only a baseline, of any version.

    Raises:
        InputError: the file is missing or not a baseline.
    """

    def __init__(self, path: Path, is_new: bool = False) -> None:
        from jsonschema import Draft202012Validator

        self.path, self.folder, self.is_new = path, path.absolute().parent, is_new
        self.counts = Counter[Key]()
        if is_new and not path.exists():
            return
        value = json_of(str(path), read_text(str(path)))
        is_baseline = Draft202012Validator(ANY_VERSION).is_valid(value)
        if is_baseline and not is_new and value["version"] != BASELINE_VERSION:
            reason = f"unknown version {value['version']} of a baseline; write it again with --write-baseline"
            raise InputError(f"{path}: {reason}")
        if not is_baseline or not (is_new or Draft202012Validator(BASELINE_SCHEMA).is_valid(value)):
            advice = "pass the name of a new file" if is_new else "write one with --write-baseline"
            raise InputError(f"{path}: not a baseline; {advice}")
        for file, codes in () if is_new else value["files"].items():
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
            atomic.file.write(json.dumps({"version": BASELINE_VERSION, "files": files}, indent=2).encode() + b"\n")


def _relative(name: str, folder: Path) -> str:
    """A file name as a baseline has it: relative to the folder of the baseline, with `/`."""
    if name == STDIN:
        return name
    path = os.path.relpath(os.path.realpath(name), os.path.realpath(folder))
    return Path(path).as_posix()
