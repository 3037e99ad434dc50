"""The classes of messages and of their contents, with the types of their fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..model.content_grammar import DATE_TYPE, ContentGrammar, rule_of
from ..model.format_model import CONTENT_FIELD, Field, Format, comment_parts
from ..model.grammar_rules import camel_case
from ..read.grammar_nodes import GrammarNode, RuleMark
from .source_text import Block, Writer, arguments, call, data, literal, prefixed

NO_JSON_SCHEMAS = ("null", "0", '""', "[]")
"""JSON values of the types that a JSON Schema never has."""


def _content_types(format: Format, writer: Writer) -> None:
    contents = format.contents
    users = contents.user_rules()
    for rule in contents.rules.values():
        if rule.kind == "enumerated":
            _emit_listed(contents.class_name(rule.name), rule.values, writer)
    for name, terminal in contents.terminals.items():
        if terminal.values:
            _emit_listed(camel_case(name), terminal.values, writer)
    for rule in contents.rules.values():
        if rule.kind == "record":
            _emit_class(format, rule.name, rule.name in users, writer)


def _emit_listed(name: str, values: Iterable[str], writer: Writer) -> None:
    writer.assign(name, Block("Literal[", tuple(map(literal, values)), "]"))


def plain_values(contents: ContentGrammar, rule: str) -> dict[str, list[Any] | None]:
    """For each field with a default of its own: the value for its absence."""
    kinds = dict(contents.ordered_fields(rule))
    own = contents.defaults.get(rule, {})
    return {name: [] if kinds[name].startswith("list[") else None for name in own}


def _emit_class(format: Format, rule: str, user: bool, writer: Writer) -> None:
    contents = format.contents
    made = contents.rules[rule]
    fields = dict(contents.ordered_fields(rule))
    answer = format.definitions.get("answer")
    if answer and answer.rule == rule:
        schema = answer.fields["schema"]
        terminal = contents.terminal_of(contents.fields(rule)[schema][0])
        if terminal is not None and not any(map(terminal.fits, NO_JSON_SCHEMAS)):
            fields[schema] = "dict[str, Any] | bool"  # a grammar that reads other values needs a JSON form for them
    first = f"class {contents.class_name(rule)}(runtime.{'Record' if user else 'Part'})"
    with writer.definition(first, decorator="dataclass(eq=False, repr=False, slots=True)"):
        text = comment_parts(made.doc, fields)[""] or f"The parts of `{rule}`."
        attributes = [f"    {name}: {doc}" for name in fields if user and (doc := _doc(contents, rule, name))]
        writer.docstring([text, *(["", "Attributes:", *attributes] if attributes else [])])
        writer.space()
        own = contents.defaults.get(rule, {})
        for name, kind in fields.items():
            if (rule, name) in contents.implied:
                writer.line(f"{name}: bool | None = None")
            elif name in own:
                writer.block(_default(contents, rule, name, own[name]), prefix=f"{name}: {_optional(kind)} = ")
            else:
                writer.line(f"{name}: {_declaration(contents, rule, name, kind)}")
        if dates := [name for name, kind in fields.items() if user and kind in (DATE_TYPE, f"list[{DATE_TYPE}]")]:
            with writer.function("__post_init__", ["self"], "None"):
                for name in dates:
                    writer.line(f"self.{name} = runtime.to_date(self.{name})")


def _doc(contents: ContentGrammar, rule: str, name: str) -> str:
    """The doc of a field: the part with its name in the comment on its class, else the comment on the field's rule."""
    if own := comment_parts(contents.rules[rule].doc, contents.fields(rule)).get(name):
        return own
    named = [n.field if isinstance(n, RuleMark) else rule_of(n) for n in contents.fields(rule)[name]]
    docs = [contents.rules[other].doc for other in named if other]
    return comment_parts(docs[0])[""] if docs else ""


def _optional(kind: str) -> str:
    return kind if kind in ("Any", "bool") or kind.startswith("list[") else f"{kind} | None"


def _declaration(contents: ContentGrammar, rule: str, name: str, kind: str) -> str:
    if kind.startswith("list["):
        return f"{kind} = field(default_factory=list)"
    if name in contents.required_fields(rule):
        return kind
    return f"{_optional(kind)} = {'False' if kind == 'bool' else 'None'}"


def _default(contents: ContentGrammar, rule: str, name: str, value: Any) -> str | Block:
    code = data(_field_value(contents, contents.fields(rule)[name][0], value))
    return call("field", prefixed("default_factory=lambda: ", code)) if isinstance(code, Block) else code


def record_code(contents: ContentGrammar, rule: str, value: Mapping[str, Any]) -> Block:
    """The code of a record with these values of its fields."""
    values = {name: _field_value(contents, contents.fields(rule)[name][0], item) for name, item in value.items()}
    return call(contents.class_name(rule), *arguments(**values))


def _field_value(contents: ContentGrammar, node: GrammarNode, value: Any) -> object:
    """A value of a field; tables become the code of records if the field holds records."""
    rule = contents.record_in(node)
    if rule is None or contents.is_schema(node) or not isinstance(value, (dict, list)):
        return value
    if isinstance(value, dict):
        return record_code(contents, rule, value)
    return [record_code(contents, rule, item) for item in value]


def annotation(field: Field, required: bool) -> str:
    """The type of a field, or of one that may be absent."""
    if field.flag:
        return "bool"
    name = field.type_name if field.values else "str"
    return name if required else f"{name} | None"


def emit_message(format: Format, writer: Writer) -> None:
    for field in format.fields.values():
        if field.values:
            _emit_listed(field.type_name, field.values, writer)
    _content_types(format, writer)
    emit_class(format, writer)


def emit_class(format: Format, writer: Writer) -> None:
    with writer.definition("class Message", decorator="dataclass(repr=False, slots=True)"):
        _docstring(format, writer)
        writer.space()
        contents = [format.contents.class_name(role) for role in format.contents.roles]
        for field in format.fields.values():
            default = "" if field.required else " = False" if field.flag else " = None"
            kind = " | ".join(["str", *contents]) if field.name == CONTENT_FIELD else annotation(field, field.required)
            writer.line(f"{field.name}: {kind}{default}")
        writer.line("variants: tuple[str, ...] = field(default=(), compare=False, repr=False)")
        writer.line("repair: runtime.Repair | None = field(default=None, compare=False, repr=False)")
        writer.line("tokens: runtime.MessageTokens | None = field(default=None, compare=False, repr=False)")
        if contents:
            _text(writer)
        with writer.function("__repr__", ["self"], "str"):
            writer.line("return runtime.short_repr(self)")
        _json_methods(writer)


def _docstring(format: Format, writer: Writer) -> None:
    attributes = [
        *(f"    {field.name}: {field.doc}" for field in format.fields.values()),
        "    variants: The named alternatives of the grammar that the message was read from; not compared.",
        "    repair: How the recovering parser repaired the message; not compared.",
        "    tokens: The token ids that the message was read from; not compared.",
    ]
    first, *others = format.rules[format.message].doc or ("One message.",)
    writer.docstring([first, "", *others, *[""] * bool(others), "Attributes:", *attributes])


def _text(writer: Writer) -> None:
    with writer.function("text", ["self"], "str", decorator="property"):
        writer.docstring(
            ["The content as text, without parts that other messages decide, such as the line about function calls."]
        )
        writer.line("return self.content if isinstance(self.content, str) else self.content.text()")


def _json_methods(writer: Writer) -> None:
    with writer.function("to_json", ["self"], "dict[str, Any]"):
        writer.docstring(
            ["Convert the message to its JSON form. Raises the same exceptions as the function `to_json`."]
        )
        writer.line("return _json().message_to_json(self)")
    with writer.function("from_json", ["cls", "value: object"], "Message", decorator="classmethod"):
        writer.docstring(["Read a message in its JSON form. Raises `ConversationError`."])
        writer.line("message: Message = _json().message_from_json(value)")
        writer.line("return message")
