"""Rules of contents in both directions: functions that read a text, and functions that write one.

Each rule has one of each. In readers, each group in a rule has a function, too.
"""

from __future__ import annotations

from dataclasses import replace

from ..model.content_rules import ContentNode, ContentRule, Contents, Fixed, Flag, Joined, Many, Maybe, Part, Token, Use
from ..model.content_types import class_name, written_by_hand
from ..model.schema_rules import FITTING_TERMINALS
from ..read import regular_expressions as pattern
from .message_types import plain_values
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
    """Regular expressions for a rule of lines: for one line, with its text in a group, and for the whole rule."""
    whole = each = ""
    for node in rule.nodes:
        if isinstance(node, Many):
            each = "".join(_expression(contents, item, grouped=True) for item in node.items)
            whole += f"(?:{''.join(_expression(contents, item) for item in node.items)})+"
        else:
            whole += _expression(contents, node)
    return each, whole


def _expression(contents: Contents, node: ContentNode, grouped: bool = False) -> str:
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

    def chain(self, nodes: tuple[ContentNode, ...]) -> list[str]:
        return [self.term(node) for node in nodes if node != Fixed("")]

    def term(self, node: ContentNode) -> str:
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
            case Maybe((Part(name, rule),)):
                return f"r.maybe({reader_name(rule)}, f, {literal(name)})"
            case Maybe(items):
                return f"r.group({self.group(items)}, f)"
            case Many(name, items, least):
                return f"r.many({self.group(items)}, f, {literal(name)}, {least})"
            case Joined(name, item, separator):
                return f"r.joined({self.group((item,))}, {literal(separator)}, f, {literal(name)})"

    def group(self, items: tuple[ContentNode, ...]) -> str:
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


def content_writer(rule: str) -> str:
    return f"_write_{rule}_content"


def emit_content_writers(contents: Contents, writer: Writer) -> None:
    """Write a function for each rule; for a rule that only chooses, a table of texts, or of functions by class."""
    tables: dict[str, None] = {}
    for rule in contents.rules.values():
        if rule.kind in ("constant", "choice"):
            continue
        writer.line()
        writer.line()
        writer.comment(rule.source)
        if rule.kind == "enumerated":
            texts = ("".join(node.text for node in way.items if isinstance(node, Fixed)) for way in rule.ways)
            values = dict(zip(map(literal, rule.values), map(literal, texts), strict=True))
            writer.block(mapping(values), prefix=f"_TEXTS_{rule.name} = ")
            continue
        wraps = rule.collapses and not _passes_on(rule)
        kind = class_name(contents, rule.name) if rule.kind == "record" and not wraps else "Any"
        writer.line(f"def {content_writer(rule.name)}(w: runtime.Layout, m: {kind}) -> str:")
        writer.depth += 1
        _Body(contents, rule, tables, writer).emit()
        writer.depth -= 1
    for name in tables:
        _emit_writer_table(contents, contents.rules[name], writer)


def _passes_on(rule: ContentRule) -> bool:
    """Whether a value is written by the rule of its class, and not by this one."""
    bare = rule.collapses and not any(isinstance(node, Fixed) for node in rule.nodes)
    return bare or rule.kind == "choice"


def _emit_writer_table(contents: Contents, rule: ContentRule, writer: Writer) -> None:
    """Write the table of writers by the class of the value."""
    writer.line()
    writer.line()
    writer.comment(rule.source)
    writer.line(f"_WRITERS_{rule.name}: dict[type, runtime.Write] = {{")
    for made in contents.yields(rule.name):
        writer.line(f"    {class_name(contents, made)}: {content_writer(_writing_rule(contents, rule.name, made))},")
    writer.line("}")


def _writing_rule(contents: Contents, rule: str, made: str) -> str:
    """The rule that writes a value of a class for `rule`, without the rules between that only pass it on."""
    found = contents.rules[rule]
    if rule == made:
        return rule
    if found.kind == "choice":
        parts = [node.rule for way in found.ways for node in way.items if isinstance(node, Part)]
        return _writing_rule(contents, next(part for part in parts if made in contents.yields(part)), made)
    if _passes_on(found):
        node = contents.fields(rule)[core_field(contents, found)][0]
        part = node.item if isinstance(node, Joined) else node
        assert isinstance(part, Part)
        return _writing_rule(contents, part.rule, made)
    return rule


class _Body:
    """Writes the body of the writer of a rule; the tables that it uses are added to `tables`."""

    def __init__(self, contents: Contents, rule: ContentRule, tables: dict[str, None], writer: Writer) -> None:
        self.contents, self.rule, self.tables, self.writer = contents, rule, tables, writer
        self.by_hand = rule.name in written_by_hand(contents)
        self.indent = contents.indents.get(rule.name, 0)

    def emit(self) -> None:
        rule, writer = self.rule, self.writer
        if rule.collapses and not _passes_on(rule):
            name = class_name(self.contents, rule.name)
            writer.line(f"if type(m) is not {name}:")
            writer.line(f"    m = {name}({core_field(self.contents, rule)}=m)")
        if self.indent:
            writer.line("indent = w.indent")
            writer.line(f"w.indent += {literal(' ' * self.indent)}")
        if rule.kind in ("record", "inlined") and len(rule.ways) > 1:
            self.ways()
            return
        self.body(rule.nodes)

    def body(self, items: tuple[ContentNode, ...]) -> None:
        """Statements that build the text of parts and return it."""
        terms = self.statements(items)
        if self.indent:
            started = terms[0] == "text"
            if terms != ["text"]:
                self.writer.chain(terms[started:], "+", "text += " if started else "text = ")
            self.writer.line("w.indent = indent")
            terms = ["text"]
        if terms[0].startswith("m") and self.rule.kind != "record":
            self.writer.line(f"text: str = {terms[0]}")
            terms[0] = "text"
        self.writer.chain(terms, "+", "return ")

    def statements(self, items: tuple[ContentNode, ...], prefix: str = "") -> list[str]:
        """Write statements up to the last part that may be absent; returns the terms of the other parts."""
        terms = [prefix] * bool(prefix)
        started = bool(prefix)
        for node in map(self.optional, items):
            if not isinstance(node, (Maybe, Flag)):
                terms += self.terms((node,))
                continue
            if terms != ["text"]:
                own = terms[1:] if started else terms
                self.writer.chain(own or ['""'], "+", "text += " if started else "text = ")
            started = True
            self.writer.chain(self.condition(node), "or", "if ", ":")
            self.writer.depth += 1
            inner = (Fixed(node.text),) if isinstance(node, Flag) else node.items
            rest = self.statements(inner, "text")
            if rest != ["text"]:
                self.writer.chain(rest[1:], "+", "text += ")
            self.writer.depth -= 1
            terms = ["text"]
        return terms or ['""']

    def optional(self, node: ContentNode) -> ContentNode:
        """Turn a list that may be empty into an optional one. A list by users stays, since its items are checked."""
        bare = isinstance(node, Many) and not node.least and self.rule.kind != "list" and not self.by_hand
        return Maybe((replace(node, least=1),)) if bare and isinstance(node, Many) else node

    def condition(self, node: Maybe | Flag) -> list[str]:
        """The conditions for an optional part; one that holds is enough."""
        if isinstance(node, Flag):
            decided = (self.rule.name, node.field) in self.contents.implied
            method = "decide" if decided else "flag"
            return [f"w.{method}(m.{node.field}, {literal(node.field)})" if self.by_hand else f"m.{node.field}"]
        names = dict.fromkeys(_field(leaf) for leaf in self.contents.leaves(node.items))
        return _bare(list(map(self.present, names)))

    def ways(self) -> None:
        """Write the choice of the first alternative whose fields are set and that leaves none out."""
        rule, writer = self.rule, self.writer
        absent: set[str] = set()
        for way in rule.ways:
            held = {_field(node) for node in self.contents.leaves(way.items)}
            needed = [n for n in self.contents.required(way.items) if not self.schema(n)]
            terms = [self.present(name) for name in self.contents.fields(rule.name) if name in needed]
            terms += [self.absent(name) for name in self.contents.fields(rule.name) if name not in held | absent]
            for node in way.items:
                if isinstance(node, Use) and self.needs_any(node.rule):
                    names = dict.fromkeys(_field(leaf) for leaf in self.contents.leaves((node,)))
                    terms.append(" or ".join(map(self.present, names)))
                    absent |= set(names) if len(terms) == 1 else set()
            absent |= set(needed) if len(terms) == len(needed) == 1 else set()
            alone = len(terms) == 1
            terms = terms[0].split(" or ") if alone else [_wrapped(term) for term in terms]
            if not terms:
                self.body(way.items)
                return
            writer.chain(_bare(terms), "or" if alone else "and", "if ", ":")
            writer.depth += 1
            self.body(way.items)
            writer.depth -= 1
        if rule.name in self.contents.roles:
            writer.line('return ""')
        else:
            writer.line(f"raise runtime.Inexpressible({literal(rule.name)})")

    def needs_any(self, rule: str) -> bool:
        """Whether an inlined rule cannot be empty."""
        ways = self.contents.rules[rule].ways
        return len(ways) > 1 or bool(self.contents.required(ways[0].items))

    def absent(self, name: str) -> str:
        present = self.present(name)
        return f"not {present}" if present == f"m.{name}" else f"m.{name} is None"

    def schema(self, name: str) -> bool:
        node = self.contents.fields(self.rule.name)[name][0]
        return isinstance(node, Part) and node.rule in self.contents.schemas

    def present(self, name: str) -> str:
        """The condition under which a field has a value that can be written."""
        nodes = self.field_nodes(name)
        falsy = any(isinstance(n, (Flag, Many, Joined)) or (isinstance(n, Part) and self.falsy(n.rule)) for n in nodes)
        if falsy:
            return f"m.{name}"
        lists = {
            f"m.{name}.{inner}"
            for node in nodes
            if isinstance(node, Part) and self.contents.rules[node.rule].kind == "record"
            if not self.contents.rules[node.rule].collapses and node.rule not in self.contents.schemas
            for inner in self.contents.required(self.contents.rules[node.rule].nodes)
            if self.is_list(self.contents.fields(node.rule)[inner][0])
        }
        present = " and ".join([f"m.{name} is not None", *sorted(lists)])
        return f"({present})" if lists else present

    def is_list(self, node: ContentNode) -> bool:
        part = isinstance(node, Part) and self.contents.rules[node.rule].kind == "list"
        return part or isinstance(node, (Many, Joined))

    def field_nodes(self, name: str) -> list[ContentNode]:
        found = self.contents.fields(self.rule.name).get(name)
        return found or []

    def falsy(self, rule: str) -> bool:
        return self.contents.rules[rule].kind in ("lines", "list")

    def value(self, node: ContentNode) -> str:
        """The expression for the value of a part: the rule's own value, or a field of it."""
        return "m" if self.rule.kind in ("text", "lines", "list", "alias") else f"m.{_field(node)}"

    def terms(self, items: tuple[ContentNode, ...]) -> list[str]:
        return [self.term(node) for node in items if node != Fixed("")]

    def term(self, node: ContentNode) -> str:
        contents = self.contents
        match node:
            case Fixed(text):
                return literal(text)
            case Token(""):
                return "w.indent"
            case Token(name, terminal, optional):
                return self.token(self.value(node), name, terminal, optional)
            case Part(name, rule):
                value = self.value(node)
                if rule in contents.schemas:
                    value = f"_SCHEMAS.type({value}, w)"
                return self.written(rule, value)
            case Use(rule):
                return f"{content_writer(rule)}(w, m)"
            case Maybe() | Flag():
                raise AssertionError("what may be absent is a statement of its own")
            case Many(_, inner) if self.rule.kind == "lines":
                return self.lines(node, inner)
            case Many(_, inner):
                return self.many(node, inner)
            case Joined(_, item, separator):
                return self.joined(node, separator, self.item(item), self.checked(node, item, 1))

    def checked(self, node: Many | Joined, item: Token | Part, least: int) -> str:
        """The items of a list; those by users are checked."""
        if not self.by_hand:
            return self.value(node)
        made = isinstance(item, Part) and self.contents.rules[item.rule].kind == "record"
        kind = f", {class_name(self.contents, item.rule)}" if made and isinstance(item, Part) else ""
        name = self.rule.name if self.value(node) == "m" else node.field
        self.writer.line(f"{node.field} = w.items({self.value(node)}, {literal(name)}, {least}{kind})")
        return node.field

    def many(self, node: Many, inner: tuple[ContentNode, ...]) -> str:
        terms = " + ".join(
            self.item(part) if isinstance(part, (Token, Part)) and part.field else self.term(part) for part in inner
        )
        item = next(part for part in inner if isinstance(part, (Token, Part)) and part.field)
        values = self.checked(node, item, node.least)
        return self.joined(node, "", terms, values)

    def lines(self, node: Many, inner: tuple[ContentNode, ...]) -> str:
        """The lines of a text, each checked unless it is known to fit."""
        at, item = next((at, part) for at, part in enumerate(inner) if isinstance(part, Token) and part.field)
        before, each, after = self.terms(inner[:at]), self.item(item), self.terms(inner[at + 1 :])
        if each == "item":
            return f"w.lines({self.value(node)}, {' + '.join(before) or literal('')}, {' + '.join(after)})"
        return f'"".join([{" + ".join((*before, each, *after))} for item in w.split({self.value(node)})])'

    def joined(self, node: Many | Joined, separator: str, each: str, values: str) -> str:
        """The text of all items of a list; for a list by users, in a statement of its own."""
        if not self.by_hand or len(self.rule.nodes) == 1:
            return f"{literal(separator)}.join([{each} for item in {values}])"
        self.writer.assign(f"text_of_{node.field}", f"{literal(separator)}.join", f"[{each} for item in {values}]")
        return f"text_of_{node.field}"

    def written(self, rule: str, value: str) -> str:
        """The expression that writes a value by a rule."""
        made = self.contents.rules[rule]
        if made.kind == "enumerated":
            return f"w.spelled({literal(rule)}, _TEXTS_{rule}, {value})"
        if _passes_on(made):
            self.tables[rule] = None
            return f"_WRITERS_{rule}.get(type({value}), runtime.no_writer)(w, {value})"
        return f"{content_writer(rule)}(w, {value})"

    def item(self, node: Token | Part) -> str:
        if isinstance(node, Part):
            return self.written(node.rule, "item")
        return self.token("item", node.field, node.terminal, node.optional)

    def token(self, value: str, name: str, terminal: str, optional: bool) -> str:
        if self.contents.is_json(terminal):
            return f"w.value({value})"
        name = self.rule.name if self.rule.kind in ("text", "lines") else name
        if self.is_fitting(name, terminal, optional):
            return value
        if values := self.contents.terminals[terminal].values:
            return f"w.listed({group(map(literal, values)).flat()}, {value}, {literal(name)})"
        return f"w.fit{'_optional' * optional}({terminal_name(terminal)}, {value}, {literal(name)})"

    def is_fitting(self, name: str, terminal: str, optional: bool) -> bool:
        """Whether the library set the text, so that it fits; an optional one only in lines, which may be empty."""
        return not self.by_hand and FITTING_TERMINALS.get(name) == terminal and optional == (self.rule.kind == "lines")


def _field(node: ContentNode) -> str:
    assert isinstance(node, (Flag, Token, Part, Many, Joined))
    return node.field


def _wrapped(condition: str) -> str:
    return f"({condition})" if " or " in condition else condition


def _bare(terms: list[str]) -> list[str]:
    """Terms, a single one without brackets."""
    only = len(terms) == 1 and terms[0].startswith("(")
    return [terms[0][1:-1]] if only else terms
