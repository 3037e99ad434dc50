"""Generate the codec of this package and docs/diagnostics.md without importing the codec: `python -m codegen`."""

from __future__ import annotations

import sys

from . import GRAMMAR, GrammarError, generate
from .document import document
from .update import update

if __name__ == "__main__":
    root = GRAMMAR.parent
    try:
        made = {root / "harmony_spec" / "codec.py": generate(GRAMMAR)}
        made[root / "docs" / "diagnostics.md"] = document(GRAMMAR)
    except GrammarError as error:
        sys.exit(str(error))
    for path, text in made.items():
        print(update(path, text), path.relative_to(root))
