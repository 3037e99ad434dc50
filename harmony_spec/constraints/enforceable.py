"""The part of a JSON Schema that an engine can enforce, and the keywords that it cannot.

Parts of a schema that apply to the same value (by `allOf`, `$ref`, or beside `anyOf`) are joined to one. So engines
need not do it, and a schema that no value matches is found.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

from ..tool_types.type_grammar import KINDS_BY_TYPE, VALUE_KINDS, kind_of
from ..validation.budget import Budget, UnfinishedCheck
from ..validation.plain_schemas import key_of
from .schema_keywords import (
    ABOUT,
    COMBINING,
    ENFORCED,
    MEMBERS,
    SHORT_KEYWORDS,
    SchemaTarget,
    is_deep,
    is_encodable,
    is_respelled,
    is_rounded,
    to_json_text,
    type_of,
)
from .schema_limits import MAX_EXPORTED_LENGTH, are_apart, is_simple_pattern, limits_of
from .schema_parts import (
    DEFINITIONS,
    PartKey,
    SchemaPart,
    is_finite,
    open_parts,
    places_of,
    resolve,
    split_by_type,
)

EXPORTED_SCHEMAS_CACHE_SIZE = 1_000
"""Schemas for engines that are remembered."""

MAX_EXPORTED_NESTING = 60
"""Steps to a part of a schema, and references to a definition. Deeper parts are reported as not enforced: recursive
functions write and read them, in engines too."""

MAX_EXPORTED_OPTIONS = 200
"""Combinations of alternatives (`anyOf`) that apply at once. Further ones are reported as not enforced."""

MAX_EXPORTED_PARTS = 20_000
"""Parts of a schema, counted as often as they are described: joining parts may multiply them. Further ones are reported
as not enforced."""

MAX_COMPARED_OPTIONS = 20
"""Alternatives (`oneOf`) that are joined in pairs, to see that no value matches both."""

MAX_COMPARED_PARTS = 200
"""Parts that are described to compare one pair of alternatives."""


class Enforced(NamedTuple):
    """A schema for an engine.

    Attributes:
        text: the part that can be enforced, as JSON text; None if no value matches.
        unenforced: the JSON pointers of the keywords that cannot be enforced.
        respelled: those of lists with numbers that the engine admits in its own spelling only.
    """

    text: str | None
    unenforced: tuple[str, ...]
    respelled: tuple[str, ...] = ()


@lru_cache(EXPORTED_SCHEMAS_CACHE_SIZE)
def enforceable(schema: str, target: SchemaTarget) -> Enforced:
    """Return the part of a schema, as JSON text, that a target can enforce: it allows at least the same values."""
    if target != "lark" and enforceable(schema, "lark").text is None:
        return Enforced(None, ())
    root, endless = json.loads(schema), frozenset[PartKey]()
    if "\\ud" in schema and not is_encodable(root):
        return Enforced("true", ("",))
    while True:
        reader = _Reader(root, target, endless)
        found = reader.read()
        if not (more := reader.endless()):
            text = None if found is False else to_json_text(found)
            return Enforced(text, tuple(reader.unenforced), tuple(reader.respelled))
        endless |= more


class _Reader:
    """Reads one schema for a target.

    Attributes:
        endless_keys: parts that only values without end match.
        parts_left: how many parts are described before further ones are reported.
        is_trial: whether only the values matter, not what is reported.
        unenforced, respelled: the places of such keywords, as keys, see `Enforced`.
        definitions: the parts that references lead to, by name.
    """

    def __init__(
        self, root: Any, target: SchemaTarget, endless_keys: frozenset[PartKey], parts_left: int = MAX_EXPORTED_PARTS
    ) -> None:
        self.root, self.target = root, target
        self.endless_keys, self.parts_left = endless_keys, parts_left
        self.is_trial = parts_left < MAX_EXPORTED_PARTS
        self.unenforced: dict[str, None] = {}
        self.respelled: dict[str, None] = {}
        self.names: dict[PartKey, str] = {}
        self.definitions: dict[str, Any] = {}
        self._todo = deque[tuple[str, list[SchemaPart], int]]()
        self._depth = 0
        self._circular: dict[str, bool] = {}
        self._budget = Budget()

    def read(self) -> Any:
        found = self._made([SchemaPart(self.root, "", frozenset([""]))], False)
        while self._todo:
            name, parts, self._depth = self._todo.popleft()
            self.definitions[name] = self._made(parts, False)
        if self.definitions and isinstance(found, dict):
            found["$defs"] = self.definitions
        return found

    def endless(self) -> frozenset[PartKey]:
        """The definitions that no finite value matches."""
        finite: set[str] = set()
        while more := {name for name, part in self.definitions.items() if is_finite(part, finite)} - finite:
            finite |= more
        return frozenset(key for key, name in self.names.items() if name not in finite)

    # Parts.

    def describe(self, parts: list[SchemaPart], is_shared: bool = False) -> Any:
        """A schema for all of some parts; False if no value matches. Parts that may occur again become definitions."""
        if len(parts) == 1 and (simple := self._of_type(parts[0])):
            return simple
        targets = [target for part in parts if (target := self._target(part)).schema not in (True, {})]
        if not targets:
            return True
        if any(target.schema is False for target in targets):
            return False
        places = {part.at for part in parts}
        is_referred = any(target.at not in places or self._is_joined_with_others(target) for target in targets)
        is_plain = all(target.keywords <= SHORT_KEYWORDS for target in targets)
        if not is_referred and (is_plain or not is_shared):
            return self._made(targets, is_shared)
        key = frozenset(target.at for target in targets)
        if key in self.endless_keys:
            return False
        if key not in self.names:
            if self._depth == MAX_EXPORTED_NESTING:
                self.unenforced[targets[0].at] = None
                return True
            self.names[key] = f"d{len(self.names)}"
            self._todo.append((self.names[key], targets, self._depth + 1))
        return {"$ref": f"{DEFINITIONS}{self.names[key]}"}

    def _of_type(self, part: SchemaPart) -> dict[str, Any]:
        """A short way for the most common parts: a `type` alone. Empty for others."""
        if part.keywords != {"type"} or (kind := part.schema["type"]) not in list(KINDS_BY_TYPE):
            return {}
        return {"type": kind, **(open_parts({kind}) if self.target == "structural-tag" else {})}

    def _made(self, parts: list[SchemaPart], is_shared: bool) -> Any:
        first = parts[0]
        self.parts_left -= 1
        if first.at.count("/") > MAX_EXPORTED_NESTING or self.parts_left < 0:
            self.unenforced[first.at] = None
            return True
        if not isinstance(first.schema, dict):
            return first.schema is not False
        combining = first.schema.keys() & COMBINING if len(parts) == 1 else COMBINING
        if not combining:
            return self._joined(parts, is_shared)
        if len(parts) == 1 and self._is_choice(first):
            made = [self.describe([option], is_shared) for options in self._choices(first) for option in options]
        else:
            joined = self._options(parts)
            made = [self._joined(option, is_shared or len(joined) > 1) for option in joined]
        options = [option for option in made if option is not False]
        if len(options) < 2:
            return options[0] if options else False
        return {"anyOf": options}

    def _is_choice(self, part: SchemaPart) -> bool:
        """Whether a part has only alternatives, and each can be described by itself."""
        keywords = part.keywords
        is_alone = keywords in ({"anyOf"}, {"oneOf"}) and isinstance(part.schema[min(keywords)], list)
        return is_alone and not any(map(self._is_circular, part.references))

    def _is_joined_with_others(self, part: SchemaPart) -> bool:
        """Whether a part is described as one with parts that it refers to, in which it may be itself."""
        return "$ref" in part.schema or (not self._is_choice(part) and any(part.references))

    def _target(self, part: SchemaPart) -> SchemaPart:
        """What a part refers to, if it is nothing but a reference. Nothing is fetched."""
        while part.keywords == {"$ref"}:
            found = self._resolved(part)
            if found is None:
                return part._replace(schema=True)
            part = found
        if not isinstance(part.schema, dict | bool):
            self.unenforced[part.at] = None
            return part._replace(schema=True)
        return part

    def _resolved(self, part: SchemaPart) -> SchemaPart | None:
        """The target of a reference; None if there is none here, or it is a circle, which is reported."""
        pointer = part.schema["$ref"]
        target = resolve(self.root, pointer)
        if target is None or pointer[1:] in part.entered or len(part.entered) > MAX_EXPORTED_NESTING:
            self.unenforced |= places_of({"$ref"}, part)
            return None
        return SchemaPart(target, pointer[1:], part.entered | {pointer[1:]})

    def _is_circular(self, pointer: str) -> bool:
        """Whether a part may be defined by itself and more, which engines refuse."""
        if pointer not in self._circular:
            seen, todo = set[str](), [pointer]
            while todo:
                refers = {*SchemaPart(resolve(self.root, todo.pop()), "", frozenset()).references}
                todo += refers - seen
                seen |= refers
            self._circular[pointer] = pointer in seen
        return self._circular[pointer]

    def _choices(self, part: SchemaPart) -> Iterator[list[SchemaPart]]:
        """The lists of alternatives of a part; a value matches one of each list."""
        for keyword in ("anyOf", "oneOf"):
            if isinstance(part.schema.get(keyword), list):
                options = part.besides(keyword)
                if keyword == "oneOf" and not self.is_trial and not self._are_apart(options):
                    self.unenforced |= places_of({keyword}, part)
                yield options

    def _are_apart(self, options: list[SchemaPart]) -> bool:
        """Whether no value matches two of some parts."""
        kinds = [part.kinds for part in options]
        if sum(map(len, kinds)) == len(frozenset().union(*kinds)):
            return True
        if len(options) > MAX_COMPARED_OPTIONS:
            return False
        pairs = combinations(options, 2)
        return all(
            _Reader(self.root, "lark", self.endless_keys, MAX_COMPARED_PARTS)._made([*pair], False) is False
            for pair in pairs
        )

    def _options(self, parts: list[SchemaPart]) -> list[list[SchemaPart]]:
        """The parts that apply at once, for each combination of alternatives."""
        applied, choices, todo = list[SchemaPart](), list[tuple[SchemaPart, list[SchemaPart]]](), [*parts]
        while todo:
            part = self._target(todo.pop(0))
            if part.schema is False:
                return []
            if part.schema is True:
                continue
            applied.append(part)
            choices += [(part, choice) for choice in self._choices(part)]
            todo += part.besides("allOf")
            if "$ref" in part.schema and (target := self._resolved(part)):
                todo.append(target)
        options = [applied]
        for part, choice in choices:
            inner = [option for each in choice for option in self._options([each])]
            if len(options) > 1 and len(options) * len(inner) > MAX_EXPORTED_OPTIONS:
                self.unenforced |= places_of({"anyOf"}, part)
                continue
            options = [[*left, *right] for left in options for right in inner]
        return options

    # Values.

    def _joined(self, parts: list[SchemaPart], is_shared: bool) -> Any:
        """A schema for parts without alternatives; False if no value matches."""
        rows = parts if len(parts) == 1 else [*{part.at: part for part in parts}.values()]
        kinds = VALUE_KINDS
        for row in rows:
            self.unenforced |= places_of(row.malformed, row)
            kinds &= row.kinds
        if lists := [values for row in rows for values in row.lists]:
            return self._values(rows, lists, kinds)
        for row in rows:
            kinds -= self._excluded(row, kinds) if "not" in row.schema else set()
        found, kinds, places = limits_of(rows, kinds, self.target)
        self.unenforced |= places
        if "array" in kinds:
            items = self._items(rows, found, is_shared)
            kinds -= {"array"} if items is None else set()
            found |= items or {}
        if "object" in kinds and (with_members := [row for row in rows if not MEMBERS.isdisjoint(row.schema)]):
            members = self._members(with_members, is_shared)
            kinds -= {"object"} if members is None else set()
            found |= members or {}
        if not kinds:
            return False
        made = {key: value for key, value in found.items() if not kinds.isdisjoint(ABOUT[key])}
        return split_by_type(made, kinds) if self.target == "structural-tag" else type_of(kinds) | made

    def _excluded(self, row: SchemaPart, kinds: frozenset[str]) -> frozenset[str]:
        """The kinds that `not` excludes; it is reported if it excludes others values than those of kinds."""
        inner = row.beside("not")
        if inner.schema in (True, False, {}):
            return frozenset() if inner.schema is False else VALUE_KINDS
        excluded = inner.kinds
        if inner.keywords != {"type"} or inner.malformed or ("integer" in excluded and "fraction" in kinds - excluded):
            self.unenforced |= places_of({"not"}, row)
            return frozenset()
        return excluded

    def _values(self, rows: list[SchemaPart], lists: list[list[Any]], kinds: frozenset[str]) -> Any:
        """The values that are in all lists, and match all parts, with every keyword that they have."""
        kept = [value for value in lists[0] if kind_of(value) in kinds]
        for listed in lists[1:]:
            keys = {*map(key_of, listed)}
            kept = [value for value in kept if key_of(value) in keys]
        for row in rows:
            others = row.keywords - COMBINING - {"type", "enum", "const"}
            if others and kept:
                kept = self._matching(row, others, kept)
        if any(is_deep(value) or (self.target != "grammar" and is_rounded(value)) for value in kept):
            self.unenforced |= places_of({"const", "enum"}, *rows)
            return type_of(kinds)
        if self.target != "grammar" and any(map(is_respelled, kept)):
            self.respelled |= places_of({"const", "enum"}, *rows)
        return {"enum": kept} if kept else False

    def _matching(self, row: SchemaPart, keywords: Set[str], values: list[Any]) -> list[Any]:
        """The values that match some keywords of a part."""
        from ..validation.breaches import InvalidSchema
        from ..validation.schemas import find_breaches

        if "format" in keywords and any(isinstance(value, str) for value in values):
            self.unenforced |= places_of({"format"}, row)
        schema = {keyword: row.schema[keyword] for keyword in sorted(keywords)}
        self._budget.grant(len(to_json_text([schema, values])))
        try:
            if '"$ref"' not in to_json_text(schema):
                return [value for value in values if not find_breaches(schema, value, self._budget)]
        except (InvalidSchema, UnfinishedCheck):
            pass
        self.unenforced |= places_of(keywords, row)
        return values

    def _items(self, rows: list[SchemaPart], limits: dict[str, Any], is_shared: bool) -> dict[str, Any] | None:
        """The keywords for the items of arrays; None if no array matches."""
        firsts, rests = list[list[SchemaPart]](), list[SchemaPart | None]()
        for row in rows:
            keyword = "items" if isinstance(row.schema.get("items"), list) else "prefixItems"
            firsts.append([row.inside(keyword, index) for index in range(len(row.list(keyword)))])
            rest = "additionalItems" if keyword == "items" else "items"
            rests.append(row.inside(rest) if rest in row.schema else None)
        found = list[Any]()
        others = self.describe([part for part in rests if part], is_shared)
        least, most = limits.get("minItems", 0), limits.get("maxItems", MAX_EXPORTED_LENGTH)
        for index in range(min(max(map(len, firsts), default=0), most)):
            parts = [first[index] if index < len(first) else rest for first, rest in zip(firsts, rests, strict=True)]
            if (item := self.describe([part for part in parts if part], is_shared)) is False:
                others = False
                break
            found.append({} if item is True else item)  # xgrammar refuses True here
        if least > most or (others is False and least > len(found)):
            return None
        return ({"prefixItems": found} if found else {}) | ({} if others is True else {"items": others})

    def _members(self, rows: list[SchemaPart], is_shared: bool) -> dict[str, Any] | None:
        """The keywords for the members of objects; None if no object matches."""
        required = dict.fromkeys(name for row in rows for name in row.list("required") if isinstance(name, str))
        names = dict.fromkeys([*(name for row in rows for name in row.dict("properties")), *required])
        closed = {row.at: row.inside("additionalProperties") for row in rows if "additionalProperties" in row.schema}
        has_patterns = any("patternProperties" in row.schema for row in rows)
        matched, kept = self._patterns(rows, names, closed) if has_patterns else ({}, [])

        def described(name: str | None, patterns: Set[str]) -> Any:
            """A schema for the members whose name matches these patterns."""
            found = list[SchemaPart]()
            for row in rows:
                own = [row.inside("properties", name)] if name in row.dict("properties") else []
                own += [
                    row.inside("patternProperties", each) for each in row.dict("patternProperties") if each in patterns
                ]
                found += own or ([closed[row.at]] if row.at in closed else [])
            return self.describe(found, is_shared)

        properties = {}
        for name in names:
            properties[name] = described(name, {pattern for pattern, those in matched.items() if name in those})
            if properties[name] is False and name in required:
                return None
            if properties[name] is False and self.target == "structural-tag":  # xgrammar refuses it
                del properties[name]
                forbidden = (row.inside("properties", name) for row in rows if name in row.dict("properties"))
                self.unenforced |= dict.fromkeys(part.at for part in forbidden)
        found: dict[str, Any] = {"properties": properties} if properties else {}
        if kept:
            found["patternProperties"] = {pattern: described(None, {pattern}) for pattern in kept}
        if required:
            found["required"] = [*required]
        others = self.describe([*closed.values()], is_shared)
        return found if others is True else {**found, "additionalProperties": others}

    def _patterns(
        self, rows: list[SchemaPart], names: Iterable[str], closed: dict[str, SchemaPart]
    ) -> tuple[dict[str, set[str]], list[str]]:
        """The names that patterns of names match, and the patterns that can be enforced.

        Others are reported. `closed` loses the parts that have them: they would forbid what the patterns allow.
        """
        from ..validation.patterns import matches

        matched: dict[str, set[str]] = {}
        kept = list[str]()
        for row in rows:
            for pattern in row.dict("patternProperties"):
                if pattern not in matched and is_simple_pattern(pattern):
                    with suppress(UnfinishedCheck):
                        matched[pattern] = {name for name in names if matches(pattern, name, self._budget)}
                # An engine applies a pattern to the names that it matches. Those of another part may be exempt there.
                exempt = (
                    other
                    for other in rows
                    if other.at in closed and pattern not in other.dict("patternProperties")
                    for name in other.dict("properties")
                    if name in matched.get(pattern, ())
                )
                listed = matched.get(pattern, ())
                joined = [
                    *(other.dict("patternProperties").get(pattern) for other in rows),
                    *(other.dict("properties").get(name) for other in rows for name in listed),
                    *(part.schema for part in closed.values()),
                ]
                is_kept = "patternProperties" in ENFORCED[self.target] and pattern in matched and not any(exempt)
                if listed and '"$ref"' in to_json_text(joined):
                    is_kept = False  # llguidance 1.9.1 refuses a grammar in which it would join what refers to itself
                if is_kept and all(are_apart(pattern, other) for other in kept):
                    kept.append(pattern)
                elif pattern not in kept:
                    self.unenforced |= places_of({"patternProperties"}, row)
                    if closed.pop(row.at, row).schema is not True:
                        self.unenforced |= places_of({"additionalProperties"}, row)
        return matched, kept
