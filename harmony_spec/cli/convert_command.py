"""The command `harmony-spec convert`: rows in one form to rows in another."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from ..adapters import from_chat, to_chat
from ..adapters.chat_rows import chat_of_row
from ..codes import UNREADABLE_ROW
from ..diagnostics import Diagnostic
from ..errors import HarmonyError, RowError
from ..linting.atomic import AtomicFile
from ..linting.batches import ID_COLUMN, Kind, Options, read_content, row_value
from ..linting.files import File, expand
from ..linting.opening import InputError
from ..linting.row_reading import Progress, read
from ..recovery.known_names import declared
from ..tools.openai_tools import FORMS, TOOLS, tools_to_json
from ..view.terminal_text import printable_name
from .console import CODEC, CODEC_PATH, ERR, FINDINGS, UNUSABLE, Command, complete_file

CHAT, CONVERSATION, TEXT, TOKENS, TRAINING = "chat", "conversation", "text", "tokens", "training"
SOURCES = (CHAT, CONVERSATION, TEXT, TOKENS)

EXAMPLE = """\b
Example:
  printf '%s' '[{"role": "user", "content": "Hi."}]' | harmony-spec convert --from chat --to text -"""


@click.command(cls=Command, epilog=EXAMPLE)
@click.argument("files", nargs=-1, required=True, shell_complete=complete_file)
@click.option("--from", "source", type=click.Choice(SOURCES), required=True, help="Form of the rows.")
@click.option("--to", "target", type=click.Choice((*SOURCES, TRAINING)), required=True, help="Form to convert to.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.  [default: standard output]")
@click.option("--rejected", type=click.Path(path_type=Path), help="File for the rows that cannot be converted.")
@click.option("--replace-unsupported", is_flag=True, help="Replace images and other values that the format lacks.")
@CODEC
def convert(
    files: tuple[str, ...],
    source: str,
    target: str,
    output: Path | None,
    rejected: Path | None,
    replace_unsupported: bool,
) -> None:
    """Convert rows of JSON files and JSON Lines, and write JSON Lines.

    Rows in the form `chat` have `messages` and `tools` of Chat Completions, `conversations` of ShareGPT, or `prompt`
    and `completion`. That form loses settings and channels. `training` is token ids that end as a
    target of training. The exit status is 1 if rows cannot be converted, and 2 if a file cannot be read.
    """
    options, status = Options(frozenset(), codec_path=click.get_current_context().meta.get(CODEC_PATH)), 0
    with ExitStack() as stack:
        out = stack.enter_context(AtomicFile(output)).file if output else sys.stdout.buffer
        kept = stack.enter_context(AtomicFile(rejected)).file if rejected else None
        for file in expand(files, lambda _: False, lambda _: None):
            try:
                for place, kind, item in _rows(file, options):
                    try:
                        line = _convert(kind, item, source, target, replace_unsupported, options, place)
                        out.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                    except HarmonyError as error:
                        ERR.print(f"{place}: {error}")
                        if kept and isinstance(item, bytes):
                            kept.write(item.strip() + b"\n")
                        status = status or FINDINGS
            except InputError as error:
                ERR.print(str(error))
                status = UNUSABLE
    sys.exit(status)


def _rows(file: File | InputError, options: Options) -> Any:
    """The place, format and bytes of each row of a file."""
    if isinstance(file, InputError):
        raise file
    for batch in read(file.name, True, None, options, Progress()):
        if batch.kind == "parquet":
            raise InputError(f"{file.name}: convert reads JSON and JSON Lines; this is Parquet")
        name = printable_name(file.name)
        yield from (
            (name if row.number is None else f"{name}:{row.number}", batch.kind, row.item) for row in batch.rows
        )


def _convert(
    kind: Kind, item: Any, source: str, target: str, replaces: bool, options: Options, place: str
) -> dict[str, Any]:
    """A row in the form of the target. Raises `HarmonyError`."""
    row, codec = row_value(kind, item), options.codec
    if source == CHAT:
        messages, tools = chat_of_row(row)
        found = from_chat(messages, tools=tools, unsupported="replace" if replaces else "refuse", codec=codec)
        for finding in found.findings:
            ERR.print(f"{place}: {_shown(finding)}")
        read_messages: list[Any] = found.messages
    else:
        held = read_content(kind, row, options)
        form = CONVERSATION if held.messages is not None else TEXT if isinstance(held.source, str) else TOKENS
        if form != source:
            raise RowError(UNREADABLE_ROW, f"the row is in the form {form!r}", hint=f"Pass --from {form}.")
        read_messages = held.messages or codec.parse(held.source).messages
    identifier = {ID_COLUMN: row[ID_COLUMN]} if isinstance(row, dict) and ID_COLUMN in row else {}
    return identifier | _written(read_messages, target, codec)


def _shown(finding: Diagnostic) -> str:
    taken = f"; taken for {finding.taken_for!r}" if finding.taken_for else ""
    return f"{finding.code.code} {finding.code.name} at {finding.pointer}: {finding.evidence}: {finding.raw}{taken}"


def _written(messages: list[Any], target: str, codec: ModuleType) -> dict[str, Any]:
    if target == CHAT:
        recovery = codec.FORMAT.recovery
        pairs = [(getattr(m, recovery.slots.role), getattr(m, codec.FORMAT.content)) for m in messages]
        named = [declared(path, *pair) or () for pair in pairs for path in recovery.declared_tools]
        tools = tools_to_json([each for found in named for each in found], FORMS[1], codec=codec)
        chat: dict[str, Any] = {"messages": to_chat(messages, codec=codec)}
        return chat | ({TOOLS: tools} if tools else {})
    if target == CONVERSATION:
        conversation: dict[str, Any] = codec.to_json(messages)
        return conversation
    if target == TEXT:
        return {TEXT: codec.render_text(messages)}
    return {TOKENS: codec.render_training(messages).tokens if target == TRAINING else codec.render(messages)}
