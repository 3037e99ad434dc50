"""Converts batches of rows from one form to another, in any process."""

from __future__ import annotations

import codecs
import json
from collections import Counter
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..adapters import from_chat, to_chat
from ..adapters.chat_rows import CHAT_ROW_COLUMNS, ChatRow, chat_of_row, take_weights
from ..adapters.reading_chat import OF_FORMAT, Adapted
from ..codes import UNREADABLE_ROW, UNSUPPORTED_VALUE
from ..diagnostics import Diagnostic
from ..errors import ConversionError, HarmonyError, RenderError, RowError, Severity
from ..format.offered_tools import declared
from ..json_form import MESSAGES_KEY
from ..linting.arrow_rows import ColumnRows
from ..linting.batches import ID_COLUMN, Batch, Row, each_row, read_content, row_value
from ..linting.json_edits import dumped
from ..linting.outputs import id_note
from ..linting.row_reading import is_json, kind_of
from ..linting.rows import RowContent
from ..runtime import Training
from ..source.saved_text import retry_without_final_newline
from ..tools.openai_tools import FORMS, TOOLS, tools_to_json
from ..tools.requirements import REPLACEABLE, Policy
from ..view.terminal_text import printable, printable_name

if TYPE_CHECKING:
    import pyarrow

CHAT, CONVERSATION, TEXT, TOKENS, TRAINING = "chat", "conversation", "text", "tokens", "training"
SOURCE_FORMATS = (CHAT, CONVERSATION, TEXT, TOKENS)

TOOL_CODES = "H6"
"""What the codes of mistakes in declarations of tools and in calls begin with."""

NESTED_COLUMNS = (MESSAGES_KEY, TOOLS)
"""Columns with a structure."""

OPTION_HINTS = {
    OF_FORMAT: f"Pass --from {CONVERSATION}.",
    REPLACEABLE: "Pass --replace-unsupported to replace or leave out such values.",
}
"""Hints of the adapters, which name arguments of Python, and those for the command line."""

CHAT_COLUMNS = (*CHAT_ROW_COLUMNS, ID_COLUMN)

INPUT_IDS, MASKS, LABELS, COMPLETION_MASK = "input_ids", "assistant_masks", "labels", "completion_mask"
"""The columns of rows to train on, by the names that `transformers` and `trl` read."""

IGNORED_LABEL = -100
"""The label of tokens that are not trained on. Source: PyTorch, the default `ignore_index` of `cross_entropy`."""


@dataclass(frozen=True)
class Conversion:
    """What rows are converted to.

    Attributes:
        source, target: the forms of the rows.
        style: how messages are rendered.
        replaces: whether values that the format lacks are replaced.
        train: what is trained on, for `render_training`.
        max_length: the most tokens of a row to train on; None for no limit.
        allows_errors: whether rows to train on may have findings that are errors.
        labels, completion_mask: whether rows to train on have these columns, too.
        is_parquet: whether converted rows are Parquet, instead of JSON Lines.
    """

    source: str
    target: str
    style: str
    replaces: bool = False
    train: str = "last_turn"
    max_length: int | None = None
    allows_errors: bool = False
    labels: bool = False
    completion_mask: bool = False
    is_parquet: bool = False

    def schema(self) -> pyarrow.Schema:
        """The columns of Parquet files. Values with a structure are JSON, as text."""
        import pyarrow

        ids, flags, text = pyarrow.list_(pyarrow.int32()), pyarrow.list_(pyarrow.int8()), pyarrow.string()
        training = {INPUT_IDS: ids, MASKS: flags}
        training |= {LABELS: ids} if self.labels else {}
        training |= {COMPLETION_MASK: flags} if self.completion_mask else {}
        types = {
            CHAT: dict.fromkeys(NESTED_COLUMNS, text),
            CONVERSATION: {MESSAGES_KEY: text},
            TEXT: {TEXT: text},
            TOKENS: {TOKENS: ids},
            TRAINING: training,
        }
        return pyarrow.schema({ID_COLUMN: text} | types[self.target])


class ChatMessages(NamedTuple):
    """The messages that a row of Chat Completions was converted to.

    Attributes:
        adapted: the messages, and what was left out or replaced; pointers and indices are those of the row.
        row: the row, without the weights that were read; its older functions are tools.
        weightless: the indices of chat messages with the weight 0.
        prompt: how many of the messages are the prompt of a completion.
    """

    adapted: Adapted
    row: ChatRow
    weightless: frozenset[int]
    prompt: int

    @property
    def masked(self) -> frozenset[int]:
        """The indices of messages with the weight 0."""
        return frozenset(index for index, origin in enumerate(self.adapted.origins) if origin in self.weightless)

    def in_row(self, finding: Diagnostic) -> Diagnostic:
        """A finding in the messages, with its place in the row, where they have other numbers."""
        place = self.row.pointer(f"/{MESSAGES_KEY}/{self.adapted.origins[finding.index]}")
        inside = f"at {finding.pointer}: " if finding.pointer else ""
        return replace(finding, pointer=place, evidence=inside + finding.evidence)


class InvalidRow(Exception):
    """A row has findings that are errors; the arguments describe them."""


@dataclass
class ConversionNumbers:
    """How many rows were converted, rejected and truncated, and how many tokens are trained on.

    Attributes:
        lengths: the number of tokens of each row to train on.
        unread: how many rows of a file have a column that is left out, by the names of both.
    """

    converted: int = 0
    rejected: int = 0
    truncated: int = 0
    trained: int = 0
    lengths: list[int] = field(default_factory=list)
    unread: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, others: ConversionNumbers) -> None:
        for name, number in vars(others).items():
            vars(self)[name] += number


@dataclass
class Converted:
    """The converted rows of a batch.

    Attributes:
        rows: JSON Lines, or Parquet.
        reports: lines to print: errors of rejected rows, and what is lost of others, each with its severity.
        rejected: JSON Lines of the rows that cannot be converted, as they were.
        numbers: the numbers of the batch.
    """

    rows: bytes | pyarrow.RecordBatch = b""
    reports: list[tuple[Severity, str]] = field(default_factory=list)
    rejected: bytes = b""
    numbers: ConversionNumbers = field(default_factory=ConversionNumbers)


def convert_batch(conversion: Conversion, batch: Batch) -> list[Converted]:
    """The converted rows of a batch."""
    found, values = Converted(), []
    for whole in batch.rows:
        for part, row in each_row(batch, whole) if not _is_empty(batch, whole) else ():
            name = printable_name(part.name)
            place = name if row.number is None else f"{name}:{row.number}"
            try:
                value = row_value(batch.kind, row.item)
            except RowError as error:
                value = error
            identifier = _identifier(value.get(ID_COLUMN, row.id) if isinstance(value, dict) else row.id)
            place += id_note(identifier)
            try:
                if isinstance(value, RowError):
                    raise value
                try:
                    written = _convert(conversion, batch, value, found, place)
                except RecursionError:
                    raise RowError(UNREADABLE_ROW, "the row is nested too deeply") from None
                values.append(written if identifier is None else {ID_COLUMN: identifier} | written)
            except (HarmonyError, InvalidRow) as error:
                if isinstance(error, HarmonyError):
                    error.hint = OPTION_HINTS.get(error.hint, error.hint)
                errors = error.args if isinstance(error, InvalidRow) else [error]
                what = f"{place}: error: row rejected{', and not read' if isinstance(row.item, RowError) else ''}"
                found.reports += [("error", f"{what}: {printable(str(each))}") for each in errors]
                found.rejected += _original(batch, row)
                found.numbers.rejected += 1
    found.numbers.converted = len(values)
    if conversion.is_parquet:
        import pyarrow

        found.rows = pyarrow.RecordBatch.from_pylist(list(map(_in_columns, values)), conversion.schema())
    else:
        found.rows = b"".join(map(_line, values))
    return [found]


def _identifier(value: object) -> object:
    """The id of a row; None for what JSON cannot hold, such as infinite numbers and bytes that are not UTF-8."""
    try:
        value = value.decode() if isinstance(value, bytes) else value
        json.dumps(value, default=_refused_bytes, allow_nan=False)
    except (RecursionError, ValueError):
        return None
    return value


def _refused_bytes(value: object) -> str:
    """A value of an id that is not JSON, such as a date, as a text."""
    if isinstance(value, bytes):
        raise ValueError("bytes")
    return str(value)


def _is_empty(batch: Batch, row: Row) -> bool:
    """Whether an input has no rows, as an empty file of lines: standard input without content may be any format."""
    has_format = row.number is not None or kind_of(batch.name) is not None
    return not has_format and isinstance(row.item, bytes) and not row.item.strip()


def _line(value: object) -> bytes:
    """A value as a line of JSON."""
    return f"{dumped(value)}\n".encode()


def _in_columns(value: dict[str, Any]) -> dict[str, Any]:
    """A row whose id is a text, and whose values with a structure are JSON."""
    row = {key: dumped(each) if key in NESTED_COLUMNS else each for key, each in value.items()}
    if ID_COLUMN in row:
        id = row[ID_COLUMN]
        text = dumped(id) if isinstance(id, bool | dict | list) else str(id)
        row[ID_COLUMN] = text.encode(errors="backslashreplace").decode()
    return row


def _original(batch: Batch, row: Row) -> bytes:
    """A row as a line of JSON, or the line that it is; empty for a row that was not read, or if rows are not kept.

    A file that is not JSON is a string, in which surrogates stand for bytes that are not UTF-8.
    """
    item = row.item
    if isinstance(item, RowError) or not batch.options.keeps_rows:
        return b""
    if row.number is not None and isinstance(batch.rows, ColumnRows):
        whole = dumped(batch.rows.whole(row.number))
        return _line(json.loads(whole, parse_constant=lambda _: None))  # infinite numbers and NaN, which JSON lacks
    if not isinstance(item, bytes):  # a few rows of a column, by which processes are prepared
        return b""
    data: bytes = item.removeprefix(codecs.BOM_UTF8)
    if batch.kind == "jsonl":
        return data.rstrip(b"\r\n") + b"\n"
    if batch.kind == "text" or not is_json(data):
        return _line(data.decode(errors="surrogateescape"))
    return b" ".join(data.splitlines()).strip() + b"\n"


def _convert(conversion: Conversion, batch: Batch, value: Any, found: Converted, place: str) -> dict[str, Any]:
    """A row in the form of the target. Raises `HarmonyError` or `InvalidRow`."""
    codec, prompt, masked, origins = batch.options.codec, 0, frozenset[int](), list[int | None]()
    if conversion.source == CHAT:
        policy: Policy = "replace" if conversion.replaces else "refuse"
        chat = read_chat(value, codec, policy, conversion.target == TRAINING)
        adapted, masked, prompt = chat.adapted, chat.masked, chat.prompt
        messages, origins = adapted.messages, adapted.origins
        errors, of_calls = list[Diagnostic](), list[Diagnostic]()
        if conversion.target == TRAINING and not conversion.allows_errors:
            known = (each for each in adapted.findings if each.index not in chat.weightless)
            errors = [each for each in known if each.code.severity == "error"]
            of_calls = [] if errors or not chat.row.tools else _errors_of_calls(codec, messages, masked)
        others = (each for each in adapted.findings if each not in errors)
        row = None
        if conversion.target == CHAT:
            row = _chat_row(to_chat(messages, adapted.side, codec=codec), chat.row.tools)
            others = (each for each in adapted.findings if not _is_restored(each, chat.row.messages, row[MESSAGES_KEY]))
        found.reports += [("warning", f"{place}: warning: {printable(_shown(each))}") for each in others]
        if errors or of_calls:
            raise InvalidRow(*map(_shown, errors), *(_shown(chat.in_row(each)) for each in of_calls))
        found.numbers.unread.update((batch.name, column) for column in chat.row.unread)
        if row is not None:
            return row
    else:
        held = read_content(batch.kind, value, batch.options)
        form = CONVERSATION if held.messages is not None else TEXT if isinstance(held.source, str) else TOKENS
        if form != conversion.source:
            raise RowError(UNREADABLE_ROW, f"the row is in the form {form!r}", hint=f"Pass --from {form}.")
        messages = held.messages or retry_without_final_newline(held.source, lambda each: codec.parse(each).messages)
        if conversion.target == TRAINING and not conversion.allows_errors and codec.FORMAT.recovery is not None:
            _require_valid(codec, held)
    try:
        if conversion.target == TRAINING:
            return _training(conversion, codec, messages, prompt, masked, origins, found, place)
        return _written(conversion, codec, messages)
    except RenderError as error:
        if origins and error.index is not None:
            error.index = origins[error.index]  # the message of the row, which lacks the settings
        raise


def read_chat(value: object, codec: ModuleType, policy: Policy, has_weights: bool) -> ChatMessages:
    """Convert a row of Chat Completions.

    Args:
        value: the row.
        codec: whose messages are returned.
        policy: what to do with values that the format lacks.
        has_weights: whether the weights of messages are read; otherwise they are reported as left out.

    Raises:
        ConversionError: the row cannot be converted; the error has a pointer into it.
    """
    row = chat_of_row(value)
    convert = partial(from_chat, tools=row.tools, unsupported=policy, codec=codec)
    try:
        listed, weightless = take_weights(row.messages) if has_weights else (row.messages, frozenset[int]())
        adapted = convert(listed)
        prompt = len(convert(listed[: row.prompt]).messages) if row.prompt else 0
    except ConversionError as error:
        error.pointer = row.pointer(error.pointer)
        raise
    findings = [replace(each, pointer=row.pointer(each.pointer)) for each in adapted.findings]
    tools = row.tools if row.tools_key == TOOLS else tools_to_json(adapted.tools, FORMS[1], codec=codec)
    row = row._replace(messages=listed, tools=tools)
    return ChatMessages(replace(adapted, findings=findings), row, weightless, prompt)


def _is_restored(finding: Diagnostic, chat: list[Any], restored: list[Any]) -> bool:
    """Whether a value that the format lacks is in the restored messages, or in tools, which stay as they are."""
    if finding.code is not UNSUPPORTED_VALUE:
        return False  # it is wrong there, too
    in_tools, index = finding.pointer.startswith(f"/{TOOLS}/"), finding.index
    return in_tools or (0 <= index < len(chat) and restored[index : index + 1] == chat[index : index + 1])


def without_training(training: Training, messages: Container[int]) -> list[tuple[int, int]]:
    """Unmark all tokens of some messages; return their spans."""
    spans = [(start, end) for start, end, message, _ in training.spans if message in messages]
    for start, end in spans:
        training.mask[start:end] = [False] * (end - start)
    return spans


def _errors_of_calls(codec: ModuleType, messages: list[Any], masked: Collection[int]) -> list[Diagnostic]:
    """The errors that `validate` finds in the calls of a conversation that offers tools: wrong names and arguments."""
    recipient = codec.FORMAT.recovery.slots.recipient
    if not any(recipient and getattr(message, recipient) for message in messages):
        return []
    found = codec.validate(codec.render(messages)).diagnostics
    about = [each for each in found if each.code.code.startswith(TOOL_CODES) and each.code.severity == "error"]
    return [each for each in about if each.index not in masked]


def _require_valid(codec: ModuleType, held: RowContent) -> None:
    """Raise `InvalidRow` for a content in which `validate` finds errors: it parses, but models should not learn it."""
    report = retry_without_final_newline(held.source, codec.validate, lambda report: not report.diagnostics)
    if errors := [each for each in report.diagnostics if each.code.severity == "error"]:
        raise InvalidRow(*map(str, errors))


def _shown(finding: Diagnostic) -> str:
    taken = f"; taken for {finding.taken_for!r}" if finding.taken_for else ""
    return f"{finding.code.code} {finding.code.name} at {finding.pointer}: {finding.evidence}: {finding.raw}{taken}"


def _written(conversion: Conversion, codec: ModuleType, messages: list[Any]) -> dict[str, Any]:
    target = conversion.target
    if target == CHAT:
        chat = to_chat(messages, codec=codec)  # refuses a codec without purposes
        recovery = codec.FORMAT.recovery
        pairs = [(getattr(m, recovery.slots.role), getattr(m, codec.FORMAT.content)) for m in messages]
        named = [declared(path, *pair) or () for pair in pairs for path in recovery.declared_tools]
        tools = tools_to_json([each for found in named for each in found], FORMS[1], codec=codec)
        return _chat_row(chat, tools)
    if target == CONVERSATION:
        conversation: dict[str, Any] = codec.to_json(messages)
        return conversation
    if target == TEXT:
        return {TEXT: codec.render_text(messages, style=conversion.style)}
    return {TOKENS: codec.render(messages, style=conversion.style)}


def _chat_row(messages: list[Any], tools: Any) -> dict[str, Any]:
    return {MESSAGES_KEY: messages} | ({TOOLS: tools} if tools else {})


def _training(
    conversion: Conversion,
    codec: ModuleType,
    messages: list[Any],
    prompt: int,
    masked: Collection[int],
    origins: Sequence[int | None],
    found: Converted,
    place: str,
) -> dict[str, Any]:
    """The columns to train on. Of a prompt, the first messages, and of masked messages nothing is trained on.

    `origins` has the numbers of the messages in the row, if they differ.
    """
    training = codec.render_training(messages, conversion.train, style=conversion.style)
    tokens, mask = training.tokens, training.mask
    completion = (span for span in training.spans if span.message >= prompt)
    begin = next((span.start for span in completion if span.part != "start" or mask[span.start]), len(mask))
    without_training(training, range(prompt))
    hint = "The last turn has no message of the model." if conversion.train == "last_turn" else ""
    if masked and True in mask:
        hint = "All messages that would be trained on have the weight 0."
    masked_spans = without_training(training, masked)
    if True not in mask:
        raise RowError(UNREADABLE_ROW, "the row has nothing to train on", hint=hint)
    begin = begin if prompt else mask.index(True)
    limit, whole = conversion.max_length, len(tokens)
    if limit is not None and len(tokens) > limit:
        if True in mask[limit:]:
            lost = limit + mask[limit:].index(True)
            if True not in mask[:limit]:
                raise RowError(UNREADABLE_ROW, f"the first {limit} of {len(tokens)} tokens have nothing to train on")
            message = next(span.message for span in training.spans if span.end > lost)
            message = origins[message] if origins else message
            cut = f"truncated from {len(tokens)} to {limit} tokens"
            dropped = f"{sum(mask[limit:])} that are trained on, from message {message} on, are dropped"
            found.reports.append(("warning", f"{place}: warning: {cut}; {dropped}"))
        found.numbers.truncated += 1
        del tokens[limit:], mask[limit:]
    found.numbers.lengths.append(len(tokens))
    found.numbers.trained += sum(mask)
    row = {INPUT_IDS: tokens, MASKS: list(map(int, mask))}
    if conversion.labels:
        row[LABELS] = [token if is_trained else IGNORED_LABEL for token, is_trained in zip(tokens, mask, strict=True)]
    if conversion.completion_mask:
        column = [int(at >= begin) for at in range(whole)]
        for start, end in masked_spans:
            column[start:end] = [0] * (end - start)
        row[COMPLETION_MASK] = column[: len(tokens)]
    return row
