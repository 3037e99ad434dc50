"""The exception of the drop-in. The texts are those of `openai_harmony`, since callers match on them."""

from __future__ import annotations

from typing import NoReturn


class HarmonyError(RuntimeError):
    """Tokens cannot be parsed, messages cannot be rendered, or a text spells a disallowed special token."""


def raise_disallowed_special_token(token: str) -> NoReturn:
    """Raise for a disallowed special token in a text.

    Args:
        token: its spelling.

    Raises:
        HarmonyError: always. It names the arguments that allow the token, or encode it as ordinary text.
    """
    raise HarmonyError(
        f"Encountered text corresponding to disallowed special token {token!r}.\n"
        f"`allowed_special={{{token!r}}}` encodes it as that token; "
        f"`disallowed_special=(enc.special_tokens_set - {{{token!r}}})` encodes it as ordinary text; "
        "`disallowed_special=()` encodes all such texts as ordinary text."
    )
