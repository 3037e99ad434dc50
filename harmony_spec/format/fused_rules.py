"""Rules that read with few, large patterns: the parts of a rule that do not nest become one regular expression.

Where a part nests, such as a type, the pattern ends and a function continues. Where it can nest but rarely does, the
pattern has only the flat alternatives, and does not match if the text begins like another one; then the rule is read
part by part. Errors come from reading the text again without patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from .content_reading import MAX_CHOICE_DEPTH, NO_MATCH, Reader
from .flat_patterns import ALWAYS, Flat, Flattening, PatternRules
from .fused_reading import Finish
from .rule_table import Choice, Flag, Json, Many, RecordRule, Rule, Single, TableParts, Token, Value


class FusedRules(PatternRules):
    """The rules of a format, read with patterns. Only a `FusedReader` can use them."""

    def read_all(self, parts: TableParts) -> str:
        codes = list[str]()
        for run, flat in self._runs(parts):
            fused = flat and f"r.fused({self.matcher(flat)}, {self.filler(flat)}, f)"
            codes.append(fused or super().read_all(run))
        return " and ".join(codes) or "True"

    def _runs(self, parts: TableParts) -> Iterator[tuple[TableParts, Flat | None]]:
        """Parts in a row that one pattern reads, with the pattern, and each other part by itself."""
        at = 0
        while at < len(parts):
            end, flat = self._longest(parts, at)
            if end == at or (end == at + 1 and isinstance(parts[at], (str, Token, Flag, Json))):
                yield parts[at : at + 1], None
                at += 1
            else:
                yield parts[at:end], flat
                at = end

    def read_whole(self, rule: Rule, value: str) -> str:
        """The same by statements, which are faster than calls of methods."""
        nothing, lines = self.bind(NO_MATCH), ["text, at, kept = r.text, r.at, len(r.variants)"]
        for way, name in zip_longest(rule.ways, rule.names):
            lines += ["f = {}", "while True:"]
            lines += [f" {line}" for line in self._statements(way)]
            lines += [" if r.at < len(text): break"] * (len(rule.ways) > 1 and self.is_of_role(rule))
            lines += [f" r.variants.append({name!r})"] * bool(name)
            lines += [f" return {value}", "r.at = at", "del r.variants[kept:]"]
        return f"{self.defined('r', [*lines, f'return {nothing}'])}(r)"

    def function(self, code: str, parameters: str = "r, f") -> str:
        call = re.fullmatch(r"(\w+)\(r\)", code)
        return call[1] if call and parameters == "r" else super().function(code, parameters)

    def _statements(self, parts: TableParts) -> Iterator[str]:
        """Statements that read parts, and break if the text does not match."""
        nothing, seen = self.bind(NO_MATCH), set[str]()
        for run, flat in self._runs(parts):
            match run[0]:
                case _ if flat is not None:
                    yield f"m = {self.matcher(flat)}(text, r.at)"
                    yield "if m is None: break"
                    yield "r.at = m.end()"
                    yield from self.filling(flat)
                case str(part):
                    yield f"if not text.startswith({part!r}, r.at): break"
                    yield f"r.at += {len(part)}"
                case Value(name) if name not in seen:
                    yield f"f[{name!r}] = value = {self.reads(name)}(r)"
                    yield f"if value is {nothing}: break"
                case _:
                    yield f"if not ({super().read_all(run)}): break"
            seen |= dict(self.fields(run)).keys()

    def reads(self, name: str) -> str:
        """Return the name of the function that reads a rule. It is compiled when it is first called."""
        key = f"read_{name}"
        if key not in self.names:

            def first(r: Reader) -> Any:
                with self.compiling:
                    if self.names[key] is first:
                        self.names[key] = self.names[self.function(self._read(name), "r")]
                return self.names[key](r)

            self.names[key] = first
        return key

    def _read(self, name: str) -> str:
        """Code that reads a rule: by one pattern, or from inside, else part by part."""
        rule = self.table[name]
        if self.chooses(name):
            code = rule.read(self)
            inner = [each for leaf in self.yields(name) if (each := self._inner_first(name, leaf))]
            rest = f"{self.function(code, 'r')}(r)" if inner else code
            return "".join(f"{read} if {begins}(r.text, r.at) else " for begins, read in inner) + rest
        code, flattening = rule.read(self), Flattening(self, nested=True)
        is_usual = isinstance(rule, Single) or (isinstance(rule, RecordRule) and not rule.core)
        if not is_usual or (found := flattening.value(name)) is None:
            return code
        flat, slot = found
        made = self.defined("r, m", ["r.at = m.end()", *self.statements(flat, f"return {slot.value}")])
        first = flattening.first(rule.ways) + "|" * any(flattening.firsts(way, ())[1] for way in rule.ways)
        begins, rest = self.matcher(Flat(f"(?={first})")), f"{self.function(code, 'r')}(r)"
        is_flat = f"(m := {self.matcher(flat)}(r.text, r.at)) and r.depth <= {MAX_CHOICE_DEPTH - flat.choices}"
        return f"{made}(r, m) if {is_flat} else {rest} if {begins}(r.text, r.at) else r.nothing"

    def _around(self, rule: RecordRule) -> tuple[TableParts, TableParts, str] | None:
        """The parts before and after the one part that a record usually is, if a pattern reads each.

        The last value is code: what matches the parts after it and stores their fields, or None if there are none.
        """
        way = rule.ways[0]
        at = next((at for at, part in enumerate(way) if part == Value(rule.core)), None)
        if at is None or len(rule.ways) > 1:
            return None
        before, after = way[:at], way[at + 1 :]
        for parts in (before, after):
            end, flat = self._longest(parts, 0)
            if end < len(parts) or self.required(parts) or any(s.is_set == ALWAYS for s in flat.slots.values()):
                return None
        return before, after, f"({self.matcher(flat)}, {self.filler(flat)})" if after else "None"

    def _inner_first(self, name: str, leaf: str) -> tuple[str, str] | None:
        """How a rule is read that passes on the value of a leaf: a matcher for where that begins, and code to read it.

        None if the leaf does not nest, so that patterns read it, or if it is not always one part of the rules between.
        """
        rule, inner = self.table[leaf], name
        if leaf == name or not isinstance(rule, RecordRule) or rule.core or rule.remembers or not self.nests(leaf):
            return None
        flattening = Flattening(self, nested=True)
        others, follows, outer, choices = list[TableParts](), list[str](), list[tuple[int, Finish]](), 0
        while inner != leaf:
            match self.table[inner]:
                case Choice(ways):
                    parts = [part.field for way in ways for part in way if isinstance(part, Value)]
                    inner = next(part for part in parts if leaf in self.yields(part))
                    others += [(Value(part),) for part in parts if part != inner]
                    choices += 1
                    continue
                case RecordRule(ways=((Many(core, (Value(item),), 1, separator),),), made=made) if separator:
                    first, inner = re.escape(separator), item
                    finish = f"r.more(value, {self.reads(item)}, {separator!r}, {self.bind(made)})"
                case RecordRule(core=core, made=made) as passing if core and (around := self._around(passing)):
                    before, after, flank = around
                    others, inner, first = [*others, before], core, flattening.first((after,))
                    finish = f"r.after(value, {core!r}, {self.bind(made)}, {flank})"
                case _:
                    return None
            if first:
                follows.append(first)
                outer.insert(0, (choices, self.names[self.function(finish, "r, value")]))
        others_first = flattening.first(tuple(others))
        begins = self.matcher(Flat(f"(?!{others_first or '(?!)'})(?={flattening.first(rule.ways)})"))
        more = self.matcher(Flat("|".join(follows) or "(?!)"))
        return begins, f"r.inner({self.reads(leaf)}, {choices}, {more}, {self.bind(tuple(outer))})"

    def _longest(self, parts: TableParts, at: int) -> tuple[int, Flat]:
        """Where the longest run of flat parts ends that begins at a part, and its pattern."""
        found, flattening = Flat(""), Flattening(self, nested=False)
        for end in range(at, len(parts)):
            flat = flattening.part(parts[end])
            flat = flat and found.then(flat)
            if flat is None or flat.is_partial:
                return end, found
            found = flat
        return len(parts), found
