"""What users call to read whatever a model wrote: `recover`, and the streaming parser."""

from __future__ import annotations

from ..model.format_model import CONTENT, Field, Format, described
from .source_text import Block, Writer, literal, signature


def emit_recovering(format: Format, parameters: list[str], passed: Block, docs: list[str], writer: Writer) -> None:
    """The functions that users call: `recover`, and the streaming parser."""
    if format.recovery is None:
        return
    listed = ["source: str | Sequence[int]", f"start: Start = {literal('transcript')}", "*", *parameters]
    listed += [f"tools: Iterable[str{_tool_types(format)}] | None = None", "stripped: bool = False"]
    signature("recover", [*listed, "tokenizer: runtime.Tokenizer | None = None"], "runtime.Recovered[Message]", writer)
    writer.docstring(
        [
            "Read messages from whatever a model wrote; never raises for what the source holds.",
            "",
            "Args:",
            "    source: text with special tokens spelled out, or token ids.",
            "    start: what the source is.",
            *docs,
            "    tools: what the conversation offers, besides what its own messages declare.",
            "    stripped: the special tokens may have been stripped; where headers were is then a guess.",
            "    tokenizer: decodes ordinary tokens; by default the vocabulary that comes with the package.",
        ]
    )
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("return runtime.recover(FORMAT, source, start, given, tools, stripped, tokenizer)")
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
            "Say what is wrong with a source: what leaves the grammar, and what it says that cannot be meant.",
            "",
            "Args:",
            "    source: text with special tokens spelled out, or token ids; never raises for what it holds.",
            "    start: what the source is.",
            *docs,
            "    tools: what the conversation offers, besides what its own messages declare.",
            "    stripped: the special tokens may have been stripped; where headers were is then a guess.",
            "    tokenization: whether token ids are compared with those that the tokenizer gives for their text.",
            "    tokenizer: encodes and decodes text; by default the vocabulary that comes with the package.",
        ]
    )
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("return runtime.validate(FORMAT, source, start, given, tools, stripped, tokenization, tokenizer)")
    writer.depth -= 1


def _tool_types(format: Format) -> str:
    return " | Namespace" if {"namespace"} <= set(format.contents.rules) else ""


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
            "    tokenizer: decodes ordinary tokens; by default the vocabulary that comes with the package.",
        ]
    )
    writer.line()
    listed = ["self", f"start: Start = {literal('completion')}", "*", *parameters]
    listed += [f"tools: Iterable[str{_tool_types(format)}] | None = None", "strict: bool = False"]
    listed.append("tokenizer: runtime.Tokenizer | None = None")
    writer.block(Block("def __init__(", tuple(listed), ")"), suffix=" -> None:")
    writer.depth += 1
    writer.block(passed, prefix="given: dict[str, str | bool | None] = ")
    writer.line("super().__init__(FORMAT, start, given, tools, strict, tokenizer)")
    writer.depth -= 1
    for field in format.fields:
        if field.name != CONTENT:
            _property(field, writer)
    writer.depth -= 1


def _property(field: Field, writer: Writer) -> None:
    kind = "bool" if field.flag else f"{field.type_name if field.values else 'str'} | None"
    default = "False" if field.flag else "None"
    writer.line()
    writer.line("@property")
    writer.line(f"def {field.name}(self) -> {kind}:")
    writer.depth += 1
    text = described(field.doc) or "See the grammar."
    writer.docstring([f"Of the open message. {text}"])
    writer.line(f"value: {kind} = self.value({literal(field.name)}, {default})")
    writer.line("return value")
    writer.depth -= 1
