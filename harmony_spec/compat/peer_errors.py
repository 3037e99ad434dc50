"""The exception of the drop-in, and what it says where callers match on it."""

from __future__ import annotations

from typing import NoReturn


class HarmonyError(RuntimeError):
    """Tokens that cannot be read, messages that cannot be written, or a text that spells a special token."""


UNFINISHED_HEADER = "Unexpected EOS while waiting for message header to complete"
NO_ROLE = "message header did not contain a role"
NO_CHANNEL = "channel marker present but no channel value found in header"
NOT_DECODED = "could not decode header"
NAMELESS_TOOL = "Tools should have a name!"


def unexpected_token(token: int, start: int) -> HarmonyError:
    """A token between messages, where only `start` may stand."""
    return HarmonyError(f"Unexpected token {token} while expecting start token {start}")


def unknown_role(word: str) -> HarmonyError:
    """A header of one word that is no role."""
    return HarmonyError(f"Unknown role: {word}")


def words_left(words: str) -> HarmonyError:
    """Words in a header that are in no field's place."""
    return HarmonyError(f'unexpected tokens remaining in message header: Some("{words}")')


def misplaced(content: str, role: str, found: str) -> HarmonyError:
    """A content with a structure in a message of another role."""
    return HarmonyError(f"{content} may only appear in {role} messages, found in {found.capitalize()}")


def invalid_token(token: int) -> HarmonyError:
    """A token id that the vocabulary does not have, in `decode`."""
    return HarmonyError(f"Invalid token for decoding: {token}")


def not_decodable(reason: str) -> HarmonyError:
    """Token ids that are no text, in `decode_utf8`."""
    return HarmonyError(f"Could not decode tokens: {reason}")


def raise_disallowed_special_token(token: str) -> NoReturn:
    """Raise for a text that spells a special token which the caller has not allowed.

    Args:
        token: the spelling that was found.

    Raises:
        HarmonyError: always; says how to allow the token, and how to have it read as ordinary text.
    """
    raise HarmonyError(
        f"Encountered text corresponding to disallowed special token {token!r}.\n"
        f"`allowed_special={{{token!r}}}` encodes it as that token; "
        f"`disallowed_special=(enc.special_tokens_set - {{{token!r}}})` encodes it as ordinary text; "
        "`disallowed_special=()` encodes all such texts as ordinary text."
    )
