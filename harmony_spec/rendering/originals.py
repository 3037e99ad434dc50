"""Messages as they were in the input, which are written back until they are changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from ..diagnostics import Repair
from ..errors import ParseError, RenderError
from ..format.tables import Format
from ..format.token_encoding import Tokenizer
from ..source.forms import TokenForm
from ..source.message_tokens import are_token_ids


def original_text(format: Format, message: Any) -> Repair | None:
    """Return the input of a repaired message; None if it was not repaired, or has changed since."""
    repair: Repair | None = message.repair
    if repair is None or not repair.original_fields:
        return None
    return repair if repair.original_fields == _values_of(format, message) else None


def _values_of(format: Format, message: Any) -> tuple[object, ...]:
    return tuple(getattr(message, name) for name in (*format.header_fields, format.content))


def original_tokens(format: Format, message: Any) -> SimpleNamespace | None:
    """Return the repair of a message to keep in JSON, with a digest of the message as recovery read it.

    None if it was not repaired, or has changed since, or was not read from token ids.
    """
    found = original_text(format, message)
    if found is None:
        return None
    if any(isinstance(part, str) or not are_token_ids(part) for part in (found.head, found.body, found.tail)):
        return None
    opening = SimpleNamespace(**dict(found.opening)) if found.opening else None
    return SimpleNamespace(**vars(found) | {"opening": opening, "digest": _digest_of(format, message)})


def repair_of(format: Format, message: Any, original: SimpleNamespace) -> Repair | None:
    """Return the repair of a message in JSON, to write it back; None if it is not the one that recovery read."""
    if original.digest != _digest_of(format, message):
        return None
    opening = tuple(vars(original.opening).items()) if original.opening else ()
    return Repair(
        head=tuple(original.head),
        body=tuple(original.body),
        tail=tuple(original.tail),
        original_fields=_values_of(format, message),
        continues=original.continues,
        opening=opening,
    )


def _digest_of(format: Format, message: Any) -> str:
    header = tuple(getattr(message, name) for name in format.header_fields)
    content = getattr(message, format.content)
    try:
        text = content if isinstance(content, str) else content.text()
    except RenderError:
        text = repr(content)
    from hashlib import sha256  # loads OpenSSL, which parsing text does not need

    return sha256(repr((header, text)).encode(errors="surrogatepass")).hexdigest()


def canonical(format: Format, message: Any) -> Any:
    """Return a repaired message as the format writes it, with the stop token that it had."""
    return replace(message, repair=None, variants=(*message.variants, *format.chosen_for(message)))


def spelled_by(format: Format, ids: Sequence[int], tokenizer: Tokenizer) -> str | None:
    """Return the text that token ids spell, in the mixed alphabet; None if they spell none."""
    try:
        return TokenForm(format, ids, tokenizer).mixed(0, len(ids))
    except (ParseError, ArithmeticError, LookupError, TypeError, ValueError):  # ids of another tokenizer
        return None
