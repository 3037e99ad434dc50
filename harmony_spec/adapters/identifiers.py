"""Identifiers that depend on the input only: the same input has the same ids, whole or streamed.

A stream sends an id before the arguments of a call, so these are not part of it.
"""

from __future__ import annotations

from base64 import b32encode
from hashlib import sha256

ID_DIGITS = 24
"""Base-32 digits of an id: 120 bits, as many as those of the servers have."""


def digest_of(*parts: object) -> str:
    """A digest of texts and numbers; where one ends and the next begins makes a difference."""
    return sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


def make_id(prefix: str, seed: str, *parts: object) -> str:
    """An id with a prefix for its kind, such as `call_`."""
    return prefix + b32encode(bytes.fromhex(digest_of(prefix, seed, parts)))[:ID_DIGITS].decode().lower()
