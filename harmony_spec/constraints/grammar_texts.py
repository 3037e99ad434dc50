"""Grammars as text, one rule a line: EBNF for xgrammar, GBNF for llama.cpp, and what Lark has in common with them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from ..format.algebra import (
    NOTHING,
    AlternativesNode,
    CharacterNode,
    JsonNode,
    LiteralNode,
    Node,
    OptionalNode,
    ReferenceNode,
    RepeatNode,
    RuleNode,
    SequenceNode,
    TextNode,
    TokenNode,
    all_but,
    gaps,
    in_order,
    maybe,
    one_of,
    repeat,
)
from .enforceable import enforceable
from .json_rules import JsonRules, piece_without

FREE_TEXT = TextNode()
OPTIONAL_TEXT = OptionalNode(FREE_TEXT)


class GrammarText(ABC):
    """Prints an algebra as a grammar, with JSON as rules.

    Args:
        ids: the special tokens of the vocabulary.
        lead: the text that all special tokens begin with; "" if there is none.

    Attributes:
        empty: what matches nothing but the empty text.
        start, defines: the name of the first rule, and the sign between a name and its body.
        token_lead: if texts are written as tokens, the first character of all special tokens; else "".
    """

    empty = '""'
    start = "root"
    defines = " ::= "
    token_lead = ""

    def __init__(self, ids: Mapping[str, int], lead: str) -> None:
        self.ids, self.json_rules = ids, JsonRules(lead[:2])
        self._todo = deque[tuple[str, Callable[[], str]]]()
        self._names: dict[Node, str] = {}
        self._written: dict[tuple[int, bool], tuple[Node, str]] = {}
        self._used: dict[str, int] = {self.start: 0}

    def print(self, node: Node) -> str:
        lines = [f"{self.start}{self.defines}{self.expression(node)}"]
        while self._todo:
            name, body = self._todo.popleft()
            lines.append(f"{name}{self.defines}{body()}")
        return "\n".join([*lines, ""])

    def token(self, spelling: str) -> str:
        return f"<[{self.ids[spelling]}]>"

    @abstractmethod
    def text(self, is_optional: bool) -> str: ...

    def literal(self, text: str) -> str:
        is_plain = {char for char in text if char.isascii() and char.isprintable() and char not in '"\\'}
        return f'"{"".join(char if char in is_plain else escaped(ord(char)) for char in text)}"'

    def json(self, node: JsonNode) -> str:
        """The body of the rule of a JSON value."""
        return self.expression(self.json_rules.value(str(enforceable(node.schema, "grammar").text)))

    def expression(self, node: Node, is_part: bool = False) -> str:
        """A node in one line; a part of a sequence is in brackets if it has alternatives."""
        key = id(node), is_part  # a large part that occurs often is one object; to compare it takes longer
        if key not in self._written:
            self._written[key] = node, self.written(node, is_part)  # with the node, since ids are those of what exists
        return self._written[key][1]

    def written(self, node: Node, is_part: bool) -> str:
        match node:
            case LiteralNode(text):
                return self.literal(text)
            case SequenceNode(items):
                parts = crossing(items, self.token_lead)
                return " ".join([self.expression(item, True) for item in parts]) or self.empty
            case AlternativesNode(items):
                body = " | ".join([self.expression(item) for item in items])
                return f"( {body} )" if is_part else body
            case TokenNode(spelling):
                return self.token(spelling)
            case CharacterNode():
                return character_class(node)
            case TextNode():
                return self.text(False)
            case OptionalNode(TextNode()):
                return self.text(True)
            case RuleNode(name, item):
                return self.rule(node, name, lambda: self.expression(item))
            case JsonNode():
                return self.rule(node, "value", lambda: self.json(node))
            case ReferenceNode(name):
                return self.rule(node, name, lambda: self.expression(self.json_rules.definitions[name]()))
            case OptionalNode(item):
                return f"{self.unit(item)}?"
            case RepeatNode(item, least, most):
                return self.unit(item) + repetition(least, most)
        raise AssertionError(f"{node} has fields")

    def unit(self, node: Node) -> str:
        """A node that an operator can follow."""
        body = self.expression(node)
        is_unit = isinstance(node, TokenNode | LiteralNode | CharacterNode | RuleNode | ReferenceNode | JsonNode)
        return body if is_unit else f"( {body} )"

    def rule(self, node: Node, name: str, body: Callable[[], str]) -> str:
        """The name of the rule for a node, which is written once."""
        if node not in self._names:
            self._names[node] = self.new_name(name)
            self._todo.append((self._names[node], body))
        return self._names[node]

    def new_name(self, wanted: str) -> str:
        name = self.identifier(wanted)
        count = self._used[name] = self._used.get(name, -1) + 1
        return self.new_name(f"{name}_{count}") if count else name

    def identifier(self, wanted: str) -> str:
        name = re.sub(r"[^a-z0-9]+", "_", wanted.lower()).strip("_")
        return name if name[:1].isalpha() else f"rule_{name}".strip("_")


class XgrammarText(GrammarText):
    """The EBNF of xgrammar. Text is every token that is not special."""

    def __init__(self, ids: Mapping[str, int], lead: str) -> None:
        super().__init__(ids, lead)
        self.token_lead = lead[:1]

    def token(self, spelling: str) -> str:
        return f"Token({self.ids[spelling]})"

    def text(self, is_optional: bool) -> str:
        piece = f"ExcludeToken({', '.join(map(str, sorted(self.ids.values())))})"
        return self.rule(FREE_TEXT, "text", lambda: piece) + ("*" if is_optional else "+")


class GbnfText(GrammarText):
    """The GBNF of llama.cpp, which compares characters: text never holds what special tokens begin with."""

    def identifier(self, wanted: str) -> str:
        return super().identifier(wanted).replace("_", "-")

    def text(self, is_optional: bool) -> str:
        lead = self.json_rules.lead
        has_lead = len(lead) > 1
        piece = piece_without(lead, lambda without: all_but(map(ord, without))) if has_lead else all_but(())
        found = self.rule(FREE_TEXT, "text", lambda: self.expression(piece))
        if not has_lead:
            return f"{found}{'*' if is_optional else '+'}"
        first = self.literal(lead[0])
        return f"{found}* {first}*" if is_optional else f"( {found}+ {first}* | {first}+ )"


def crossing(items: Sequence[Node], lead: str) -> Sequence[Node]:
    """The items of a sequence for engines that compare texts token by token.

    If a text follows a literal, its first characters may be in the token that ends the literal.

    Args:
        lead: the first character of all special tokens; "" for other engines.
    """
    found: list[Node] = []
    for before, item in zip((NOTHING, *items), items, strict=False) if lead else ():
        is_optional = item == OPTIONAL_TEXT
        if isinstance(before, LiteralNode) and (is_optional or item == FREE_TEXT):
            begun = in_order([repeat(all_but([ord(lead)]), 1), OPTIONAL_TEXT])
            item = one_of([begun, FREE_TEXT])
        found.append(maybe(item) if is_optional else item)
    return found or items


def repetition(least: int, most: int | None) -> str:
    sign = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    return sign or f"{{{least},{'' if most is None else most}}}"


def escaped(code: int) -> str:
    """A code point in a class of characters, as all targets read it."""
    char = chr(code)
    if char.isascii() and char.isalnum():
        return char
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def character_class(node: CharacterNode) -> str:
    """A class of characters in square brackets; the shorter of itself and its complement."""
    negative = gaps(node.ranges)
    ranges, sign = (negative, "^") if negative and len(negative) < len(node.ranges) else (node.ranges, "")
    shown = (escaped(low) if low == high else f"{escaped(low)}-{escaped(high)}" for low, high in ranges)
    return f"[{sign}{''.join(shown)}]"
