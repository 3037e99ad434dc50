"""JSON Schemas as rules, for grammars without JSON: the schemas that `enforceable` makes for them.

White space is free between tokens of JSON, in runs of limited length. Properties have the order of the schema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any

from ..format.algebra import (
    EMPTY,
    NOTHING,
    CharacterNode,
    LiteralNode,
    Node,
    ReferenceNode,
    all_but,
    in_order,
    maybe,
    one_of,
    repeat,
)
from .schema_keywords import spellings_of, to_json_text

MAX_JSON_SPACE = 32
"""White space in a row inside of JSON: enough for indented lines. Without a limit, models may loop in it."""

MAX_RULE_NESTING = 32
"""Steps in one rule, for a long name or list. Recursive functions print rules."""


def _among(*ranges: str) -> CharacterNode:
    """One of some characters; a range is its first and its last one."""
    return CharacterNode(tuple((ord(each[0]), ord(each[-1])) for each in ranges))


DIGIT, HEX = _among("09"), _among("09", "AF", "af")
DIGITS, TWO_MORE = repeat(DIGIT, 1), repeat(HEX, 2, 2)
SURROGATE = _among("D", "d")
"""The letter with which the hexadecimal numbers of surrogates begin. A pair of them is one character."""

NO_SURROGATE = in_order([_among("09", "AC", "EF", "ac", "ef"), repeat(HEX, 3, 3)])
ESCAPED_UNIT = one_of([NO_SURROGATE, in_order([SURROGATE, _among("07"), TWO_MORE])])
HIGH_HALF = in_order([SURROGATE, _among("89", "AB", "ab"), TWO_MORE])
LOW_HALF = in_order([SURROGATE, _among("CF", "cf"), TWO_MORE])
ESCAPED_PAIR = in_order([HIGH_HALF, LiteralNode("\\u"), LOW_HALF])
ESCAPED = one_of([_among(*'"/\\bfnrt'), in_order([LiteralNode("u"), one_of([ESCAPED_UNIT, ESCAPED_PAIR])])])
ESCAPE = in_order([LiteralNode("\\"), ESCAPED])
POSITIVE = in_order([_among("19"), repeat(DIGIT)])
INTEGER = in_order([maybe(LiteralNode("-")), one_of([LiteralNode("0"), POSITIVE])])
NUMBER_EXPONENT = in_order([_among("E", "e"), maybe(_among("+", "-")), DIGITS])
NUMBER = in_order([INTEGER, maybe(in_order([LiteralNode("."), DIGITS])), maybe(NUMBER_EXPONENT)])
QUOTE, COMMA, COLON = LiteralNode('"'), LiteralNode(","), LiteralNode(":")

SIMPLE_VALUES: dict[str, Node] = {
    "null": LiteralNode("null"),
    "boolean": one_of([LiteralNode("true"), LiteralNode("false")]),
    "integer": INTEGER,
    "number": NUMBER,
}
ALL_TYPES = ("null", "boolean", "number", "string", "array", "object")

ANY_VALUE, ANY_STRING, SPACING = ReferenceNode("any_value"), ReferenceNode("any_string"), ReferenceNode("space")
NEXT_ITEM, TO_VALUE = in_order([SPACING, COMMA, SPACING]), in_order([SPACING, COLON, SPACING])

ReferenceNames = dict[str, ReferenceNode]
"""The parts of a schema that references lead to."""


class JsonRules:
    """Makes rules of schemas.

    Args:
        lead: a text that strings never hold, since all special tokens begin with it; "" for none.

    Attributes:
        definitions: the parts that rules refer to by name.
    """

    def __init__(self, lead: str) -> None:
        self.lead = lead
        self.definitions: dict[str, Callable[[], Node]] = {
            ANY_VALUE.name: lambda: one_of(self._of_type(name, {}, {}) for name in ALL_TYPES),
            ANY_STRING.name: lambda: in_order([QUOTE, self._text(), QUOTE]),
            SPACING.name: lambda: repeat(CharacterNode(((9, 10), (13, 13), (32, 32))), 0, MAX_JSON_SPACE),
        }

    def value(self, schema: str) -> Node:
        """The rule of a schema, which is JSON text."""
        root = json.loads(schema)
        names: ReferenceNames = {}
        for name, part in (root.get("$defs", {}) if isinstance(root, dict) else {}).items():
            names[f"#/$defs/{name}"] = self._define("part", partial(self._value, part, names))
        return self._value(root, names)

    def _define(self, name: str, make: Callable[[], Node]) -> ReferenceNode:
        found = ReferenceNode(f"{name}_{len(self.definitions)}")
        self.definitions[found.name] = make
        return found

    def _value(self, schema: Any, names: ReferenceNames) -> Node:
        if not isinstance(schema, dict) or not schema:
            return NOTHING if schema is False else ANY_VALUE
        if "$ref" in schema:
            return names[schema["$ref"]]
        if "enum" in schema:
            return one_of(map(self._constant, schema["enum"]))
        if "anyOf" in schema:
            return one_of(self._value(option, names) for option in schema["anyOf"])
        listed = schema.get("type", ALL_TYPES)
        return one_of(self._of_type(name, schema, names) for name in ([listed] if isinstance(listed, str) else listed))

    def _constant(self, value: Any) -> Node:
        if isinstance(value, dict):
            members = (self._member(name, self._constant(part)) for name, part in value.items())
            return _bracketed("{", _listed(members), "}")
        if isinstance(value, list):
            return _bracketed("[", _listed(map(self._constant, value)), "]")
        if isinstance(value, float):
            return one_of(map(LiteralNode, spellings_of(value)))
        text = json.dumps(value, ensure_ascii=False)
        if self.lead and self.lead in text:
            text = text.replace(self.lead, f"\\u{ord(self.lead[0]):04x}{self.lead[1:]}")
        return LiteralNode(text)

    def _of_type(self, name: str, schema: Mapping[str, Any], names: ReferenceNames) -> Node:
        match name:
            case "string":
                least, most = schema.get("minLength", 0), schema.get("maxLength")
                if not least and most is None:
                    return ANY_STRING
                return in_order([QUOTE, repeat(self._character(self.lead[:1]), least, most), QUOTE])
            case "array":
                return self._array(schema, names)
            case "object":
                return self._object(schema, names)
        return SIMPLE_VALUES[name]

    # Strings.

    def _character(self, without: str) -> Node:
        """A character of a string, or an escape; some characters must be escaped."""
        return one_of([plain_characters(without), ESCAPE])

    def _text(self) -> Node:
        """Any characters without the lead of special tokens, which can be escaped."""
        if len(self.lead) != 2:
            return repeat(self._character(self.lead[:1]))
        return in_order([repeat(piece_without(self.lead, self._character)), repeat(LiteralNode(self.lead[0]))])

    def _other_name(self, names: Iterable[str], depth: int = 1) -> Node:
        """The rest of a name, and its quote, that is none of these."""
        if depth % MAX_RULE_NESTING == 0:
            return self._define("name", partial(self._other_name, names))
        tails: dict[str, list[str]] = {}
        known = list(names)
        for name in known:
            if name:
                tails.setdefault(name[0], []).append(name[1:])
        options: list[Node] = [] if "" in known else [QUOTE]
        plain = repeat(plain_characters(self.lead[:1]))
        options.append(in_order([plain_characters("".join(tails) + self.lead[:1]), plain, QUOTE]))
        options += [
            in_order([LiteralNode(char), self._other_name(rest, depth + 1)]) for char, rest in sorted(tails.items())
        ]
        return one_of(options)

    # Arrays and objects.

    def _array(self, schema: Mapping[str, Any], names: ReferenceNames) -> Node:
        least, most, first = schema.get("minItems", 0), schema.get("maxItems"), schema.get("prefixItems", [])
        items, begun = schema.get("items", True), len(first) or 1
        # An item is written twice, so that lists in lists would double the text with each level.
        has_lists = '"items":' in to_json_text(items)
        item = self._define("item", partial(self._value, items, names)) if has_lists else self._value(items, names)
        limit = None if most is None else max(most - begun, 0)
        rest = repeat(in_order([NEXT_ITEM, item]), max(least - begun, 0), limit)
        for index in reversed(range(begun if most is None else min(begun, most))):
            part = self._value(first[index], names) if first else item
            rest = in_order([NEXT_ITEM if index else EMPTY, part, rest])
            rest = rest if index < least else maybe(rest)
            if index % MAX_RULE_NESTING == MAX_RULE_NESTING - 1:
                rest = self._define("items", partial(in_order, [rest]))
        return _bracketed("[", rest, "]")

    def _object(self, schema: Mapping[str, Any], names: ReferenceNames) -> Node:
        properties, required = schema.get("properties", {}), set(schema.get("required", ()))
        listed = [
            (self._member(name, self._value(part, names)), name in required)
            for name, part in properties.items()
            if part is not False
        ]
        key = (
            self._define("name", lambda: in_order([QUOTE, self._other_name(properties)])) if properties else ANY_STRING
        )
        value = self._value(schema.get("additionalProperties", True), names)
        other = NOTHING if value == NOTHING else self._define("member", lambda: in_order([key, TO_VALUE, value]))

        @cache
        def rest(at: int, is_first: bool) -> Node:
            """The members from one on, as a rule: the size of all rules grows with the number of members only."""
            if at < len(listed):
                return self._define("members", partial(members, at, is_first))
            more = repeat(in_order([NEXT_ITEM, other]))
            return maybe(in_order([other, more])) if is_first else more

        def members(at: int, is_first: bool) -> Node:
            """Each member is required or may be left out, then come others."""
            member, is_required = listed[at]
            written = in_order([EMPTY if is_first else NEXT_ITEM, member, rest(at + 1, False)])
            return written if is_required else one_of([written, rest(at + 1, is_first)])

        return _bracketed("{", members(0, True) if listed else rest(0, True), "}")

    def _member(self, name: str, value: Node) -> Node:
        return in_order([self._constant(name), TO_VALUE, value])


def _listed(items: Iterable[Node]) -> Node:
    """Items with commas between them."""
    found: list[Node] = []
    for item in items:
        found += [NEXT_ITEM, item] if found else [item]
    return in_order(found)


def _bracketed(opens: str, inner: Node, closes: str) -> Node:
    return in_order([LiteralNode(opens), SPACING, inner, SPACING, LiteralNode(closes)])


def piece_without(lead: str, character: Callable[[str], Node]) -> Node:
    """A piece of a text that never holds two characters in a row.

    Args:
        character: makes one character that is none of some.
    """
    begun = in_order([repeat(LiteralNode(lead[0]), 1), character(lead)])
    return one_of([character(lead[0]), begun])


@cache
def plain_characters(without: str) -> Node:
    """Any character that a string may hold as it is, but some."""
    return all_but([*range(32), ord('"'), ord("\\"), *map(ord, without)])
