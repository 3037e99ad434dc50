"""Generate the codec of this package without importing it: `python -m codegen`, should that be broken."""

from __future__ import annotations

import sys

from . import GRAMMAR, GrammarError, generate
from .update import update

if __name__ == "__main__":
    codec = GRAMMAR.parent / "harmony_spec" / "codec.py"
    try:
        print(update(codec, generate(GRAMMAR)), codec.name)
    except GrammarError as error:
        sys.exit(str(error))
