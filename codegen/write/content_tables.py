"""The part of the codec for contents: readers, writers, the tables that find them, and built-in tools."""

from __future__ import annotations

from ..model.content_types import class_name, definition_name, tools_name, user_rules
from ..model.format_model import Format
from ..model.schema_rules import SCHEMA_FIELDS, SCHEMA_TERMINALS, schema_rule
from .content_code import content_writer, emit_content_writers, emit_readers, emit_terminals, reader_name, terminal_name
from .message_types import record_code
from .source_text import Block, Writer, call, group, literal, mapping


def emit_contents(format: Format, writer: Writer) -> None:
    contents = format.contents
    writer.line()
    writer.line()
    writer.comment("Contents: readers and writers.")
    writer.line()
    emit_terminals(contents, writer)
    emit_readers(contents, writer)
    emit_content_writers(contents, writer)
    writer.line()
    writer.line()
    if contents.schemas:
        _emit_schemas(format, writer)
    _emit_table(format, writer)


def emit_tools(format: Format, writer: Writer) -> None:
    """Write a function for each built-in namespace; each call returns a new one."""
    contents = format.contents
    namespace = format.definitions.get("namespace")
    for file, value in format.tools.items() if namespace else ():
        assert namespace is not None
        name = tools_name(file)
        writer.line()
        writer.line()
        writer.line(f"def {name}() -> {class_name(contents, namespace.rule)}:")
        writer.depth += 1
        writer.docstring([f"The built-in namespace `{value[namespace.fields['name']]}`."])
        writer.block(record_code(contents, namespace.rule, value), prefix="return ")
        writer.depth -= 1


def _emit_schemas(format: Format, writer: Writer) -> None:
    contents = format.contents
    classes = mapping({literal(rule): class_name(contents, schema_rule(format, rule)) for rule in SCHEMA_FIELDS})
    terminals = mapping({literal(name): terminal_name(name) for name in SCHEMA_TERMINALS})
    grammar = call("runtime.Grammar", classes, terminals)
    writer.block(call("runtime.Schemas", grammar), prefix="_SCHEMAS = ")
    writer.line()


def _emit_table(format: Format, writer: Writer) -> None:
    contents = format.contents
    users = user_rules(contents)
    roles = mapping({literal(role): class_name(contents, role) for role in contents.roles})
    readers = mapping({class_name(contents, rule): reader_name(rule) for rule in users})
    writers = mapping({class_name(contents, rule): content_writer(rule) for rule in users})
    implied = group(
        call("runtime.Implied", literal(item.flag[1]), *map(literal, item.list), "_DEFINITIONS")
        for item in format.implied
    )
    field = next(f.name for f in format.fields if set(contents.roles) & set(f.values or ()))
    names = mapping({class_name(contents, rule): literal(definition_name(contents, rule)) for rule in users})
    block = Block("runtime.Contents(", (literal(field), roles, readers, writers, implied, names), ")")
    writer.block(block, prefix="_CONTENTS = ")
