"""Measure the package beside `openai-harmony`, in one process, and say which targets it reaches.

`python -m benchmarks.run [--runs N] [--json]`; the exit status is 1 if a target is missed.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import comparison
from benchmarks.adapting import with_adapters
from benchmarks.exporting import with_constraints
from benchmarks.measure import bytes_beyond_texts, clock, fresh, in_turn
from benchmarks.streaming import with_streams
from benchmarks.targets import PEER, BenchmarkRow, Target, faster, no_slower
from benchmarks.tools import with_tools
from benchmarks.transcripts import agentic, long
from benchmarks.validating import validating
from harmony_spec import Message, codec, drop_analysis, parse, render, render_training

if TYPE_CHECKING:
    import openai_harmony

FEWEST_RUNS = 5
TIKTOKEN = "tiktoken"

OURS = "import harmony_spec\n"
PARSE = f"harmony_spec.parse({codec.EXAMPLE!r})\n"
LOAD_VOCABULARY = "import harmony_spec.vocabulary\nharmony_spec.vocabulary.load(harmony_spec.codec.FORMAT.encoding)\n"
RENDER = "harmony_spec.render([harmony_spec.Message('user', 'What is 2 + 2?')])\n"

RUN_VERSION = """import contextlib, io
from harmony_spec.cli import main
with contextlib.redirect_stdout(io.StringIO()): main(["--version"], standalone_mode=False)
"""

THEIRS = "import openai_harmony\n"
THEIR_LOAD = "openai_harmony.load_harmony_encoding('HarmonyGptOss')\n"


def program(timed: str, before: str = "") -> str:
    """A program that prints how many seconds a part of it took."""
    return f"import time\n{before}start = time.perf_counter()\n{timed}print(time.perf_counter() - start)\n"


class Transcript:
    """Messages, in our form and the peer's, and their tokens."""

    def __init__(self, name: str, messages: list[Message], encoding: openai_harmony.HarmonyEncoding) -> None:
        from openai_harmony import RenderConversationConfig

        self.name, self.messages, self.encoding = name, messages, encoding
        self.conversation = comparison.conversation(messages)
        self.keep_all = RenderConversationConfig(auto_drop_analysis=False)
        self.tokens = render(messages)
        assert self.tokens == self.render_theirs(), f"{name}: the peer renders other tokens"
        read = [each.content[0].text for each in self.parse_theirs()]
        assert [each.content for each in parse(self.tokens).messages] == read, f"{name}: the peer reads other texts"

    def render_theirs(self) -> list[int]:
        tokens: list[int] = self.encoding.render_conversation(self.conversation, self.keep_all)
        return tokens

    def parse_theirs(self) -> list[openai_harmony.Message]:
        messages: list[openai_harmony.Message] = self.encoding.parse_messages_from_completion_tokens(self.tokens)
        return messages


def parsing(runs: int, transcript: Transcript, times: float) -> Iterator[BenchmarkRow]:
    ours, theirs = in_turn(runs, clock(lambda: parse(transcript.tokens)), clock(transcript.parse_theirs))
    yield faster(f"parse tokens, {transcript.name}", ours, theirs, times)


def rendering(runs: int, transcript: Transcript, times: float) -> Iterator[BenchmarkRow]:
    bare = comparison.bare_tiktoken()
    messages = transcript.messages
    texts = [message.text for message in messages]

    def encoded() -> None:
        tokens: list[int] = []
        for text in texts:
            tokens += bare.encode_ordinary(text)

    ours, theirs, encoding = in_turn(
        runs, clock(lambda: render(messages)), clock(transcript.render_theirs), clock(encoded)
    )
    yield faster(f"render to tokens, {transcript.name}", ours, theirs, times)
    yield no_slower(f"render, {transcript.name} / encode contents to one list", TIKTOKEN, ours, encoding, 1.05)
    trained = drop_analysis(messages)
    training, plain = in_turn(runs, clock(lambda: render_training(trained)), clock(lambda: render(trained)))
    yield no_slower(f"render_training, {transcript.name}", "render", training, plain, 1.3)


def keeping(runs: int, transcript: Transcript, times: float) -> Iterator[BenchmarkRow]:
    """Messages that were read from token ids, written from these ids, and encoded anew."""
    kept = parse(transcript.tokens).messages
    anew = [replace(message, tokens=None) for message in kept]
    assert render(kept, style="as_parsed") == render(anew, style="as_parsed")
    seconds = in_turn(runs, *(clock(partial(render, each, style="as_parsed")) for each in (kept, anew)))
    ours, encoding = (each * 1e3 for each in seconds)
    yield BenchmarkRow(
        f"render as parsed, {transcript.name}", "encoding anew", "ms", ours, encoding, Target(times, at_least=True)
    )


def starting(runs: int, bytecode: Path) -> Iterator[BenchmarkRow]:
    """Cold starts, each in a fresh interpreter."""
    compared = [
        ("import, parse a text / import", program(OURS + PARSE), program(THEIRS), 0.5),
        ("import, load, render / import, load", program(OURS + RENDER), program(THEIRS + THEIR_LOAD), 1.5),
        ("load, render / load", program(LOAD_VOCABULARY + RENDER, OURS), program(THEIR_LOAD, THEIRS), 1.5),
    ]
    for name, our_program, their_program, times in compared:
        ours, theirs = in_turn(runs, fresh(our_program, bytecode), fresh(their_program, bytecode))
        yield no_slower(name, PEER, ours, theirs, times)
    ours, theirs = in_turn(runs, fresh(program(RUN_VERSION), bytecode), fresh(program("import click\n"), bytecode))
    yield no_slower("harmony-spec --version / import", "click", ours, theirs, 1.5)


def generating(runs: int, bytecode: Path) -> Iterator[BenchmarkRow]:
    """A codec from the grammar, in a fresh interpreter, imports included."""
    timed = "import codegen\ncodegen.generate(codegen.GRAMMAR)\n"
    (seconds,) = in_turn(runs, fresh(program(timed), bytecode))
    yield BenchmarkRow("generate the codec, import included", "", "s", seconds, None, Target(1))


def scaling(runs: int) -> Iterator[BenchmarkRow]:
    """Time per token of longer and longer transcripts."""
    sizes = (1, 10, 100)
    messages = [agentic() * size for size in sizes]
    tokens = [render(each) for each in messages]
    jobs: dict[str, list[Callable[[], object]]] = {
        "parse": [partial(parse, each) for each in tokens],
        "render": [partial(render, each) for each in messages],
    }
    for name, works in jobs.items():
        seconds = in_turn(runs, *map(clock, works))
        first, *others = (took / len(each) * 1e9 for took, each in zip(seconds, tokens, strict=True))
        for size, other in zip(sizes[1:], others, strict=True):
            yield BenchmarkRow(f"{name}, agentic {size}x", "itself at 1x", "ns/token", other, first, Target(1.5))


def memory(transcript: Transcript) -> Iterator[BenchmarkRow]:
    """Peak memory of a parse; see `measure.Scale` for how the returned texts are subtracted."""
    inputs = {"long": transcript.tokens, "agentic 10x": render(agentic() * 10)}
    for name, tokens in inputs.items():
        figure = bytes_beyond_texts(tokens) / len(tokens)
        yield BenchmarkRow(f"peak memory of parse, {name}", "", "B/token", figure, None, Target(64))


def dropped_in(runs: int, encoding: openai_harmony.HarmonyEncoding, bytecode: Path) -> Iterator[BenchmarkRow]:
    """The drop-in. It imports the peer, which must not happen before the peer's rank file is there."""
    from benchmarks.drop_in import with_drop_in

    yield from with_drop_in(runs, encoding, bytecode)


def rows(runs: int, folder: Path) -> Iterator[BenchmarkRow]:
    encoding = comparison.encoding(folder)
    short, large = Transcript("agentic", agentic(), encoding), Transcript("long", long(), encoding)
    yield from parsing(runs, short, 30)
    yield from parsing(runs, large, 20)
    yield from rendering(runs, short, 5)
    yield from rendering(runs, large, 3)
    yield from keeping(runs, short, 3)
    yield from keeping(runs, large, 3)
    yield from with_tools(runs, encoding)
    yield from with_streams(runs, encoding)
    yield from validating(runs, encoding)
    yield from with_adapters(runs, encoding)
    yield from with_constraints(runs)
    yield from dropped_in(runs, encoding, folder / "bytecode")
    yield from starting(runs, folder / "bytecode")
    yield from generating(runs, folder / "bytecode")
    yield from scaling(runs)
    yield from memory(large)


def measured(runs: int) -> list[BenchmarkRow]:
    with tempfile.TemporaryDirectory() as folder, Console(stderr=True).status("starting") as status:
        found = []
        for row in rows(runs, Path(folder)):
            found.append(row)
            status.update(f"measured: {row.measured}")
        return found


def environment(runs: int) -> dict[str, str | int | None]:
    versions = {name: version(name) for name in ("harmony-spec", PEER, TIKTOKEN)}
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return {"system": platform.system(), "cores": os.cpu_count(), "python": python, "runs": runs, **versions}


def table(found: list[BenchmarkRow]) -> Table:
    shown = Table(box=SIMPLE_HEAD, caption="ratio: theirs / ours where the target is ≥, ours / theirs where it is ≤")
    for title in ("measured", "against"):
        shown.add_column(title, no_wrap=True)
    for title in ("ours", "theirs", "ratio", "target"):
        shown.add_column(title, justify="right", no_wrap=True)
    shown.add_column("reached", no_wrap=True)
    for row in found:
        theirs = "" if row.theirs is None else f"{row.theirs:.2f} {row.unit}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        said = "[green]yes[/]" if row.reached else "[bold red]no[/]"
        shown.add_row(row.measured, row.against, f"{row.ours:.2f} {row.unit}", theirs, ratio, str(row.target), said)
    return shown


def show(found: list[BenchmarkRow], runs: int) -> None:
    console = Console()
    console.width = max(console.width, 150)  # a narrow terminal wraps lines rather than losing figures
    console.print(", ".join(f"{name} {value}" for name, value in environment(runs).items()), highlight=False)
    console.print(table(found))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--runs", type=click.IntRange(min=FEWEST_RUNS), default=15, show_default=True, help="Runs to take medians of."
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
def main(runs: int, as_json: bool) -> None:
    """Measure the package beside openai-harmony; the exit status is 1 if a target is missed."""
    found = measured(runs)
    if as_json:
        click.echo(json.dumps({"environment": environment(runs), "rows": [row.as_json() for row in found]}, indent=2))
    else:
        show(found, runs)
    sys.exit(not all(row.reached for row in found))


if __name__ == "__main__":
    main()
