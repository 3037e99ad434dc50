"""The functions and classes that users call: `parse`, `render`, `recover`, `validate`, `StreamParser`, drops."""

from __future__ import annotations

from ..model.content_types import class_name
from ..model.format_model import AS_PARSED, CONTENT, Call, Field, Format, without_sources
from .source_text import Block, Writer, data, literal, mapping, signature

MAX_REPAIR_COST = "max_repair_cost: a header whose repair costs more is read as text, in tenths as in `Repair.cost`."


def emit_functions(format: Format, writer: Writer) -> None:
    open_fields = format.fields_of(Call(format.open_frame)) if format.open_frame else {}
    given = [field for field in format.fields if field.name in open_fields]
    parameters = []
    for field in given:
        value = format.opening.get(field.name)
        kind = "bool" if field.flag else f"{field.type_name} | None" if field.values else "str | None"
        if value is None:
            value = False if field.flag else None
        else:
            kind = kind.removesuffix(" | None")
        default = literal(value) if isinstance(value, str) else repr(value)
        parameters.append(f"{field.name}: {kind} = {default}")
    passed = mapping({literal(field.name): field.name for field in given})
    starts = ", ".join(literal(start.name) for start in format.starts)
    styles = ", ".join(literal(name) for name in [*(s.name for s in format.styles), AS_PARSED])
    docs = [f"    {f.name}: of the open header that a completion continues and a prompt ends with." for f in given]
    writer.line()
    writer.line(f"Start = Literal[{starts}]")
    writer.line(f"Style = Literal[{styles}]")
    _parse(parameters, passed, docs, writer)
    _render(format, parameters, passed, docs, writer)
    _recovering(format, parameters, passed, docs, writer)
    for drop in format.drops:
        _drop(drop.name, data(drop.dropped.fields), data(drop.completes.fields), writer)


def _parse(parameters: list[str], passed: Block, docs: list[str], writer: Writer) -> None:
    listed = ["source: str | Sequence[int]", f"start: Start = {literal('transcript')}", "*", *parameters]
    listed.append("tokenizer: runtime.Tokenizer | None = None")
    signature("parse", listed, "runtime.Parsed[Message]", writer)
    writer.docstring(
        [
            "Read messages strictly: whatever the grammar does not describe is an error.",
            "",
            "Args:",
            "    source: text with special tokens spelled out, or token ids.",
            "    start: what the source is.",
            *docs,
            "    tokenizer: decodes ordinary tokens; by default the vocabulary that comes with the package.",
            "",
            "Raises:",
            "    runtime.ParseError: the source is not what the grammar describes.",
        ]
    )
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("return runtime.parse(FORMAT, source, start, given, tokenizer)")
    writer.depth -= 1


def _render(format: Format, parameters: list[str], passed: Block, docs: list[str], writer: Writer) -> None:
    common = ["messages: Sequence[Message]", f"start: Start = {literal('transcript')}", "*", *parameters]
    common.append(f"style: Style = {literal(format.default_style)}")
    common += ["training: bool = False"]
    args = [
        "",
        "Args:",
        "    messages: what to write.",
        "    start: what to write it as.",
        *docs,
        "    style: which of the accepted spellings to write; as_parsed keeps those that a message was read with.",
        "    training: whether the last message is a target for training.",
    ]
    raises = ["", "Raises:", "    runtime.RenderError: the format cannot express a message."]
    signature("render", [*common, "tokenizer: runtime.Tokenizer | None = None"], "list[int]", writer)
    tokenizer = "    tokenizer: encodes text; by default the vocabulary that comes with the package."
    writer.docstring(["Write messages as token ids.", *args, tokenizer, *raises])
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("return runtime.render(FORMAT, messages, start, given, style, training, tokenizer)")
    writer.depth -= 1
    signature("render_text", common, "str", writer)
    also = "    runtime.RenderError: also, a content spells a special token, which as text would become one."
    writer.docstring(["Write messages as text, special tokens spelled out.", *args, *raises[:-1], also])
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("return runtime.render_text(FORMAT, messages, start, given, style, training)")
    writer.depth -= 1


def _drop(name: str, dropped: str | Block, completes: str | Block, writer: Writer) -> None:
    signature(name, ["messages: Sequence[Message]"], "list[Message]", writer)
    writer.docstring(
        [
            "Drop messages of completed turns that are not shown again; messages of the current turn stay.",
            "",
            "A message that meets `completes` ends a turn; those before the last such one that meet `dropped` go.",
        ]
    )
    assert isinstance(dropped, Block)
    assert isinstance(completes, Block)
    writer.block(dropped, prefix="dropped = ")
    writer.block(completes, prefix="completes = ")
    writer.line("return runtime.drop_completed(messages, dropped, completes)")
    writer.depth -= 1


def _recovering(format: Format, parameters: list[str], passed: Block, docs: list[str], writer: Writer) -> None:
    if format.recovery is None:
        return
    listed = ["source: str | Sequence[int]", f"start: Start = {literal('transcript')}", "*", *parameters]
    listed += [f"tools: Iterable[str{_tool_types(format)}] | None = None", "stripped: bool = False"]
    listed += ["max_repair_cost: int | None = None", "tokenizer: runtime.Tokenizer | None = None"]
    signature("recover", listed, "runtime.Recovered[Message]", writer)
    writer.docstring(
        [
            "Read messages, also malformed ones; never raises for what the source holds.",
            "",
            "Args:",
            "    source: text with special tokens spelled out, or token ids.",
            "    start: what the source is.",
            *docs,
            "    tools: what the conversation offers, besides what its own messages declare.",
            "    stripped: the special tokens may have been stripped; where headers were is then a guess.",
            f"    {MAX_REPAIR_COST}",
            "    tokenizer: decodes ordinary tokens; by default the vocabulary that comes with the package.",
        ]
    )
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("return runtime.recover(FORMAT, source, start, given, tools, stripped, tokenizer, max_repair_cost)")
    writer.depth -= 1
    _validate(format, parameters, passed, docs, writer)
    _stream(format, parameters, passed, docs, writer)


def _validate(format: Format, parameters: list[str], passed: Block, docs: list[str], writer: Writer) -> None:
    listed = ["source: str | Sequence[int]", f"start: Start = {literal('transcript')}", "*", *parameters]
    listed += [f"tools: Iterable[str{_tool_types(format)}] | None = None", "stripped: bool = False"]
    listed.append("tokenization: bool = True")
    signature("validate", [*listed, "tokenizer: runtime.Tokenizer | None = None"], "runtime.Report[Message]", writer)
    writer.docstring(
        [
            "Check a source: report what leaves the grammar, and what is in it but cannot be meant.",
            "",
            "Args:",
            "    source: text with special tokens spelled out, or token ids; never raises for what it holds.",
            "    start: what the source is.",
            *docs,
            "    tools: what the conversation offers, besides what its own messages declare.",
            "    stripped: the special tokens may have been stripped; where headers were is then a guess.",
            "    tokenization: whether to compare token ids with the tokenizer's own ids for the same text.",
            "    tokenizer: encodes and decodes text; by default the vocabulary that comes with the package.",
        ]
    )
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("return runtime.validate(FORMAT, source, start, given, tools, stripped, tokenization, tokenizer)")
    writer.depth -= 1


def _tool_types(format: Format) -> str:
    namespace = format.definitions.get("namespace")
    return f" | {class_name(format.contents, namespace.rule)}" if namespace else ""


def _stream(format: Format, parameters: list[str], passed: Block, docs: list[str], writer: Writer) -> None:
    writer.line()
    writer.line()
    writer.line("class StreamParser(runtime.StreamParser[Message]):")
    writer.depth += 1
    writer.docstring(
        [
            "Reads token ids as they come, one or many at a time.",
            "",
            "Args:",
            "    start: what the tokens are.",
            *docs,
            "    tools: what the conversation offers, besides what its own messages declare.",
            "    strict: raise `runtime.ParseError` where the tokens leave the grammar, instead of repairing them.",
            f"    {MAX_REPAIR_COST}",
            "    tokenizer: decodes ordinary tokens; by default the vocabulary that comes with the package.",
        ]
    )
    writer.line()
    listed = ["self", f"start: Start = {literal('completion')}", "*", *parameters]
    listed += [f"tools: Iterable[str{_tool_types(format)}] | None = None", "strict: bool = False"]
    listed += ["max_repair_cost: int | None = None", "tokenizer: runtime.Tokenizer | None = None"]
    writer.block(Block("def __init__(", tuple(listed), ")"), suffix=" -> None:")
    writer.depth += 1
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("super().__init__(FORMAT, start, given, tools, strict, tokenizer, max_repair_cost)")
    writer.depth -= 1
    for field in format.fields:
        if field.name != CONTENT:
            _stream_property(field, writer)
    writer.depth -= 1


def _stream_property(field: Field, writer: Writer) -> None:
    kind = "bool" if field.flag else f"{field.type_name if field.values else 'str'} | None"
    default = "False" if field.flag else "None"
    writer.line()
    writer.line("@property")
    writer.line(f"def {field.name}(self) -> {kind}:")
    writer.depth += 1
    text = without_sources(field.doc) or "See the grammar."
    writer.docstring([f"Of the open message. {text}"])
    writer.line(f"value: {kind} = self.value({literal(field.name)}, {default})")
    writer.line("return value")
    writer.depth -= 1
