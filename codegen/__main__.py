"""Generate the codec of this package, its codes and docs/diagnostics.md, without importing it: `python -m codegen`.

Then the new codec reads the example, in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys

from . import GRAMMAR, generate
from .model.recovery_tables import library_diagnostics
from .read.grammar_folder import CONVERSATION_FILE, DIAGNOSTICS_FILE, load
from .read.problems import GrammarError
from .update import update
from .write.catalogue_page import diagnostics_page
from .write.library_codes import library_codes

if __name__ == "__main__":
    root = GRAMMAR.parent
    try:
        made = {root / "harmony_spec" / "codec.py": generate(GRAMMAR)}
        sources = load(GRAMMAR)
        made[root / "harmony_spec" / "codes.py"] = library_codes(library_diagnostics())
        made[root / "docs" / "diagnostics.md"] = diagnostics_page(sources.table(DIAGNOSTICS_FILE))
    except GrammarError as error:
        sys.exit(str(error))
    for path, text in made.items():
        print(update(path, text), path.relative_to(root))
    command = [sys.executable, "-m", "harmony_spec", "validate", "-"]
    example = sources.table(CONVERSATION_FILE)["example"]
    checked = subprocess.run(command, cwd=root, input=example, capture_output=True, text=True)
    if checked.returncode:
        found = f"{checked.stdout}{checked.stderr}"
        sys.exit(f"{sources.place(CONVERSATION_FILE, 'example')}: the example has findings:\n{found}")
