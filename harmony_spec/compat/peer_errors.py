"""The exception of the drop-in. The texts are those of `openai_harmony`, since callers match on them."""

from __future__ import annotations

from typing import NoReturn


class HarmonyError(RuntimeError):
    """Tokens cannot be parsed, messages cannot be rendered, or a text spells a disallowed special token."""


UNFINISHED_HEADER = "Unexpected EOS while waiting for message header to complete"
NO_ROLE = "message header did not contain a role"
NO_CHANNEL = "channel marker present but no channel value found in header"
NOT_DECODED = "could not decode header"
NAMELESS_TOOL = "Tools should have a name!"


def unexpected_token(token: int, start: int) -> HarmonyError:
    """A token between messages that is not the start token."""
    return HarmonyError(f"Unexpected token {token} while expecting start token {start}")


def unknown_role(word: str) -> HarmonyError:
    """The only word of a header is not a role."""
    return HarmonyError(f"Unknown role: {word}")


def words_left(words: str) -> HarmonyError:
    """A header has more words than fields."""
    return HarmonyError(f'unexpected tokens remaining in message header: Some("{words}")')


def misplaced(content: str, role: str, found: str) -> HarmonyError:
    """A system or developer content is in a message of another role."""
    return HarmonyError(f"{content} may only appear in {role} messages, found in {found.capitalize()}")


def invalid_token(token: int) -> HarmonyError:
    """`decode` received an unknown token id."""
    return HarmonyError(f"Invalid token for decoding: {token}")


def not_decodable(reason: str) -> HarmonyError:
    """`decode_utf8` received tokens whose bytes are not UTF-8."""
    return HarmonyError(f"Could not decode tokens: {reason}")


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
