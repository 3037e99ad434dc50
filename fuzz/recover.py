"""The fuzzer: `python -m fuzz.recover [libFuzzer options] [corpus folders]`.

Nothing that an input raises stops it: of each kind of finding the shortest input is kept, beside a report of the run.
With files instead of folders, it says what these inputs are and checks them, and needs no `atheris`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

SEEDS = Path(__file__).resolve().parent / "seeds"

LONGEST, TIMEOUT = 4096, 20
"""Bytes of an input: enough to pass the limits of headers. Seconds after which an input hangs: a bug."""


def main() -> None:
    """Read the command line, then fuzz, or replay."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.recover", description=__doc__)
    parser.add_argument("--findings", type=Path, default=Path("findings"), help="folder for the report and findings")
    options, rest = parser.parse_known_args()
    files = [Path(argument) for argument in rest if Path(argument).is_file()]
    if files:
        sys.exit(replay(files))
    fuzz(options.findings, rest)


def replay(files: list[Path]) -> int:
    """Check inputs, and say what they are; the exit status."""
    from . import checks, inputs

    failed = 0
    for file in files:
        case = inputs.case_of(file.read_bytes())
        print(f"{file}: recover({case.python()})  # chunks {case.chunks}")
        try:
            checks.check(case)
        except Exception as error:
            failed += 1
            print(f"    {error!r}")
    return int(failed > 0)


def fuzz(folder: Path, arguments: list[str]) -> None:
    """Fuzz until libFuzzer stops."""
    atheris: Any = import_module("atheris")  # it has no types
    with atheris.instrument_imports(include=["harmony_spec"]):
        from . import checks, inputs
    from .tally import Findings

    def check(data: bytes) -> None:
        checks.check(inputs.case_of(data))

    for seed in SEEDS.iterdir():  # what is loaded and compiled once is no part of the time of an input
        with suppress(Exception):
            check(seed.read_bytes())
    findings = Findings(folder, check)
    dictionary = folder / "words.dict"
    dictionary.write_text(words())
    options = [f"-dict={dictionary}", f"-max_len={LONGEST}", f"-timeout={TIMEOUT}"]
    corpus = [argument for argument in arguments if not argument.startswith("-")]
    flags = [argument for argument in arguments if argument.startswith("-")]
    for each in corpus:
        Path(each).mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, *flags, *(corpus or [tempfile.mkdtemp()]), str(SEEDS)], findings.run)
    atheris.Fuzz()


def words() -> str:
    """The words that inputs are made of, in the syntax of libFuzzer's dictionaries: one line each, in quotes.

    Special tokens that no rule names behave alike; the first and the last of them are enough.
    """
    from harmony_spec.codec import FORMAT, SPECIAL_TOKENS

    from .inputs import GIVEN, TOOLS

    assert FORMAT.recovery is not None
    recovery = FORMAT.recovery
    others = [spelling for spelling in SPECIAL_TOKENS if spelling not in FORMAT.markers]
    special = [*FORMAT.markers, *others[:3], others[-1]]
    leads = [lead for leads in recovery.leads.values() for lead in leads]
    names = [name for tools in TOOLS for name in tools or ()] + [given["name"] for given in GIVEN if given["name"]]
    known = [*recovery.roles, *recovery.channels, *recovery.content_types, recovery.definitions.functions]
    every = dict.fromkeys([*special, *leads, *known, *names])
    return "".join(f'"{quoted(word)}"\n' for word in every if word)


def quoted(word: str) -> str:
    """Any word as libFuzzer reads it: each byte as two digits."""
    return "".join(rf"\x{byte:02X}" for byte in word.encode())


if __name__ == "__main__":
    main()
