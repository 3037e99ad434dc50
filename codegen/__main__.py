"""Generate the codec of this package, its codes and docs/diagnostics.md, without importing it: `python -m codegen`.

Then the new codec reads the examples, in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys

from . import GRAMMAR, generate
from .model.recovery_tables import library_diagnostics
from .read.grammar_folder import DIAGNOSTICS_FILE, load
from .read.problems import GrammarError
from .update import update
from .write.catalogue_files import diagnostics_page, library_codes

if __name__ == "__main__":
    root = GRAMMAR.parent
    try:
        made = {root / "harmony_spec" / "codec.py": generate(GRAMMAR)}
        made[root / "harmony_spec" / "codes.py"] = library_codes(library_diagnostics())
        made[root / "docs" / "diagnostics.md"] = diagnostics_page(load(GRAMMAR).table(DIAGNOSTICS_FILE))
    except GrammarError as error:
        sys.exit(str(error))
    for path, text in made.items():
        print(update(path, text), path.relative_to(root))
    command = [sys.executable, "-m", "harmony_spec", "generate", "grammar", "--output", "harmony_spec/codec.py"]
    sys.exit(subprocess.run([*command, "--check", "--quiet"], cwd=root).returncode)
