"""All checks of one input, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..format.tables import Format, Tokenizer
from ..recovery.known_names import offered
from ..recovery.recovering import form_of, recover_form
from .content_checks import check_contents
from .context import Conversation
from .fixes import Reading, with_fixes
from .flow_checks import check_flow
from .offer import Offer
from .report import Report
from .token_checks import check_spelling, check_tokens


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
    """Say what is wrong with a text or token ids; never raises for what they hold.

    Args:
        format: the tables of the format.
        source: the text with special tokens spelled out, or the token ids.
        start: the name of the start rule.
        given: fields that the input continues from an open header (for a completion).
        tools: what the conversation offers: names, or tools and namespaces; None where that is not known.
        stripped: the special tokens may have been stripped.
        tokenization: whether token ids are compared with those that the tokenizer gives for their text.
        tokenizer: encodes and decodes ordinary tokens; needed for token ids only.
    """
    format.require_start(start)
    given_tools = offered(tools)

    def read(source: str | Sequence[int], stripped: bool = False) -> Reading:
        form = form_of(format, source, tokenizer)
        return form, recover_form(format, form, start, given, given_tools, stripped)

    form, recovered = read(source, stripped)
    assert format.recovery is not None
    talk = Conversation(format, form, recovered, start, given, Offer(format.recovery, given_tools))
    check_contents(talk)
    check_flow(talk)
    check_spelling(talk)
    if tokenization:
        check_tokens(talk)
    found = sorted((*recovered.diagnostics, *talk.found), key=lambda each: each.span)
    whole = source if isinstance(source, str) else list(source)
    return Report(recovered, with_fixes(talk, whole, found, read), form)
