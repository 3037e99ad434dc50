"""Generate the codec of this package, its codes and docs/diagnostics.md, without importing it: `python -m codegen`."""

from __future__ import annotations

import sys

from . import GRAMMAR, generate
from .build import build
from .read.grammar_folder import DIAGNOSTICS, load
from .read.problems import GrammarError
from .update import update
from .write.catalogue_page import diagnostics_page
from .write.error_codes import error_codes

if __name__ == "__main__":
    root = GRAMMAR.parent
    try:
        made = {root / "harmony_spec" / "codec.py": generate(GRAMMAR)}
        sources = load(GRAMMAR)
        diagnostics = sources.table(DIAGNOSTICS)
        made[root / "harmony_spec" / "codes.py"] = error_codes(build(sources), diagnostics)
        made[root / "docs" / "diagnostics.md"] = diagnostics_page(diagnostics)
    except GrammarError as error:
        sys.exit(str(error))
    for path, text in made.items():
        print(update(path, text), path.relative_to(root))
