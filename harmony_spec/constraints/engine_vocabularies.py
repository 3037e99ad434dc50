"""The vocabulary of a format for engines. Each engine is imported when it is used."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..errors import CodecError
from ..format.token_encoding import Encoding
from ..vocabulary import load

EXTRAS = {"llguidance": "constrain", "xgrammar": "xgrammar", "llama_cpp": "llamacpp", "gguf": "llamacpp"}
"""The extras that install packages. Others are installed by their name."""


def imported(name: str) -> Any:
    from importlib import import_module

    package = name.partition(".")[0]
    try:
        return import_module(name)
    except ImportError:
        place, needed = (
            ("in a clone of harmony-spec, ", f"'.[{EXTRAS[package]}]'") if package in EXTRAS else ("", package)
        )
        raise CodecError(f"{package} is not installed; {place}run: python -m pip install {needed}") from None


@cache
def llguidance_tokenizer(encoding: Encoding) -> Any:
    """The vocabulary of a format for llguidance. It takes about a second, once."""
    import tiktoken

    imported("llguidance")
    tokens, special = pieces(encoding), {*encoding.special.values()}
    made = tiktoken.Encoding(
        encoding.name,
        pat_str="|".join(encoding.split),
        mergeable_ranks={token: rank for rank, token in enumerate(tokens[: encoding.base_size]) if rank not in special},
        special_tokens=dict(encoding.special),
    )
    from llguidance.tiktoken import lltokenizer_from_encoding

    return lltokenizer_from_encoding(made, n_vocab=encoding.size, eos_token=spare_token(encoding))


def pieces(encoding: Encoding) -> list[bytes]:
    """The bytes of all tokens; special ones have their spelling."""
    vocabulary, special = load(encoding), {number: spelling for spelling, number in encoding.special.items()}
    found = [vocabulary.decode_bytes([number]) for number in range(encoding.base_size)]
    found += [f"<{number}>".encode() for number in range(encoding.base_size, encoding.size)]
    return [special[number].encode() if number in special else piece for number, piece in enumerate(found)]


def spare_token(encoding: Encoding) -> int:
    """A special token that no grammar has, for engines that need a stop token."""
    return max(encoding.unassigned, default=max(encoding.special.values()))


@cache
def xgrammar_tokenizer(encoding: Encoding) -> Any:
    stop = spare_token(encoding)
    return imported("xgrammar").TokenizerInfo(pieces(encoding), vocab_size=encoding.size, stop_token_ids=[stop])


@cache
def llama_cpp_model(encoding: Encoding, ends: tuple[int, ...]) -> Any:
    """A model that has only a vocabulary. It takes about two seconds, once."""
    engine = imported("llama_cpp.llama_cpp")
    engine.llama_log_set(_silence(), None)
    engine.llama_backend_init()
    settings = engine.llama_model_default_params()
    settings.vocab_only = True
    with TemporaryDirectory() as folder:
        path = Path(folder) / "vocabulary.gguf"
        _write(path, encoding, ends)
        model = engine.llama_model_load_from_file(str(path).encode(), settings)
    if not model:
        raise CodecError("llama.cpp does not read the vocabulary")
    return model


@cache
def _silence() -> Any:
    """Receives what llama.cpp logs. llama.cpp keeps its address, so it must not be collected."""
    return imported("llama_cpp.llama_cpp").llama_log_callback(lambda *_: None)


def _write(path: Path, encoding: Encoding, ends: tuple[int, ...]) -> None:
    made = imported("gguf")
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    shown = {byte: chr(byte) for byte in printable} | {byte: chr(256 + at) for at, byte in enumerate(others)}
    special = {*range(encoding.base_size, encoding.size), *encoding.special.values()}
    texts, kinds = list[str](), list[Any]()
    for number, token in enumerate(pieces(encoding)):
        texts.append(token.decode() if number in special else "".join(map(shown.__getitem__, token)))
        kinds.append(made.TokenType.CONTROL if number in special else made.TokenType.NORMAL)
    writer = made.GGUFWriter(str(path), "gpt-oss")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-4o")
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(spare_token(encoding))
    for add, end in zip(
        (writer.add_eos_token_id, writer.add_eot_token_id, writer.add_eom_token_id), ends, strict=False
    ):
        add(end)
    for add in (writer.add_context_length, writer.add_embedding_length, writer.add_block_count, writer.add_head_count):
        add(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
