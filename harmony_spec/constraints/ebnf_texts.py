"""Constraints as EBNF for xgrammar, and as GBNF for llama.cpp. Both have JSON as rules."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from ..format.algebra import CharacterNode, JsonNode, LiteralNode, Node, all_but
from .enforceable import enforceable
from .grammar_texts import GrammarText, character_class, escaped
from .json_rules import JsonRules, piece_without


class RuleText(GrammarText):
    """What both have in common.

    Args:
        lead: the text that all special tokens begin with; "" if there is none.
    """

    start = "root"
    defines = " ::= "

    def __init__(self, ids: Mapping[str, int], lead: str) -> None:
        super().__init__(ids)
        self.json_rules = JsonRules(lead[:2])

    def literal(self, text: str) -> str:
        is_plain = {char for char in text if char.isascii() and char.isprintable() and char not in '"\\'}
        return f'"{"".join(char if char in is_plain else escaped(ord(char)) for char in text)}"'

    def characters(self, node: CharacterNode) -> str:
        return character_class(node)

    def json(self, node: JsonNode) -> str:
        return self.expression(self.json_rules.value(str(enforceable(node.schema, "grammar").text)))

    def definition(self, name: str) -> Node:
        return self.json_rules.definitions[name]()

    def text(self, is_optional: bool) -> str:
        found = self.rule(LiteralNode(""), "text", self.text_rule)
        return f"{found}*" if is_optional else f"{found}+"

    @abstractmethod
    def text_rule(self) -> str:
        """The body of the rule of a piece of text."""


class XgrammarText(RuleText):
    """The EBNF of xgrammar. Text is every token that is not special."""

    def __init__(self, ids: Mapping[str, int], lead: str) -> None:
        super().__init__(ids, lead)
        self.token_lead = lead[:1]

    def token(self, spelling: str) -> str:
        return f"Token({self.ids[spelling]})"

    def text_rule(self) -> str:
        return f"ExcludeToken({', '.join(map(str, sorted(self.ids.values())))})"


class GbnfText(RuleText):
    """The GBNF of llama.cpp, which compares characters: text never holds what special tokens begin with."""

    def identifier(self, wanted: str) -> str:
        return super().identifier(wanted).replace("_", "-")

    def token(self, spelling: str) -> str:
        return f"<[{self.ids[spelling]}]>"

    def text(self, is_optional: bool) -> str:
        found = self.rule(LiteralNode(""), "text", self.text_rule)
        lead = self.json_rules.lead
        if len(lead) < 2:
            return f"{found}{'*' if is_optional else '+'}"
        first = self.literal(lead[0])
        return f"{found}* {first}*" if is_optional else f"( {found}+ {first}* | {first}+ )"

    def text_rule(self) -> str:
        lead = self.json_rules.lead
        if len(lead) < 2:
            return self.expression(all_but(()))
        return self.expression(piece_without(lead, lambda without: all_but(map(ord, without))))
