"""Write a generated file only if it changes, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def update(path: Path, text: str) -> str:
    """Write a file if its content differs; returns "created", "updated" or "same"."""
    status = compare(path, text)
    if status == "same":
        return status
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return status


def compare(path: Path, text: str) -> str:
    """Return what `update` would return, and write nothing."""
    if not path.exists():
        return "created"
    return "same" if path.read_bytes() == text.encode() else "updated"
