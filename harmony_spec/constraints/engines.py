"""Engines that read grammars: whether they admit token ids. Each is imported when it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal

from ..errors import CodecError
from ..format.tables import Encoding, Format
from ..vocabulary import load

Grammar = Literal["lark", "structural-tag", "xgrammar-ebnf", "xgrammar-lark"]

Admits = Callable[[Sequence[int]], bool]
"""Whether a grammar admits a completion, up to its end."""

EXTRA = "'.[constrain]' (in a clone of harmony-spec)"
"""What to install for llguidance. Other packages have the names of their modules."""


def engine_for(format: Format, text: str, kind: Grammar) -> Admits:
    """Read a grammar. Raises `CodecError` if its engine is missing, or refuses it."""
    return _in_llguidance(format, text) if kind == "lark" else _in_xgrammar(format, text, kind)


def kind_of(name: str, text: str) -> Grammar:
    """The kind of a grammar in a file."""
    if text.lstrip().startswith("{"):
        return "structural-tag"
    if name.endswith(".gbnf"):
        raise CodecError(f"{name}: no engine here reads GBNF; .ci/constraints scores it in llama.cpp")
    return "xgrammar-ebnf" if "::=" in text else "lark"


def own_grammar(name: str, tools: Sequence[Mapping[str, Any]], choice: object, model: str) -> str:
    """The structural tag that an engine has itself for a format. Raises `CodecError` for an unknown engine."""
    listed, chosen = list(tools), choice or "auto"
    match name:
        case "xgrammar":
            found = imported("xgrammar").get_model_structural_tag(model, tools=listed, tool_choice=chosen)
        case "vllm":
            build = getattr(imported(f"vllm.parser.{model}"), f"get_{model}_structural_tag")
            found = build(*imported("xgrammar").normalize_tool_choice(listed, chosen), True)
        case _:
            raise CodecError(f"{name}: no such file, and no engine with a grammar of its own; engines: xgrammar, vllm")
    return str(found.model_dump_json())


def imported(name: str) -> Any:
    from importlib import import_module

    package = name.partition(".")[0]
    try:
        return import_module(name)
    except ImportError as error:
        needed = EXTRA if package == "llguidance" else package
        raise CodecError(f"{package} is not installed ({error}); run: python -m pip install {needed}") from None


def _in_llguidance(format: Format, text: str) -> Admits:
    made, tokenizer = imported("llguidance"), llguidance_tokenizer(format.encoding)
    first = made.LLMatcher(tokenizer, made.LLMatcher.grammar_from_lark(text))
    if first.is_error():
        raise CodecError(f"llguidance refuses the grammar: {first.get_error()}")

    def admits(tokens: Sequence[int]) -> bool:
        matcher = first.deep_copy()
        return bool(matcher.try_consume_tokens(list(tokens)) == len(tokens) and matcher.is_accepting())

    return admits


@cache
def llguidance_tokenizer(encoding: Encoding) -> Any:
    """The vocabulary of a format for llguidance. It takes about a second, once."""
    import tiktoken

    imported("llguidance")
    tokens = pieces(encoding)
    made = tiktoken.Encoding(
        encoding.name,
        pat_str="|".join(encoding.split),
        mergeable_ranks={token: rank for rank, token in enumerate(tokens[: encoding.base_size])},
        special_tokens=dict(encoding.special),
    )
    from llguidance.tiktoken import lltokenizer_from_encoding

    return lltokenizer_from_encoding(made, n_vocab=encoding.size, eos_token=spare_token(encoding))


def pieces(encoding: Encoding) -> list[bytes]:
    """The bytes of all tokens; special ones have their spelling."""
    vocabulary, special = load(encoding), {number: spelling for spelling, number in encoding.special.items()}
    ordinary = [vocabulary.decode_bytes([number]) for number in range(encoding.base_size)]
    rest = range(encoding.base_size, encoding.size)
    return ordinary + [special.get(number, f"<{number}>").encode() for number in rest]


def spare_token(encoding: Encoding) -> int:
    """A special token that no grammar has, for engines that need a stop token."""
    return max(encoding.unassigned, default=max(encoding.special.values()))


def _in_xgrammar(format: Format, text: str, kind: Grammar) -> Admits:
    made, encoding = imported("xgrammar"), format.encoding
    stop = spare_token(encoding)
    known = made.TokenizerInfo(pieces(encoding), vocab_size=encoding.size, stop_token_ids=[stop])
    compiler = made.GrammarCompiler(known)
    try:
        compilers = {"structural-tag": compiler.compile_structural_tag, "xgrammar-lark": compiler.compile_lark}
        compiled = compilers.get(kind, compiler.compile_grammar)(text)
    except (RuntimeError, ValueError) as error:
        raise CodecError(f"xgrammar refuses the grammar: {error}") from None

    def admits(tokens: Sequence[int]) -> bool:
        matcher = made.GrammarMatcher(compiled)
        return all(matcher.accept_token(token) for token in (*tokens, stop))

    return admits
