"""All checks of one input, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..diagnostics import Diagnostic
from ..format.offered_tools import offered
from ..format.tables import Format
from ..format.token_encoding import Tokenizer
from ..parsing.strict_parsing import form_of
from ..recovery.recovering import recover
from .content_checks import check_contents
from .context import Context
from .declarations import Declarations
from .fixes import InputReading, add_fixes
from .flow_checks import check_flow
from .report import Report
from .token_checks import check_texts


def validate(
    format: Format,
    source: str | Sequence[int],
    start: str,
    given: dict[str, Any],
    tools: Iterable[Any] | None,
    stripped: bool,
    tokenization: bool,
    tokenizer: Tokenizer | None,
) -> Report[Any]:
    """Check a text or token ids. Never raises for their contents.

    Args:
        source: the text with special tokens spelled out, or the token ids.
        start: the name of the start rule.
        given: fields of the open header that the input continues (for a completion).
        tools: offered tools: names, or tools and namespaces; None if they are unknown.
        stripped: the special tokens may be missing.
        tokenization: compare token ids with those that the tokenizer returns for their text.
        tokenizer: needed for token ids only.
    """
    format.require_start(start)
    given_tools = offered(format, tools)

    def read(source: str | Sequence[int]) -> InputReading:
        form = form_of(format, source, tokenizer)
        return form, recover(format, form, start, given, given_tools, stripped, tokenizer)

    form, recovered = read(source)
    context = Context(format, form, recovered, start, given, Declarations(format.meaning, given_tools))
    check_contents(context)
    check_flow(context)
    check_texts(context, tokenization)
    found: list[Diagnostic] = []
    if recovered.diagnostics or context.reported:
        found = add_fixes(context, source if isinstance(source, str) else list(source), read)
    return Report(recovered, found, form)
