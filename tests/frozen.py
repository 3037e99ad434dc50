"""Records what the package does with many inputs, to compare it after a change that should change nothing.

`python -m tests.frozen record FILE`, then, after the change, `python -m tests.frozen compare FILE`. The inputs are
those in `tests/data`, the examples of the catalogue, drawn conversations, valid and damaged, and some for each dialect.
Of each: messages, spans, repairs, diagnostics, fixes, tokens; of files, what the commands print.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import click
from click.testing import CliRunner

from harmony_spec import HarmonyError, codec
from harmony_spec.cli import main as command

from . import dialect
from .conversation_strategies import completion, transcript
from .recovery_strategies import tokens_of
from .test_fixes import damaged_text

DATA = Path(__file__).parent / "data"
DRAWN = 5_000
DIALECT_DRAWN = 20
SHOWN = 10
"""How many differences are printed."""


def parsed(module: ModuleType, source: str | list[int], start: str, **how: Any) -> dict[str, Any]:
    """What a codec reads from an input, and writes back."""
    try:
        strict = module.parse(source, start)
        read: Any = [[str(each) for each in strict.messages], strict.bounds, strict.opening]
        written = module.render(strict.messages, start, **(strict.opening or {}))
    except HarmonyError as error:
        read, written = [error.code.code, error.span, error.message], None
    found: dict[str, Any] = {"strict": read, "rendered": written}
    if hasattr(module, "validate"):
        report = module.validate(source, start, **how)
        recovered = report.recovered
        found["recovered"] = [[str(each), str(each.repair)] for each in recovered.messages]
        found["bounds"], found["gaps"] = recovered.bounds, recovered.gaps
        found["diagnostics"] = [
            [each.code.code, each.span, each.index, each.raw, each.taken_for, each.pointer]
            + ([each.fix.span, each.fix.replacement, each.fix.applicability] if each.fix else [])
            for each in report.diagnostics
        ]
    return found


def inputs() -> Iterator[tuple[str, str | list[int], str, dict[str, Any]]]:
    """The name of each input, the input, its start rule, and how it is read."""
    catalogue = tomllib.loads((Path(codec.__file__).parents[1] / "grammar" / "diagnostics.toml").read_text("utf-8"))
    for name, entry in catalogue.items():
        for key in ("bad", "good"):
            if isinstance(entry.get(key), str | list) and entry.get("read") is None:
                how = {"tools": entry.get("tools"), "stripped": entry.get("stripped", False)}
                yield f"{name}.{key}", entry[key], entry.get("start", "transcript"), how
    for path in sorted(DATA.rglob("*.toml")):
        document = tomllib.loads(path.read_text("utf-8"))
        for number, case in enumerate(document.get("case", [document])):
            source = next((case[key] for key in ("text", "tokens", "source") if key in case), None)
            if source is not None:
                yield f"{path.stem}.{number}", source, case.get("start", "transcript"), {"tools": case.get("tools")}
    for path in sorted(DATA.rglob("*.json")):
        yield path.name, codec.render(codec.from_json(json.loads(path.read_text("utf-8")))), "transcript", {}
    for seed in range(DRAWN):
        rng = Random(seed)
        talk = completion(rng) if seed % 3 == 0 else transcript(rng, "prompt" if seed % 3 == 1 else "transcript")
        text = talk.text() if seed % 5 == 0 else damaged_text(rng, talk.text())
        yield f"drawn {seed}", tokens_of(text) if seed % 2 else text, talk.start, dict(talk.given)


def printed() -> Iterator[tuple[str, Any]]:
    """What commands print of the examples and of broken files."""
    examples = Path(codec.__file__).parents[1] / "examples"
    with tempfile.TemporaryDirectory() as folder:
        bad = Path(folder) / "bad.jsonl"
        bad.write_text("\n".join(json.dumps(source) for _, source, _, _ in list(inputs())[:150]))
        for form in ("human", "concise", "json", "sarif", "github"):
            arguments = ["validate", "--isolated", "-j", "1", "--output-format", form, str(bad), str(examples)]
            result = CliRunner().invoke(command, arguments)
            out = [
                text.replace(folder, "FOLDER").replace(str(examples), "EXAMPLES")
                for text in (result.stdout, result.stderr)
            ]
            yield f"validate {form}", [result.exit_code, *out]
        for arguments in (
            ["rules"],
            ["rules", "--json"],
            ["explain", "H101"],
            ["validate", "--isolated", "--diff", str(bad)],
        ):
            result = CliRunner().invoke(command, arguments)
            yield (
                " ".join(arguments[:3]).replace(folder, "FOLDER"),
                [result.exit_code, result.stdout.replace(folder, "FOLDER")],
            )


def in_dialects() -> Iterator[tuple[str, Any]]:
    """What each dialect's codec reads from texts of its own special tokens and of words."""
    with tempfile.TemporaryDirectory() as folder:
        for name in dialect.NAMES:
            module = dialect.codec_of(name, Path(folder))
            pieces = [*list(module.SPECIAL_TOKENS)[:12], "user", "assistant", "final", " to=f", "Hi.", "\n"]
            for seed in range(DIALECT_DRAWN):
                text = "".join(Random(f"{name} {seed}").choices(pieces, k=12))
                yield f"{name} {seed}", parsed(module, text, "transcript")


def recorded() -> dict[str, Any]:
    """Everything, by name, as JSON holds it."""
    found: dict[str, Any] = {name: parsed(codec, source, start, **how) for name, source, start, how in inputs()}
    found |= dict(printed())
    found |= dict(in_dialects())
    same: dict[str, Any] = json.loads(json.dumps(found))
    return same


@click.command()
@click.argument("action", type=click.Choice(["record", "compare"]))
@click.argument("file", type=click.Path(path_type=Path))
def main(action: str, file: Path) -> None:
    """Record what the package does in FILE (gzip), or compare it with FILE."""
    now = recorded()
    if action == "record":
        file.write_bytes(gzip.compress(json.dumps(now).encode(), mtime=0))
        click.echo(f"{len(now)} recorded")
        return
    before = json.loads(gzip.decompress(file.read_bytes()))
    changed = [name for name in before.keys() | now.keys() if before.get(name) != now.get(name)]
    for name in sorted(changed)[:SHOWN]:
        click.echo(
            f"{name}\n  before: {json.dumps(before.get(name))[:600]}\n  now:    {json.dumps(now.get(name))[:600]}"
        )
    click.echo(f"{len(changed)} of {len(before)} differ")
    sys.exit(bool(changed))


if __name__ == "__main__":
    main()
