"""Checks of contents as tokens: unusual tokenization, and texts that look like special tokens."""

from __future__ import annotations

import re
import unicodedata

from .. import codes
from ..errors import Span, VocabularyError
from ..format.tables import Format
from ..source.forms import TokenForm
from .context import IN_CONTENT, Context

LOOK_ALIKES = {
    "<": "<\u02c2\u1438\u2039\u27e8\u276e\u3008\ufe64\uff1c",
    ">": ">\u02c3\u1433\u203a\u27e9\u276f\u3009\ufe65\uff1e",
    "|": "|\u01c0\u2223\u2502\u2758\u23d0\uffe8\uff5c\u05c0\u0964",
    "_": "\u02cd\u2581",
    "a": "\u0430\u03b1\u0251",
    "c": "\u0441",
    "d": "\u0501",
    "e": "\u0435\u04bd",
    "f": "\u0584",
    "g": "\u0261\u0581",
    "h": "\u04bb\u0570",
    "i": "\u0456\u03b9\u0131\u0269",
    "l": "\u04cf",
    "n": "\u0578\u057c",
    "o": "\u043e\u03bf\u0585",
    "p": "\u0440\u03c1",
    "r": "\u0433\u1d26",
    "s": "\u0455\ua731",
    "t": "\u0442\u03c4",
    "u": "\u03c5\u057d\u028b",
    "v": "\u03bd\u0475",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3\u04af",
}
"""Characters that look like those of special tokens. Source: Unicode Technical Standard 39, confusables."""

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Invisible characters, as the inside of a character class. Source: Unicode, Default_Ignorable_Code_Point."""


MAX_SHOWN_TOKEN_IDS = 12
"""How many token ids a diagnostic quotes."""


def check_texts(context: Context, tokenization: bool) -> None:
    """Report contents that spell a special token, or something that looks like one, and unusual tokens.

    Args:
        tokenization: compare token ids with those that the tokenizer returns for their text.
    """
    format, (begins, _), form = context.format, context.format.special_ends, context.form
    openers = LOOK_ALIKES.get(begins[:1], begins[:1])
    for index in range(len(context.messages)):
        text = context.text(index)
        if begins in text:
            for match in format.special_matcher.finditer(text):
                span = context.span_in_content(index, match.start(), match.end())
                context.report(codes.SPELLED_SPECIAL_TOKEN, index, "these are ordinary tokens", span)
        if not text.isascii() and any(map(text.__contains__, openers)):
            for match in disguise_matcher(format).finditer(text):
                shown = to_plain(match[0])
                if shown in format.encoding.special and not match[0].isascii():
                    span = context.span_in_content(index, match.start(), match.end())
                    context.report(codes.DISGUISED_SPECIAL_TOKEN, index, f"it looks like {shown}", span)
        if tokenization and isinstance(form, TokenForm):
            _check_canonical(context, form, index, text)


def _check_canonical(context: Context, form: TokenForm, index: int, text: str) -> None:
    try:
        canonical = form.tokenizer.encode(text)
    except VocabularyError:  # a part of a character, which recovery reports
        return
    start, end = context.span_of(index, IN_CONTENT)
    if (
        start == end
        or form.has_ids(canonical, start, end)
        or not all(map(form.is_ordinary, part := form.ids(start, end)))
    ):
        return
    whole, damage = form.run(start, end, 0)
    if damage or whole != text:  # invalid UTF-8, or a token shared with the header: recovery reports both
        return
    shorter = min(len(canonical), len(part))
    first = next((i for i in range(shorter) if canonical[i] != part[i]), shorter)
    same = next((i for i in range(shorter - first) if canonical[-1 - i] != part[-1 - i]), shorter - first)
    wanted = canonical[first : len(canonical) - same]
    span = Span(start + first, start + len(part) - same)
    context.report(
        codes.NON_CANONICAL_TOKENS,
        index,
        f"the tokenizer never returns {part[first : len(part) - same][:MAX_SHOWN_TOKEN_IDS]} for this text",
        span,
        expected=(str(wanted[:MAX_SHOWN_TOKEN_IDS]),),
        change=(span, tuple(wanted)),
    )


def disguise_matcher(format: Format) -> re.Pattern[str]:
    """Return the pattern of texts that may look like a special token: its ends, and a short text between."""
    found: re.Pattern[str] | None = format.caches.get("disguises")
    if found is None:
        begins, ends = format.special_ends
        most = max(map(len, format.encoding.special)) - len(begins) - len(ends)
        inside = f"[{INVISIBLE}]*(?!{_look_alike_pattern(begins)})[^\\s{INVISIBLE}]"
        pattern = f"{_look_alike_pattern(begins)}(?:{inside}){{1,{most}}}?[{INVISIBLE}]*{_look_alike_pattern(ends)}"
        found = format.caches["disguises"] = re.compile(pattern)
    return found


def to_plain(text: str) -> str:
    """Remove invisible characters, and replace each look-alike by the character that it looks like."""
    seen = unicodedata.normalize("NFKC", re.sub(f"[{INVISIBLE}]", "", text)).lower()
    return seen.translate({ord(other): char for char, others in LOOK_ALIKES.items() for other in others})


def _look_alike_pattern(text: str) -> str:
    return f"[{INVISIBLE}]*".join(f"[{LOOK_ALIKES.get(char, re.escape(char))}]" for char in text)
