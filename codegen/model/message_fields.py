"""The fields of the message type, in its order: required ones first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..read.grammar_nodes import RuleCall
from .format_model import CONTENT_FIELD, Field, Format, comment_parts
from .rule_nodes import camel_case, named_values


def build_fields(partial: Format, docs: Mapping[str, tuple[str, ...]]) -> Iterator[Field]:
    message = RuleCall(partial.message)
    required = partial.always_set(message)
    order = sorted(partial.fields_of(message), key=lambda f: (f not in required, f == CONTENT_FIELD))
    for name in order:
        flag = partial.mark_of(name) is not None
        doc = comment_parts(docs.get(name, ()))[""] or "See the grammar."
        yield Field(name, camel_case(name), _values(partial, name), flag, name in required, doc)


def _values(partial: Format, field: str) -> tuple[str, ...] | None:
    """The values of an enumerated field in order of appearance."""
    listed = [partial.terminals[name].values for name in partial.terminals_of(field)]
    if None in listed:
        return None
    named = (value for name, value in named_values(partial.rules) if name == field)
    return tuple(dict.fromkeys([value for values in listed for value in values or ()] + [*named])) or None
