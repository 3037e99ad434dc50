"""What the package is compared with: `openai-harmony`, which reads the published rank file, and `tiktoken`."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harmony_spec import Message, codec
from harmony_spec.vocabulary import load

if TYPE_CHECKING:
    import openai_harmony
    import tiktoken

FOLDER_VARIABLE = "TIKTOKEN_ENCODINGS_BASE"
"""The environment variable that tells `openai-harmony` where rank files are; without it, it downloads them."""


def published(path: Path) -> None:
    """Write the rank file in its published form, a line `base64(token) rank` for each token, from the shipped one.

    Raises `ValueError` if the result is not, by its hash, the file that OpenAI publishes.
    """
    encoding = codec.FORMAT.encoding
    ranks = load(encoding)._ranks
    data = b"".join(b"%b %d\n" % (base64.b64encode(token), rank) for token, rank in ranks.items())
    actual = hashlib.sha256(data).hexdigest()
    if actual != encoding.sha256:
        raise ValueError(f"the shipped vocabulary makes a rank file of SHA-256 {actual}, not {encoding.sha256}")
    path.write_bytes(data)


def encoding(folder: Path) -> openai_harmony.HarmonyEncoding:
    """The encoding of `openai-harmony`, from a rank file that is written to a folder; processes started later find it.

    Nothing here imports the peer before the variable is set.
    """
    published(folder / f"{codec.FORMAT.encoding.base}.tiktoken")
    os.environ[FOLDER_VARIABLE] = str(folder)
    from openai_harmony import HarmonyEncodingName, load_harmony_encoding

    return load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)


def conversation(messages: Sequence[Message]) -> openai_harmony.Conversation:
    """Messages as a conversation of `openai-harmony`."""
    from openai_harmony import Conversation

    return Conversation.from_messages([message(each) for each in messages])


def message(ours: Message) -> openai_harmony.Message:
    """A message as one of `openai-harmony`, which keeps the constrain token in the content type."""
    from openai_harmony import Author, Message, Role

    theirs = Message.from_author_and_content(Author(role=Role(ours.role), name=ours.name), ours.content)
    theirs.channel, theirs.recipient = ours.channel, ours.recipient
    if ours.content_type is not None:
        theirs.content_type = "<|constrain|>" * ours.constrain + ours.content_type
    return theirs


def bare_tiktoken() -> tiktoken.Encoding:
    """`tiktoken` with the same tables and nothing around it.

    Two copies of the tables differ by up to a tenth in time, by where they lie in memory.
    """
    import tiktoken

    vocabulary, split = load(codec.FORMAT.encoding), "|".join(codec.FORMAT.encoding.split)
    bare = tiktoken.Encoding("bare", pat_str=split, mergeable_ranks={b"a": 0}, special_tokens={})
    bare._core_bpe = vocabulary.decode_bytes.__self__
    return bare
