"""The table `[json]` of conversation.toml: what the classes of a format do not say of its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..read.grammar_folder import CONVERSATION, Sources

MESSAGE = "message"
"""The rule of messages in paths, whatever its name is in the grammar."""


@dataclass(frozen=True)
class JsonTables:
    """The tables, by `RULE.FIELD`; see `harmony_spec.json_form.JsonForm`."""

    always: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keyed: Mapping[str, str] = field(default_factory=dict)
    spelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def build_json(sources: Sources) -> JsonTables:
    table = sources.table(CONVERSATION, "json")
    return JsonTables(
        always=tuple(table.get("always", ())),
        absent=table.get("absent", {}),
        joined={name: tuple(parts) for name, parts in table.get("joined", {}).items()},
        keyed=table.get("keyed", {}),
        spelled={path: tuple(values) for path, values in table.get("spelled", {}).items()},
    )
