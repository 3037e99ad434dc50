"""The recovering parser as a function of a text, for programs that score parsers on malformed outputs.

What is passed as `completes` is the role of the open header that the text continues; None for whole messages.
"""

from __future__ import annotations

from typing import Any

from harmony_spec import recover as read


def recover(text: str, completes: str | None, tools: list[str] | None) -> list[dict[str, Any]]:
    """The messages of a text as dictionaries; texts without special tokens are read as if they were stripped."""
    recovered = read(text, "completion" if completes else "transcript", tools=tools, stripped=True)
    names = ("role", "name", "channel", "recipient", "content_type", "constrain")
    return [{name: getattr(m, name) for name in names} | {"content": m.text} for m in recovered.messages]
