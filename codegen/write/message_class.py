"""The message type: a field for each thing that the grammar of a message can say."""

from __future__ import annotations

from ..model.content_types import class_name
from ..model.format_model import CONTENT, Field, Format, described
from .content_classes import emit_types
from .source_text import Block, Writer, literal


def annotation(field: Field) -> str:
    if field.flag:
        return "bool"
    name = field.type_name if field.values else "str"
    return name if field.required else f"{name} | None"


def emit_message(format: Format, writer: Writer) -> None:
    """The types of fields, the classes of contents, and the class of messages."""
    for field in format.fields:
        if field.values:
            writer.line()
            listed = Block("Literal[", tuple(map(literal, field.values)), "]")
            writer.block(listed, prefix=f"{field.type_name} = ")
    emit_types(format.contents, writer)
    emit_class(format, writer)


def emit_class(format: Format, writer: Writer) -> None:
    """The class of messages."""
    writer.line()
    writer.line()
    writer.line("@dataclass(slots=True)")
    writer.line("class Message:")
    writer.depth += 1
    _docstring(format, writer)
    writer.line()
    contents = [class_name(format.contents, role) for role in format.contents.roles]
    for field in format.fields:
        default = "" if field.required else " = False" if field.flag else " = None"
        kind = " | ".join(["str", *contents]) if field.name == CONTENT else annotation(field)
        writer.line(f"{field.name}: {kind}{default}")
    writer.line("variants: tuple[str, ...] = field(default=(), compare=False, repr=False)")
    writer.line("repair: runtime.Repair | None = field(default=None, compare=False, repr=False)")
    if contents:
        _text(writer)
    writer.depth -= 1


def _docstring(format: Format, writer: Writer) -> None:
    attributes = []
    for field in format.fields:
        text = described(field.doc) or "See the grammar."
        attributes.append(f"    {field.name}: {text}")
    attributes.append(
        "    variants: The named alternatives of the grammar that the message was read from; not compared."
    )
    attributes.append("    repair: What the recovering parser says of the message; not compared.")
    rule = format.rules[format.message]
    first = rule.doc[0] if rule.doc else "One message."
    writer.docstring([first, "", *rule.doc[1:], *[""] * (len(rule.doc) > 1), "Attributes:", *attributes])


def _text(writer: Writer) -> None:
    writer.line()
    writer.line("@property")
    writer.line("def text(self) -> str:")
    writer.depth += 1
    writer.docstring(["The content as text, without what the rest of a conversation decides about it."])
    writer.line("return self.content if isinstance(self.content, str) else self.content.text()")
    writer.depth -= 1
