"""The fields of the message type, in its order: required ones first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .format_model import CONTENT_FIELD, Field, Format, comment_parts
from .rule_nodes import RuleCall, RuleChoice, RuleMark, RuleValue, camel_case, walk


def build_fields(partial: Format, docs: Mapping[str, tuple[str, ...]]) -> Iterator[Field]:
    message = RuleCall(partial.message)
    required = partial.always_set(message)
    order = sorted(partial.fields_of(message), key=lambda f: (f not in required, f == CONTENT_FIELD))
    for name in order:
        values, flag = _values(partial, name)
        doc = comment_parts(docs.get(name, ()))[""] or "See the grammar."
        yield Field(name, camel_case(name), values, flag, name in required, doc)


def _values(partial: Format, field: str) -> tuple[tuple[str, ...] | None, bool]:
    """The values of an enumerated field in order of appearance, and whether the field is a flag."""
    nodes = [node for rule in partial.rules.values() for node in walk(rule.node)]
    terminals = [partial.terminals[n.terminal] for n in nodes if isinstance(n, RuleValue) and n.field == field]
    named = [v for n in nodes if isinstance(n, RuleChoice) for b in n.branches for f, v in b.sets if f == field]
    listed = [value for terminal in terminals for value in terminal.values or ()]
    free = any(terminal.values is None for terminal in terminals)
    flag = any(isinstance(node, RuleMark) and node.field == field for node in nodes)
    return (None if free else tuple(dict.fromkeys(listed + named)) or None), flag
