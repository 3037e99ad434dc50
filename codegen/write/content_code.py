"""Rules of contents as functions that read a text, one per rule, and one per group in it."""

from __future__ import annotations

from ..model.content_rules import ContentRule, Contents, Fixed, Flag, Joined, Many, Node, Optional, Part, Token, Use
from ..model.content_types import class_name
from ..read import regular_expressions as pattern
from .content_classes import plain_values
from .source_text import Block, Writer, call, group, literal, mapping, raw


def terminal_name(terminal: str) -> str:
    return f"_CONTENT_{terminal}"


def reader_name(rule: str) -> str:
    return f"_read_{rule}"


def emit_terminals(contents: Contents, writer: Writer) -> None:
    for terminal in contents.terminals.values():
        writer.comment(terminal.source)
        writer.assign(terminal_name(terminal.name), "re.compile", raw(pattern.expression(terminal.pattern)))
        writer.line()
    for rule in contents.rules.values():
        if rule.kind == "lines":
            each, whole = _line_patterns(contents, rule)
            writer.assign(f"_LINE_{rule.name}", "re.compile", raw(each))
            writer.assign(f"_LINES_{rule.name}", "re.compile", raw(whole))


def _line_patterns(contents: Contents, rule: ContentRule) -> tuple[str, str]:
    """Regular expressions for one line of a rule of lines, its text in a group, and for all that the rule reads."""
    whole = each = ""
    for node in rule.nodes:
        if isinstance(node, Many):
            each = "".join(_expression(contents, item, grouped=True) for item in node.items)
            whole += f"(?:{''.join(_expression(contents, item) for item in node.items)})+"
        else:
            whole += _expression(contents, node)
    return each, whole


def _expression(contents: Contents, node: Node, grouped: bool = False) -> str:
    if isinstance(node, Fixed):
        return pattern.escape(node.text)
    assert isinstance(node, Token)
    inner = f"(?:{pattern.expression(contents.terminals[node.terminal].pattern)}){'?' * node.optional}"
    return f"({inner})" if grouped and node.field else inner


def emit_readers(contents: Contents, writer: Writer) -> None:
    for rule in contents.rules.values():
        _Emitter(contents, rule, writer).emit()


class _Emitter:
    """Writes the functions of one rule. Groups become functions of their own, written before the one that uses them."""

    def __init__(self, contents: Contents, rule: ContentRule, writer: Writer) -> None:
        self.contents, self.rule, self.writer = contents, rule, writer
        self.groups = 0

    def emit(self) -> None:
        rule, writer, contents = self.rule, self.writer, self.contents
        if rule.kind == "constant":
            return
        if absent := plain_values(contents, rule.name):
            writer.line()
            writer.block(mapping(absent), prefix=f"_ABSENT_{rule.name}: runtime.Fields = ")
        if rule.kind in ("record", "inlined") and len(rule.ways) > 1:
            names = [self.group(way.items) for way in rule.ways]
            self.head(rule.kind == "inlined")
            if rule.kind == "inlined":
                writer.block(Block("r.either((", tuple(names), "), f)"), prefix="return ")
            else:
                writer.line("f: runtime.Fields = {}")
                writer.block(Block("r.either((", tuple(names), "), f)"), prefix="done = ")
                writer.line(f"return {self.result()} if done else runtime.NOTHING")
        elif rule.kind in ("choice", "enumerated", "lines"):
            self.head(False)
            writer.block(self.direct(), prefix="return ")
        else:
            terms = self.chain(rule.nodes)
            self.head(rule.kind == "inlined")
            self.sequence(terms)
        writer.depth -= 1

    def head(self, inlined: bool) -> None:
        self.writer.line()
        self.writer.line()
        self.writer.comment(self.rule.source)
        signature = "r: runtime.Reader, f: runtime.Fields) -> bool" if inlined else "r: runtime.Reader) -> Any"
        self.writer.line(f"def {reader_name(self.rule.name)}({signature}:")
        self.writer.depth += 1

    def direct(self) -> Block:
        """The value of a rule that is read by one call."""
        rule = self.rule
        if rule.kind == "lines":
            return call("r.lines", f"_LINES_{rule.name}", f"_LINE_{rule.name}")
        if rule.kind == "enumerated":
            texts = ("".join(node.text for node in way.items if isinstance(node, Fixed)) for way in rule.ways)
            values = dict(zip(map(literal, texts), map(literal, rule.values), strict=True))
            return call("r.spelled", mapping(values))
        names = [reader_name(node.rule) for way in rule.ways for node in way.items if isinstance(node, Part)]
        return call("r.choice", group(names))

    def sequence(self, terms: list[str]) -> None:
        if self.rule.kind == "inlined":
            self.writer.chain(terms, "and", "return ")
            return
        self.writer.line("f: runtime.Fields = {}")
        self.writer.chain(terms or ["True"], "and", "done = ")
        self.writer.line(f"return {self.result()} if done else runtime.NOTHING")

    def result(self) -> str:
        rule, contents = self.rule, self.contents
        fields = contents.fields(rule.name)
        if rule.kind in ("text", "list", "alias"):
            (name,) = fields
            empty = {"text": '""', "list": "[]"}.get(rule.kind)
            return f"f.get({literal(name)}, {empty})" if empty else f"f[{literal(name)}]"
        made = f"{class_name(contents, rule.name)}(**f)"
        if rule.name in contents.defaults:
            made = f"{class_name(contents, rule.name)}(**(_ABSENT_{rule.name} | f))"
        if rule.collapses:
            core = core_field(contents, rule)
            return f"r.collapsed({class_name(contents, rule.name)}, f, {literal(core)})"
        return f"_SCHEMAS.schema({made})" if rule.name in contents.schemas else made

    def chain(self, nodes: tuple[Node, ...]) -> list[str]:
        return [self.term(node) for node in nodes if node != Fixed("")]

    def term(self, node: Node) -> str:
        contents = self.contents
        match node:
            case Fixed(text):
                return f"r.fixed({literal(text)})"
            case Flag(name, text):
                return f"r.flag({literal(text)}, f, {literal(name)})"
            case Token("", terminal):
                return f"r.layout({terminal_name(terminal)})"
            case Token(name, terminal, optional):
                kind = "value" if contents.is_json(terminal) else "token"
                read = f"r.{kind}({terminal_name(terminal)}, f, {literal(name)})"
                return read.replace("r.", "r.maybe_", 1) if optional else read
            case Part(name, rule):
                return f"r.part({reader_name(rule)}, f, {literal(name)})"
            case Use(rule):
                return f"{reader_name(rule)}(r, f)"
            case Optional((Part(name, rule),)):
                return f"r.maybe({reader_name(rule)}, f, {literal(name)})"
            case Optional(items):
                return f"r.group({self.group(items)}, f)"
            case Many(name, items, least):
                return f"r.many({self.group(items)}, f, {literal(name)}, {least})"
            case Joined(name, item, separator):
                return f"r.joined({self.group((item,))}, {literal(separator)}, f, {literal(name)})"

    def group(self, items: tuple[Node, ...]) -> str:
        """Write the function of a group; its name."""
        terms = self.chain(items)
        self.groups += 1
        name = f"{reader_name(self.rule.name)}_{self.groups}"
        self.writer.line()
        self.writer.line()
        self.writer.line(f"def {name}(r: runtime.Reader, f: runtime.Fields) -> bool:")
        self.writer.depth += 1
        self.writer.chain(terms or ["True"], "and", "return ")
        self.writer.depth -= 1
        return name


def core_field(contents: Contents, rule: ContentRule) -> str:
    """The field whose value is that of a rule that collapses."""
    leaves = [node for node in contents.leaves(rule.nodes) if isinstance(node, (Part, Joined))]
    required = contents.required(rule.nodes)
    return [node.field for node in leaves if node.field in required][-1]
