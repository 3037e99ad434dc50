"""Plain texts as token ids, and token ids as text. Special tokens that a text spells are refused unless allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from ..codes import TEXT_NOT_ENCODABLE
from ..errors import Span, VocabularyError
from ..format.tables import Format
from ..format.token_encoding import Tokenizer
from ..source.forms import TokenForm
from ..source.token_places import tokens_of
from ..vocabulary import tokenizer_for

ALL_SPECIAL = "all"


def encode(
    format: Format, text: str, allowed_special: Literal["all"] | Iterable[str], tokenizer: Tokenizer | None
) -> list[int]:
    """Encode a text. Raises `VocabularyError` for a special token that it spells and that is not allowed."""
    if not isinstance(text, str):
        raise TypeError(f"text: expected a str, got {type(text).__name__}")
    is_set = isinstance(allowed_special, Iterable) and not isinstance(allowed_special, str)
    if not is_set and allowed_special != ALL_SPECIAL:
        kind = type(allowed_special).__name__
        raise TypeError(f"allowed_special: {allowed_special!r} is a {kind}; pass a set, or {ALL_SPECIAL!r}")
    allowed = format.encoding.special.keys() if allowed_special == ALL_SPECIAL else frozenset(allowed_special)
    for found in re.finditer(format.special_text, text):
        if found[0] not in allowed:
            raise VocabularyError(
                TEXT_NOT_ENCODABLE,
                f"the text spells the special token {found[0]!r}",
                span=Span(*found.span()),
                hint=f"Pass allowed_special={{{found[0]!r}}} to encode it as that token.",
            )
    return tokens_of(format, text, tokenizer_for(format.encoding, tokenizer).encode)


def decode(format: Format, tokens: Sequence[int], tokenizer: Tokenizer | None) -> str:
    """Decode token ids, special tokens spelled out. Unknown ids are written as `<id>`, invalid UTF-8 as U+FFFD."""
    if isinstance(tokens, str | bytes):
        raise TypeError(f"expected token ids, got a {type(tokens).__name__}")
    form = TokenForm(format, tokens, tokenizer_for(format.encoding, tokenizer))
    return form.spelled(0, len(form.tokens))
