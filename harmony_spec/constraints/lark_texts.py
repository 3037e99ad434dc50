"""Constraints as Lark, in the dialect of llguidance, and in the part of it that xgrammar reads too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, groupby

from ..format.algebra import (
    AlternativesNode,
    CharacterNode,
    JsonNode,
    LiteralNode,
    Node,
    OptionalNode,
    RepeatNode,
    SequenceNode,
)
from .enforceable import enforceable
from .grammar_texts import GrammarText, character_class, repetition
from .json_rules import MAX_JSON_SPACE

SPACE_OPTION = json.dumps({"whitespace_pattern": f"[ \\t\\n\\r]{{0,{MAX_JSON_SPACE}}}"}, separators=(",", ":"))
"""Limits white space in JSON."""

ENCODED_TEXT = json.JSONEncoder(ensure_ascii=False).encode

ONE_SPACE, SPACES_OR_WORDS = re.compile(r"\s"), re.compile(r"\s+|\S+")

OF_SEVERAL, OF_ONE = (SequenceNode, AlternativesNode), (OptionalNode, RepeatNode)
"""Classes of nodes that have others in them. A `match` over classes takes twice the time."""

PATTERNS = (CharacterNode, *OF_SEVERAL, *OF_ONE)
"""Classes of nodes that may be written as regular expressions."""

REGULAR_SIGNS = re.compile(r"[^A-Za-z0-9_ ]")


class LarkText(GrammarText):
    """The Lark of llguidance. Text rules never match special tokens there.

    Args:
        lead: None for llguidance. With the text that all special tokens begin with, or "", the text is one that
            xgrammar reads too: it names special tokens by id, and text is every token without them.
    """

    start = "start"
    defines = ": "

    def __init__(self, ids: Mapping[str, int], lead: str | None = None) -> None:
        super().__init__(ids, lead or "")
        self.is_portable, self.token_lead = lead is not None, (lead or "")[:1]

    def print(self, node: Node) -> str:
        return ("" if self.is_portable else "%llguidance {}\n") + super().print(node)

    def written(self, node: Node, is_part: bool) -> str:
        """Each word is one terminal, and so is the space before it: llguidance takes the longest terminal that fits,
        and does not go back. A channel and its recipient in one terminal would hide the same channel in another
        rule, where other words follow.
        """
        has_words = isinstance(node, SequenceNode) and len(node.items) > 1 and any(map(is_unfixed_word, node.items))
        if isinstance(node, SequenceNode) and has_words:
            parts = tuple(_words(node.items))
            if len(parts) > 1:
                return super().written(SequenceNode(parts), is_part)
        pattern = word_pattern(node) if isinstance(node, PATTERNS) else None
        if pattern is not None and (has_words or has_class(pattern)):
            return f"/{pattern}/"
        return super().written(node, is_part)

    def unit(self, node: Node) -> str:
        is_sentence = isinstance(node, LiteralNode) and len(SPACES_OR_WORDS.findall(node.text)) > 1
        return f"( {self.expression(node)} )" if is_sentence else super().unit(node)

    def token(self, spelling: str) -> str:
        is_name = not self.is_portable and re.fullmatch(r"<\|[a-z0-9_]+\|>", spelling)
        return spelling if is_name else super().token(spelling)

    def literal(self, text: str) -> str:
        return " ".join(map(quoted_word, SPACES_OR_WORDS.findall(text))) or self.empty

    def text(self, is_optional: bool) -> str:
        sign = "*" if is_optional else "+"
        return f"<[^{id_ranges(self.ids.values())}]>{sign}" if self.is_portable else f"/(.|\\n){sign}/"

    def json(self, node: JsonNode) -> str:
        schema = str(enforceable(node.schema, "structural-tag" if self.is_portable else "lark").text)
        if self.is_portable:
            return f"%json {schema}"
        rest = f",{schema[1:]}" if schema.startswith("{") and schema != "{}" else "}"
        return f'%json {{"x-guidance":{SPACE_OPTION}{rest}'


def id_ranges(ids: Iterable[int]) -> str:
    """Token ids as ranges: `199998-201087`."""
    found: list[list[int]] = []
    for number in sorted(ids):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(f"{low}-{high}" if low != high else f"{low}" for low, high in found)


def quoted_word(text: str) -> str:
    shown = ENCODED_TEXT(text)
    if shown.isprintable():
        return shown
    return "".join(char if char.isprintable() or char > "\uffff" else f"\\u{ord(char):04x}" for char in shown)


def _words(items: Iterable[Node]) -> Iterator[Node]:
    """The parts of a sequence: words, spaces, and what is neither. A word of several parts is a sequence of its own."""
    texts = (
        map(LiteralNode, SPACES_OR_WORDS.findall(item.text)) if isinstance(item, LiteralNode) else [item]
        for item in items
    )
    for is_word, run in groupby(chain.from_iterable(texts), lambda node: word_pattern(node) is not None):
        parts = tuple(run)
        yield from [SequenceNode(parts)] if is_word and len(parts) > 1 else parts


def is_unfixed_word(node: Node) -> bool:
    return isinstance(node, PATTERNS) and word_pattern(node) is not None


def word_pattern(node: Node) -> str | None:
    """The regular expression of a node that has texts without spaces, and characters, only; None for another one."""
    return regular_expression(node, _word)


def _word(leaf: Node) -> str | None:
    return None if isinstance(leaf, LiteralNode) and ONE_SPACE.search(leaf.text) else fixed_text(leaf)


def fixed_text(leaf: Node) -> str | None:
    if not isinstance(leaf, LiteralNode):
        return None
    return REGULAR_SIGNS.sub(lambda sign: f"\\U{ord(sign[0]):08X}", leaf.text)


def has_class(pattern: str) -> bool:
    """Whether a regular expression has a class of characters; a fixed text is not written as a pattern."""
    return "[" in pattern


def regular_expression(node: Node, leaf: Callable[[Node], str | None] = fixed_text) -> str | None:
    """A node as a regular expression; None if it has a part that is none.

    Args:
        leaf: writes what has no parts, apart from characters.
    """
    if isinstance(node, CharacterNode):
        return character_class(node)
    if isinstance(node, OF_SEVERAL):
        parts = []
        for item in node.items:
            if (part := regular_expression(item, leaf)) is None:
                return None
            parts.append(part)
        return "".join(parts) if isinstance(node, SequenceNode) else f"(?:{'|'.join(parts)})"
    if isinstance(node, OF_ONE):
        inner = regular_expression(node.item, leaf)
        least, most = (node.least, node.most) if isinstance(node, RepeatNode) else (0, 1)
        return None if inner is None else f"(?:{inner}){repetition(least, most)}"
    return leaf(node)
