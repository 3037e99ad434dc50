"""The part of the codec for contents: the table of their rules, what they define, and built-in tools."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.content_grammar import ContentGrammar, fixed_text, is_date, is_json, tools_name
from ..model.format_model import Format
from ..model.grammar_rules import GrammarRule
from ..model.schema_rules import FITTING_TERMINALS
from ..model.terminals import Terminal, longest_first
from ..read import regular_expressions as pattern
from ..read.grammar_nodes import GrammarNode, Repeat, RuleCall, RuleList, RuleMark, RuleValue, Text, parts
from .message_types import plain_values, record_code
from .source_text import Block, Writer, arguments, call, data, group, literal, mapping, raw


def emit_contents(format: Format, writer: Writer) -> None:
    contents = format.contents
    writer.heading("Contents: their terminals, and their rules as a table.")
    with writer.body("_CONTENT_TERMINALS = {", "}"):
        for terminal in contents.terminals.values():
            writer.comment(terminal.source)
            writer.line(f"{literal(terminal.name)}: {raw(pattern.expression(terminal.pattern))},")
    writer.space()
    with writer.body("_CONTENT_RULES: dict[str, runtime.Rule] = {", "}"):
        by_hand = set(contents.by_hand)
        for rule in contents.rules.values():
            if rule.kind != "constant":
                writer.comment(rule.source)
                row = _Row(contents, rule, rule.name in by_hand).code()
                writer.block(row, prefix=f"{literal(rule.name)}: ", suffix=",")
    writer.space()
    _emit_table(format, writer)


def terminal_pattern(terminal: str) -> str:
    """The code for the regular expression of a terminal."""
    return f"_CONTENT_TERMINALS[{literal(terminal)}]"


class _Row:
    """The row of a rule."""

    def __init__(self, contents: ContentGrammar, rule: GrammarRule, by_hand: bool) -> None:
        self.contents, self.rule, self.by_hand = contents, rule, by_hand

    def code(self) -> Block:
        rule, contents = self.rule, self.contents
        if rule.kind == "enumerated":
            named = {fixed_text(way.node): way.name or "" for way in rule.ways}
            texts = {literal(named[text]): literal(text) for text in longest_first(named)}
            return call("runtime.Enumerated", mapping(texts))
        ways = data(tuple(tuple(self.part(node) for node in way.items if node != Text("")) for way in rule.ways))
        options: dict[str, object] = {}
        if any(names := contents.spellings(rule.name)):
            options["names"] = names
        if spaces := contents.indents.get(rule.name):
            options["indent"] = " " * spaces
        match rule.kind:
            case "choice":
                return call("runtime.Choice", ways)
            case "lines":
                return call("runtime.Lines", ways, *arguments(**options))
            case "inlined":
                return call("runtime.Rule", ways, *arguments(**options))
            case "text" | "list" | "alias":
                empty = {"text": '""', "list": "[]"}.get(rule.kind)
                return call("runtime.Single", ways, *([empty] if empty else []), *arguments(**options))
        if rule.collapses:
            options["core"] = contents.core_fields(rule.name)[-1]
        if absent := plain_values(contents, rule.name):
            options["absent"] = absent
        if rule.name in contents.schemas:
            options["is_schema"] = True
        return call("runtime.RecordRule", ways, contents.class_name(rule.name), *arguments(**options))

    def part(self, node: GrammarNode) -> str | Block:
        """A text, or the code of a part."""
        match node:
            case Text(text):
                return text
            case Repeat(RuleMark(name, Text(text))):
                decided = ["decided=True"] * ((self.rule.name, name) in self.contents.implied)
                return call("runtime.Flag", literal(name), literal(text), *decided)
            case Repeat(RuleValue(name, terminal)) if not is_json(terminal):
                return self.token(name, terminal, optional=True)
            case RuleValue(name, terminal):
                return self.token(name, terminal, optional=False)
            case RuleCall(rule) if self.contents.rules[rule].kind == "constant":
                return fixed_text(self.contents.rules[rule].node)
            case RuleCall(rule):
                return call("runtime.Value" if self.contents.is_field(rule) else "runtime.Use", literal(rule))
            case Repeat(item, 0, 1):
                return call("runtime.Option", data(tuple(map(self.part, parts(item)))))
            case RuleList(name, item, least, separator):
                options = [f"separator={literal(separator)}"] if separator else ["0"] * (not least)
                return call("runtime.Many", literal(name), data(tuple(map(self.part, parts(item)))), *options)
        raise AssertionError(f"contents have no {node}")

    def token(self, name: str, terminal: str, optional: bool) -> Block:
        if is_json(terminal):
            return call("runtime.Json", literal(name), literal(terminal))
        options: dict[str, object] = {"optional": True} if optional else {}
        if values := self.contents.terminals[terminal].values:
            options["values"] = values
        if name and self.is_fitting(name, terminal, optional):
            options["checked"] = False
        if is_date(terminal):
            options["is_date"] = True
        return call("runtime.Token", literal(name), literal(terminal), *arguments(**options))

    def is_fitting(self, name: str, terminal: str, optional: bool) -> bool:
        """Whether the library set the text, so that it fits; an optional one only in lines, which may be empty."""
        name = self.rule.name if self.rule.kind in ("text", "lines") else name
        return not self.by_hand and FITTING_TERMINALS.get(name) == terminal and optional == (self.rule.kind == "lines")


def emit_tools(format: Format, writer: Writer) -> None:
    """Write a function for each built-in namespace; each call returns a new one."""
    contents = format.contents
    namespace = format.definitions.get("namespace")
    for file, value in format.tools.items() if namespace else ():
        assert namespace is not None
        name = tools_name(file)
        with writer.function(name, [], contents.class_name(namespace.rule)):
            writer.docstring([f"The built-in namespace `{value[namespace.fields['name']]}`."])
            writer.block(record_code(contents, namespace.rule, value), prefix="return ")


def _emit_table(format: Format, writer: Writer) -> None:
    contents = format.contents
    rules = call(
        "runtime.Rules",
        group(map(literal, contents.roles)),
        "_CONTENT_TERMINALS",
        "_CONTENT_RULES",
        *["lambda rules: runtime.Schemas(rules)"] * bool(contents.schemas),  # imported when a schema is read
    )
    implied = group(
        call("runtime.Implied", literal(item.flag[1]), *map(literal, item.list), "_DEFINITIONS")
        for item in format.implied
    )
    writer.assign("_CONTENTS", call("runtime.Contents", literal(format.role), rules, implied))


def emit_definitions(format: Format, writer: Writer) -> None:
    if not format.definitions:
        return
    values: dict[str, object] = {}
    for key, defined in format.definitions.items():
        values[key] = call("runtime.Definition", format.contents.class_name(defined.rule), data(defined.fields))
    made = arguments(functions=format.functions, **values, holders=tuple(_holders(format)))
    writer.assign("_DEFINITIONS", call("runtime.Definitions", *made))
    if format.functions:
        doc = "The namespace of the tools that a developer offers."
        writer.assign("FUNCTION_NAMESPACE", literal(format.functions), doc=doc)


def _holders(format: Format) -> Iterator[tuple[str, str]]:
    """The roles whose contents have namespaces, with their field."""
    contents, namespace = format.contents, format.definitions.get("namespace")
    for role in contents.roles if namespace else ():
        for name, nodes in contents.fields(role).items():
            if contents.is_list(nodes[0]) and namespace and contents.record_in(nodes[0]) == namespace.rule:
                yield role, name


def name_terminal(format: Format) -> Terminal | None:
    """The terminal for the names of tools; None if contents do not define any."""
    tool = format.definitions.get("tool")
    return format.contents.terminal_of(format.contents.fields(tool.rule)[tool.fields["name"]][0]) if tool else None
