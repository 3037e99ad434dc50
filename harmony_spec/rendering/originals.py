"""Messages as they were in the input, which are written back until they are changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NamedTuple

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
    current = tuple(getattr(message, name) for name in (*format.header_fields, format.content))
    return repair if current == repair.original_fields else None


class OriginalTokens(NamedTuple):
    """The token ids of a repaired message, to keep in JSON.

    Attributes:
        head, body, tail, continues, opening: see `Repair`.
        digest: of the message as recovery read it.
    """

    head: Sequence[int]
    body: Sequence[int]
    tail: Sequence[int]
    continues: bool
    digest: str
    opening: SimpleNamespace | None = None

    @classmethod
    def of(cls, format: Format, message: Any) -> OriginalTokens | None:
        """The token ids of a message; None if it has changed since, or was not repaired, or has no token ids."""
        found = original_text(format, message)
        if found is None:
            return None
        head, body, tail = found.head, found.body, found.tail
        if isinstance(head, str) or isinstance(body, str) or isinstance(tail, str):
            return None
        if not are_token_ids((*head, *body, *tail)):
            return None
        opening = SimpleNamespace(**dict(found.opening)) if found.opening else None
        return cls(head, body, tail, found.continues, _digest_of(format, message), opening)

    def repair_of(self, format: Format, message: Any) -> Repair | None:
        """The repair of a message in JSON, to write it back; None if it is not the one that recovery read."""
        if self.digest != _digest_of(format, message):
            return None
        head, body, tail = map(tuple, self[:3])
        fields = tuple(getattr(message, name) for name in (*format.header_fields, format.content))
        opening = tuple(vars(self.opening).items()) if self.opening else ()
        return Repair(
            head=head, body=body, tail=tail, original_fields=fields, continues=self.continues, opening=opening
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
