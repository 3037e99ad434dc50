"""Engines that read grammars: whether they admit token ids. Each is imported when it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from ctypes import byref
from typing import Any, Literal

from ..errors import CodecError
from ..format.tables import Format
from ..tools.openai_tools import FUNCTION
from .constraint import Constraint
from .engine_vocabularies import imported, llama_cpp_model, llguidance_tokenizer, spare_token, xgrammar_tokenizer

GrammarLanguage = Literal["lark", "structural-tag", "xgrammar-ebnf", "xgrammar-lark", "gbnf"]

Admits = Callable[[Sequence[int]], bool]
"""Whether a grammar admits a completion, up to its end."""

LEAST_LOGIT = -1e30
"""llama.cpp sets the logit of a token that a grammar refuses to minus infinity, which is less."""

TOKEN_REFERENCE = re.compile(r"<\[\d+\]>")
"""A special token in GBNF. The EBNF of xgrammar has another form for it."""


def engine_for(format: Format, text: str, kind: GrammarLanguage, stops: Collection[int] = ()) -> Admits:
    """Read a grammar. Raises `CodecError` if its engine is missing, or refuses it.

    Args:
        stops: the tokens at which the engine stops, without which completions are written.
    """
    match kind:
        case "lark":
            return _in_llguidance(format, text)
        case "gbnf":
            return _in_llama_cpp(format, text, stops)
    return _in_xgrammar(format, text, kind)


def kind_of(name: str, text: str) -> GrammarLanguage:
    """The kind of a grammar in a file."""
    if text.lstrip().startswith("{"):
        return "structural-tag"
    if name.endswith(".gbnf") or ("::=" in text and TOKEN_REFERENCE.search(text)):
        return "gbnf"
    return "xgrammar-ebnf" if "::=" in text else "lark"


def own_grammar(name: str, constraint: Constraint, model: str) -> str:
    """The structural tag that an engine has itself for what a constraint offers.

    Raises:
        CodecError: the engine is unknown or not installed, or refuses what is offered.
    """
    if name not in ("xgrammar", "vllm"):
        raise CodecError(f"{name}: no such file, and no engine with a grammar of its own; engines: xgrammar, vllm")
    tools, choice = [*_definitions(constraint)], "auto" if constraint.offer.may_answer else "required"
    vllm = imported(f"vllm.parser.{model}") if name == "vllm" else None
    xgrammar = imported("xgrammar")
    try:
        if vllm is None:
            found = xgrammar.get_model_structural_tag(model, tools=tools, tool_choice=choice)
        else:
            build = getattr(vllm, f"get_{model}_structural_tag")
            found = build(*xgrammar.normalize_tool_choice(tools, choice), True)
    except ValueError as error:
        raise CodecError(f"{name} has no grammar for this: {error}") from None
    return str(found.model_dump_json())


def _definitions(constraint: Constraint) -> Iterator[dict[str, Any]]:
    """The tools of a constraint as xgrammar has them: functions as in a request, built-in ones by their full names."""
    recovery = constraint.format.recovery
    prefix = recovery.of_functions if recovery else ""
    for call in constraint.offer.calls:
        if call.name is None:
            continue
        schema = {} if call.schema is None else {"parameters": json.loads(call.schema)}
        if call.is_builtin:
            yield {"type": call.name, "name": call.name, **schema}
        else:
            yield {"type": FUNCTION, FUNCTION: {"name": call.name.removeprefix(prefix), **schema}}


def _in_llguidance(format: Format, text: str) -> Admits:
    made, tokenizer = imported("llguidance"), llguidance_tokenizer(format.encoding)
    first = made.LLMatcher(tokenizer, made.LLMatcher.grammar_from_lark(text))
    if first.is_error():
        raise CodecError(f"llguidance refuses the grammar: {first.get_error()}")

    def admits(tokens: Sequence[int]) -> bool:
        matcher = first.deep_copy()
        return bool(matcher.try_consume_tokens(list(tokens)) == len(tokens) and matcher.is_accepting())

    return admits


def _in_xgrammar(format: Format, text: str, kind: GrammarLanguage) -> Admits:
    made, stop = imported("xgrammar"), spare_token(format.encoding)
    compiler = made.GrammarCompiler(xgrammar_tokenizer(format.encoding))
    try:
        compilers = {"structural-tag": compiler.compile_structural_tag, "xgrammar-lark": compiler.compile_lark}
        compiled = compilers.get(kind, compiler.compile_grammar)(text)
    except (RuntimeError, ValueError) as error:
        raise CodecError(f"xgrammar refuses the grammar: {error}") from None

    def admits(tokens: Sequence[int]) -> bool:
        matcher = made.GrammarMatcher(compiled)
        return all(matcher.accept_token(token) for token in (*tokens, stop))

    return admits


def _in_llama_cpp(format: Format, text: str, stops: Collection[int]) -> Admits:
    """Read a GBNF grammar. llama.cpp admits its stop tokens wherever the grammar may end.

    Args:
        stops: those that end a completion which does not have them; any other must be written.
    """
    engine, spare = imported("llama_cpp.llama_cpp"), (spare_token(format.encoding),)
    ends = format.recovery.stops if format.recovery else ()
    vocabulary = engine.llama_model_get_vocab(llama_cpp_model(format.encoding, ends or spare))
    added = stops if ends else spare
    first = engine.llama_sampler_init_grammar(vocabulary, text.encode(), b"root")
    if not first:
        raise CodecError("llama.cpp refuses the grammar")

    def reads(tokens: Sequence[int]) -> bool:
        """Whether all tokens are admitted; the last one stops llama.cpp."""
        sampler = engine.llama_sampler_clone(first)
        try:
            for at, token in enumerate(tokens, 1):
                candidate = (engine.llama_token_data * 1)(engine.llama_token_data(token, 1.0, 0.0))
                engine.llama_sampler_apply(sampler, byref(engine.llama_token_data_array(candidate, 1, -1, False)))
                if candidate[0].logit < LEAST_LOGIT:
                    return False
                if engine.llama_vocab_is_eog(vocabulary, token):
                    return at == len(tokens)
                engine.llama_sampler_accept(sampler, token)
            return False
        finally:
            engine.llama_sampler_free(sampler)

    def admits(tokens: Sequence[int]) -> bool:
        if tokens and tokens[-1] not in added and reads(tokens):
            return True
        return any(reads([*tokens, stop]) for stop in added)

    return admits
