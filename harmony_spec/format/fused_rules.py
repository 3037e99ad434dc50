"""Rules that read with few, large patterns: the parts of a rule that do not nest become one regular expression.

Where a part nests, such as a type, the pattern ends and a function continues. Where it can nest but rarely does, the
pattern has only the flat alternatives, and does not match if the text begins like another one; then the rule is read
part by part. Errors come from reading the text again without patterns.
"""

from __future__ import annotations

import re

from .content_reading import MAX_CHOICE_DEPTH, NO_MATCH
from .flat_patterns import Flat, Flattening, PatternRules
from .table_nodes import Choice, Many, RecordRule, Single, TableParts, Value


class FusedRules(PatternRules):
    """The rules of a format, read with patterns. Only a `FusedReader` can use them."""

    def read_all(self, parts: TableParts) -> str:
        """Code that reads parts: those in a row that one pattern reads together, and each other part by itself."""
        lines, at = ["text = r.text"], 0
        while at < len(parts):
            end, flat = self._longest(parts, at)
            if isinstance(part := parts[at], str) and end == at + 1:
                lines += [f"if not text.startswith({part!r}, r.at): return False", f"r.at += {len(part)}"]
            elif end == at and isinstance(part, Value):
                lines.append(f"value = {self.reads(part.field)}(r)")
                is_other = f"(known := f.setdefault({part.field!r}, value)) is not value and known != value"
                lines.append(f"if value is {self.bind(NO_MATCH)} or ({is_other}): return False")
            elif end == at:
                lines.append(f"if not ({super().read_all((part,))}): return False")
            else:
                lines += [f"m = {self.matcher(flat)}(text, r.at)", "if m is None: return False", "r.at = m.end()"]
                lines += self.filling(flat)
            at = max(at + 1, end)
        return f"{self.defined('r, f', [*lines, 'return True'])}(r, f)"

    def reads(self, name: str) -> str:
        return self.compiled_late(f"read_{name}", lambda: self._read_again(name) + self._read(name))

    def _read_again(self, name: str) -> str:
        """Code that is the value of a rule if it is known, with `else`; empty if no rule passes the value on."""
        is_passed_on = self.nests(name) and any(name in self.passes_on(other) for other in self.table)
        return f"r.again() if r.known[1] == r.at and r.known[0] == {name!r} else " * is_passed_on

    def _read(self, name: str) -> str:
        """Code that reads a rule: by one pattern, or from inside, else part by part."""
        rule = self.table[name]
        if self.chooses(name):
            inner = [each for leaf in self.yields(name) if (each := self._inner_first(name, leaf))]
            reads = [f"{read} if {begins}(r.text, r.at) else " for begins, read in inner]
            return f"{''.join(reads)}{self._whole(name)}(r)"
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

    def _whole(self, name: str) -> str:
        """Return the name of the function that reads a rule part by part."""
        return self.compiled_late(f"whole_{name}", lambda: self.table[name].read(self))

    def _inner_first(self, name: str, leaf: str) -> tuple[str, str] | None:
        """How a rule is read that passes on the value of a leaf: a matcher for where that begins, and code to read it.

        None if the leaf does not nest, so that patterns read it, or if it is not always one part of the rules between.
        """
        rule, inner = self.table[leaf], name
        if leaf == name or not isinstance(rule, RecordRule) or rule.core or rule.remembers or not self.nests(leaf):
            return None
        flattening = Flattening(self, nested=True)
        others, follows, outer, choices = list[TableParts](), list[str](), list[str](), 0
        while inner != leaf:
            passing, more = inner, ""
            match self.table[inner]:
                case Choice(ways):
                    parts = [part.field for way in ways for part in way if isinstance(part, Value)]
                    inner = next(part for part in parts if leaf in self.yields(part))
                    others += [(Value(part),) for part in parts if part != inner]
                    choices += 1
                case RecordRule(ways=((Many(_, (Value(item),), 1, separator),),)) if separator:
                    inner, more = item, re.escape(separator)
                case RecordRule(core=core, ways=(way,)) if core and Value(core) in way:
                    before, after, inner = way[: way.index(Value(core))], way[way.index(Value(core)) + 1 :], core
                    if not all(flattening.firsts(each, ())[1] for each in (before, after)):
                        return None
                    others.append(before)
                    more = flattening.first((after,))
                case _:
                    return None
            if more:
                follows.append(more)
                outer.insert(0, f"({choices}, {self.matcher(Flat(more))}, {inner!r}, {self._whole(passing)}), ")
        others_first = flattening.first(tuple(others))
        begins = self.matcher(Flat(f"(?!{others_first or '(?!)'})(?={flattening.first(rule.ways)})"))
        passing_on = self.function(f"({''.join(outer)})", "")
        more = self.matcher(Flat("|".join(follows) or "(?!)"))
        return begins, f"r.inner({self.reads(leaf)}, {choices}, {more}, {passing_on})"

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
