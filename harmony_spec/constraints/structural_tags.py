"""Constraints as structural tags, which xgrammar, vLLM and SGLang read.

Special tokens are nodes of their own: the vocabulary of an engine has them as text, which rules of characters match.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..format.algebra import (
    EMPTY,
    AlternativesNode,
    JsonNode,
    LiteralNode,
    Node,
    OptionalNode,
    RepeatNode,
    RuleNode,
    SequenceNode,
    TextNode,
    TokenNode,
)
from .enforceable import enforceable
from .grammar_texts import crossing
from .json_rules import MAX_JSON_SPACE
from .lark_texts import has_class, regular_expression


class StructuralTag:
    """Makes structural tags.

    Args:
        ids: the special tokens of the vocabulary.
        lead: the text that all of them begin with, which strings in JSON must not hold; "" if there is none.
    """

    def __init__(self, ids: Mapping[str, int], lead: str) -> None:
        self.ids, self.excluded, self.lead = ids, sorted(ids.values()), lead

    def make(self, node: Node) -> dict[str, Any]:
        return {"type": "structural_tag", "format": self._format(node)}

    def _format(self, node: Node) -> dict[str, Any]:
        if (pattern := regular_expression(node)) is not None and has_class(pattern):
            return {"type": "regex", "pattern": pattern}
        match node:
            case TokenNode(spelling):
                return {"type": "token", "token": self.ids[spelling]}
            case LiteralNode(text):
                return {"type": "const_string", "value": text}
            case OptionalNode(TextNode()):
                return {"type": "any_tokens", "exclude_tokens": self.excluded}
            case TextNode():
                first = {"type": "exclude_token", "exclude_tokens": self.excluded}
                return {"type": "sequence", "elements": [first, self._format(OptionalNode(node))]}
            case JsonNode(schema):
                found = json.loads(str(enforceable(schema, "structural-tag").text))
                made = {"type": "json_schema", "json_schema": found, "max_whitespace_cnt": MAX_JSON_SPACE}
                return made | ({"excludes": [self.lead]} if self.lead else {})
            case RuleNode(_, item):
                return self._format(item)
            case SequenceNode(items) if node != EMPTY:
                return {"type": "sequence", "elements": [*map(self._format, crossing(items, self.lead[:1]))]}
            case AlternativesNode(items):
                return {"type": "or", "elements": [*map(self._format, items)]}
            case OptionalNode(item):
                return {"type": "optional", "content": self._format(item)}
            case RepeatNode(item, least, None) if least < 2:
                return {"type": "plus" if least else "star", "content": self._format(item)}
            case RepeatNode(item, least, most):
                limits = {"min": least, "max": -1 if most is None else most}
                return {"type": "repeat", **limits, "content": self._format(item)}
        return {"type": "const_string", "value": ""}
