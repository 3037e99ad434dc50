"""The vocabulary: ordinary tokens and their ids, shipped with the package, checked by hash, loaded on first use.

Nothing here uses the network. All threads share one immutable instance for each encoding.

The shipped form holds the lengths of the tokens, one byte each, in the order of their ids, then their bytes; it loads
in a fraction of the time of the published file, from which `python -m harmony_spec.codegen.pack` makes it.
"""

from __future__ import annotations

import sys
import threading
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from .codes import TEXT_NOT_ENCODABLE, WRONG_VOCABULARY
from .errors import VocabularyError
from .format.token_encoding import Encoding, Tokenizer

__all__ = ["TokenizerDifference", "Vocabulary", "hard_texts", "load", "tokenizer_differences"]

SHIPPED = Path(__file__).resolve().parent / "vocabularies"

BLOCK_CHARS = 250_000
"""In long texts, blocks of this size that are all white space are encoded separately: the regular expression engine of
`tiktoken` panics on runs of about a million, which no `except Exception` catches. Twice this size fills one."""

_lock = threading.Lock()
_shared: dict[tuple[str | None, str | None, tuple[str, ...]], Vocabulary] = {}


class Vocabulary:
    """The ordinary tokens of one encoding. Immutable; all methods may be called from any thread.

    Attributes:
        encoding: the encoding.
        decode_bytes: returns the bytes of a list or an array of ordinary tokens; raises `KeyError` for any other id.
        decode_token: returns the bytes of one, in a third of the time.
        takes_buffers: `decode_bytes` takes arrays.
    """

    takes_buffers = True

    def __init__(self, encoding: Encoding, ranks: dict[bytes, int]) -> None:
        import tiktoken

        self.encoding, self._ranks = encoding, ranks
        name, split = encoding.base or encoding.name, "|".join(encoding.split)
        bpe = tiktoken.Encoding(name, pat_str=split, mergeable_ranks=ranks, special_tokens={})
        core = bpe._core_bpe  # private, but the public methods call it, which is a tenth of the time of a short text
        self._encode: Callable[[str], list[int]] = core.encode_ordinary
        self.decode_bytes = core.decode_bytes
        self.decode_token = core.decode_single_token_bytes

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy the shared instance by its encoding, so that it exists once in each process."""
        is_shared = self in _shared.values()
        return (load, (self.encoding,)) if is_shared else (Vocabulary, (self.encoding, self._ranks))

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text. All are ordinary, even if it spells a special token.

        Raises `VocabularyError` for a text with a lone surrogate.
        """
        if len(text) > BLOCK_CHARS and (parts := _white_space_apart(text)):
            return [token for part in parts for token in self.encode(part)]
        try:
            return self._encode(text)
        except UnicodeEncodeError as error:
            message = f"character {error.start} is a lone surrogate"
            raise VocabularyError(TEXT_NOT_ENCODABLE, message) from None


def _white_space_apart(text: str) -> list[str]:
    """Divide a long text at its blocks of white space; return nothing if it has none."""
    parts, start = [], 0
    for at in range(0, len(text), BLOCK_CHARS):
        if text[at : at + BLOCK_CHARS].isspace():
            parts += [text[start:at], text[at : at + BLOCK_CHARS]]
            start = at + BLOCK_CHARS
    return [*parts, text[start:]] if parts else []


def load(encoding: Encoding, path: str | Path | None = None) -> Vocabulary:
    """Return the vocabulary of an encoding, from the package or from a rank file in the published form.

    Raises `VocabularyError` if the file is missing or has another hash than the encoding.
    """
    if path is not None:
        return Vocabulary(encoding, _published(encoding, Path(path)))
    key = (encoding.base, encoding.sha256, encoding.split)
    if (found := _shared.get(key)) is not None:
        return found
    with _lock:
        if key not in _shared:
            _shared[key] = Vocabulary(encoding, _packed(encoding))
        return _shared[key]


def tokenizer_for(encoding: Encoding, given: Tokenizer | None = None) -> Tokenizer:
    """Return the tokenizer that was passed, or that of the encoding, or its shipped vocabulary.

    Raises `TypeError` for what is not a tokenizer.
    """
    chosen = given if given is not None else encoding.tokenizer
    if chosen is not None and not hasattr(chosen, "decode_bytes"):
        raise TypeError(f"tokenizer: expected methods encode and decode_bytes, got {type(chosen).__name__}")
    return chosen if chosen is not None else load(encoding)


class TokenizerDifference(NamedTuple):
    """A text that a tokenizer does not encode as the shipped vocabulary does, or whose tokens it does not decode.

    Attributes:
        text: the text.
        expected: its token ids.
        found: the other token ids, the bytes that the expected ids were decoded to, or the exception.
    """

    text: str
    expected: list[int]
    found: list[int] | bytes | Exception


def tokenizer_differences(
    encoding: Encoding, tokenizer: Tokenizer, texts: Iterable[str] | None = None
) -> Iterator[TokenizerDifference]:
    """Compare a tokenizer with the shipped vocabulary.

    Args:
        encoding: the encoding of the vocabulary.
        tokenizer: the tokenizer to compare.
        texts: the texts to encode and decode; by default `hard_texts`, which takes about 15 seconds. Those with lone
            surrogates, which have no tokens, are left out.
    """
    vocabulary = load(encoding)
    for text in hard_texts(encoding) if texts is None else texts:
        try:
            expected = vocabulary.encode(text)
        except VocabularyError:
            continue
        found: list[int] | bytes | Exception
        try:
            found = tokenizer.encode(text)
            if found == expected and (found := tokenizer.decode_bytes(expected)) == text.encode():
                continue
        except Exception as error:  # a tokenizer may raise anything
            found = error
        yield TokenizerDifference(text, expected, found)


def hard_texts(encoding: Encoding, random_texts: int = 50_000) -> Iterator[str]:
    """Texts in which tokenizers differ: every code point between others, long runs, random tokens in a row.

    The same texts are returned each time.
    """
    from random import Random  # a twentieth of the time of the first import

    for code_point in range(sys.maxunicode + 1):
        if not 0xD800 <= code_point < 0xE000:  # surrogates cannot be encoded
            yield f"a{chr(code_point)}'s {chr(code_point)}{chr(code_point)}1"
    for unit in (*" \n\ta1=-_é世👍", "\r\n", " a", "aB", "\u0301", "\u200d"):
        yield from (unit * length for length in (2, 3, 4, 17, 100, 5_000))
    vocabulary, rng = load(encoding), Random(0)
    for _ in range(random_texts):
        tokens = [rng.randrange(encoding.base_size) for _ in range(rng.randrange(1, 20))]
        yield vocabulary.decode_bytes(tokens).decode(errors="replace")


def _published(encoding: Encoding, path: Path) -> dict[bytes, int]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise VocabularyError(WRONG_VOCABULARY, f"{path}: {error.strerror}", hint="Name a rank file.") from None
    _require_hash(str(path), data, encoding.sha256)
    return {a2b_base64(token): int(rank) for token, rank in (line.split() for line in data.splitlines() if line)}


def _packed(encoding: Encoding) -> dict[bytes, int]:
    path = SHIPPED / f"{encoding.base}.bin"
    if not path.is_file():
        message = f"no vocabulary for the encoding {encoding.name} comes with this package"
        raise VocabularyError(WRONG_VOCABULARY, message, hint="Pass a tokenizer, or load a rank file.")
    data = path.read_bytes()
    packed, published = path.with_suffix(".sha256").read_text().split()
    _require_hash(str(path), data, packed)
    if published != encoding.sha256:
        message = f"{path} was made from the file {published}, and {encoding.name} is {encoding.sha256}"
        raise VocabularyError(WRONG_VOCABULARY, message, hint="Load the rank file by its name.")
    count = encoding.base_size
    lengths = data[:count]
    if count + sum(lengths) != len(data):
        message = f"{path} does not hold {count} tokens"
        raise VocabularyError(WRONG_VOCABULARY, message, hint="Correct the size of the base.")
    texts = "".join(map([f"{length}s" for length in range(256)].__getitem__, lengths))
    tokens = Struct(texts).unpack_from(data, count)  # in half of the time of slices
    return dict(zip(tokens, range(count), strict=True))


def _require_hash(name: str, data: bytes, expected: str | None) -> None:
    import hashlib  # loads OpenSSL, which parsing text does not need

    actual = hashlib.sha256(data).hexdigest()
    if actual != expected:
        message = f"{name} is not the vocabulary: its SHA-256 is {actual}, expected {expected}"
        raise VocabularyError(WRONG_VOCABULARY, message, hint="Get the file again, or name another.")
