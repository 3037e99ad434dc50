"""The classes of contents: what the rules say about fields, as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..model.content_rules import Contents, Flag, Joined, Many, Node, Part, Token
from ..model.format_model import described
from .source_text import Block, Writer, call, data, literal

SUFFIX = "Content"


def class_name(contents: Contents, rule: str) -> str:
    name = "".join(part.title() for part in rule.split("_"))
    return name + SUFFIX if rule in contents.roles else name


def definition_name(contents: Contents, rule: str) -> str:
    """What a class is called in the JSON form."""
    return f"{rule}_{SUFFIX.lower()}" if rule in contents.roles else rule


def emit_types(contents: Contents, writer: Writer) -> None:
    users = user_rules(contents)
    for rule in contents.rules.values():
        if rule.kind == "enumerated":
            names = Block("Literal[", tuple(map(literal, rule.values)), "]")
            writer.line()
            writer.block(names, prefix=f"{class_name(contents, rule.name)} = ")
    for name, terminal in contents.terminals.items():
        if terminal.values:
            writer.line()
            writer.block(Block("Literal[", tuple(map(literal, terminal.values)), "]"), prefix=f"{_listed(name)} = ")
    for rule in contents.rules.values():
        if rule.kind == "record":
            _emit_class(contents, rule.name, rule.name in users, writer)


def user_rules(contents: Contents) -> list[str]:
    """The rules whose classes are what users work with: those of roles and in them, without the types of tools."""
    return [rule for rule in written_by_hand(contents) if contents.rules[rule].kind == "record"]


def written_by_hand(contents: Contents) -> list[str]:
    """The rules whose values users give."""
    found: dict[str, None] = {}

    def visit(rule: str) -> None:
        if rule in found or rule in contents.schemas:
            return
        found[rule] = None
        for name in contents.fields(rule):
            for node in contents.fields(rule)[name]:
                if used := _rule_of(node):
                    visit(used)

    for role in contents.roles:
        visit(role)
    return list(found)


def _rule_of(node: Node) -> str | None:
    match node:
        case Part(_, rule) | Joined(_, Part(_, rule)):
            return rule
        case Many(_, items):
            return next((item.rule for item in items if isinstance(item, Part)), None)
    return None


def plain_values(contents: Contents, rule: str) -> dict[str, str]:
    """For a class with defaults of its own: what says, for each of these fields, that it is absent."""
    kinds = dict(ordered_fields(contents, rule))
    own = contents.defaults.get(rule, {})
    return {literal(name): "[]" if kinds[name].startswith("list[") else "None" for name in own}


def _emit_class(contents: Contents, rule: str, user: bool, writer: Writer) -> None:
    made = contents.rules[rule]
    fields = dict(ordered_fields(contents, rule))
    writer.line()
    writer.line()
    writer.line(f"@dataclass({'eq=False, ' if user else ''}slots=True)")
    writer.line(f"class {class_name(contents, rule)}{'(runtime.Record)' if user else ''}:")
    writer.depth += 1
    of_fields = tuple(f"{name}: " for name in fields)
    text = described(tuple(line for line in made.doc if not line.startswith(of_fields))) or f"What `{rule}` says."
    attributes = [f"    {name}: {doc}" for name in fields if user and (doc := _doc(contents, rule, name))]
    writer.docstring([text, *(["", "Attributes:", *attributes] if attributes else [])])
    if fields:
        writer.line()
    own = contents.defaults.get(rule, {})
    for name, kind in fields.items():
        if (rule, name) in contents.implied:
            writer.line(f"{name}: bool | None = None")
        elif name in own:
            _assign_default(f"{name}: {_optional(kind)}", contents, rule, name, own[name], writer)
        else:
            writer.line(f"{name}: {_declared(contents, rule, name, kind)}")
    writer.depth -= 1


def _doc(contents: Contents, rule: str, name: str) -> str:
    """What a field is: what the comment on its class says behind its name, else what that on its own rule says."""
    lead = f"{name}: "
    if own := [line.removeprefix(lead) for line in contents.rules[rule].doc if line.startswith(lead)]:
        return " ".join(own)
    docs = [contents.rules[r].doc for n in contents.fields(rule)[name] if (r := _named_rule(n))]
    return described(docs[0]) if docs else ""


def _named_rule(node: Node) -> str | None:
    if isinstance(node, Flag):
        return node.field
    return _rule_of(node)


def ordered_fields(contents: Contents, rule: str) -> Iterator[tuple[str, str]]:
    """The fields of a class and their types, those that every alternative sets first."""
    kinds = {name: kind_of(contents, nodes[0]) for name, nodes in contents.fields(rule).items()}
    required = required_fields(contents, rule)
    yield from ((name, kind) for name, kind in kinds.items() if name in required)
    yield from ((name, kind) for name, kind in kinds.items() if name not in required)


def required_fields(contents: Contents, rule: str) -> set[str]:
    """Fields without which no alternative can be written; an absent schema is one that says so itself."""
    always = set.intersection(*(contents.required(way.items) for way in contents.rules[rule].ways))
    return {name for name in always if not is_schema(contents, contents.fields(rule)[name][0])}


def is_schema(contents: Contents, node: Node) -> bool:
    return isinstance(node, Part) and node.rule in contents.schemas


def kind_of(contents: Contents, node: Node) -> str:
    """The Python type of a field."""
    match node:
        case Flag():
            return "bool"
        case Token(_, terminal):
            if contents.is_json(terminal):
                return "Any"
            return _listed(terminal) if contents.terminals[terminal].values else "str"
        case Joined(_, item):
            return f"list[{kind_of(contents, item)}]"
        case Many(_, items):
            return f"list[{kind_of(contents, next(i for i in items if isinstance(i, (Token, Part)) and i.field))}]"
        case Part(_, rule):
            return _value(contents, rule)
    return "Any"


def _listed(terminal: str) -> str:
    return "".join(part.title() for part in terminal.split("_"))


def _value(contents: Contents, rule: str) -> str:
    made = contents.rules[rule]
    if rule in contents.schemas:
        return "runtime.JsonSchema"
    if made.kind in ("record", "enumerated") and not made.collapses:
        return class_name(contents, rule)
    if made.kind == "lines":
        return "str"
    if made.kind in ("text", "list", "alias"):
        (nodes,) = contents.fields(rule).values()
        return kind_of(contents, nodes[0])
    return "Any"


def _optional(kind: str) -> str:
    return kind if kind in ("Any", "bool") or kind.startswith("list[") else f"{kind} | None"


def _declared(contents: Contents, rule: str, name: str, kind: str) -> str:
    if kind.startswith("list["):
        return f"{kind} = field(default_factory=list)"
    if name in required_fields(contents, rule):
        return kind
    return f"{_optional(kind)} = {'False' if kind == 'bool' else 'None'}"


def _assign_default(declared: str, contents: Contents, rule: str, name: str, value: Any, writer: Writer) -> None:
    node = contents.fields(rule)[name][0]
    code = _flat(value)
    if isinstance(value, dict) and isinstance(node, Part):
        code = call(class_name(contents, node.rule), *(f"{key}={_flat(item)}" for key, item in value.items())).flat()
    if isinstance(value, (dict, list)):
        writer.assign(declared, "field", f"default_factory=lambda: {code}")
    else:
        writer.line(f"{declared} = {code}")


def _flat(value: Any) -> str:
    code = data(value)
    return code if isinstance(code, str) else code.flat()
