"""Exported grammars in engines that are too large for the gate: `.ci/constraints` runs this.

`python -m tests.other_engines` with `xgrammar`, `vllm WHEEL` (the wheel is read, not installed), `llama.cpp FILE` (it
writes a model without weights there) or `transformers`.
"""

from __future__ import annotations

import ctypes
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from harmony_spec import codec
from harmony_spec.constraints import Constraint, constrain, score
from harmony_spec.constraints.enforceable import enforceable
from harmony_spec.constraints.engines import engine_for, own_grammar, pieces
from harmony_spec.constraints.structural_tags import StructuralTag
from harmony_spec.format.algebra import JsonNode

from . import drawn_schemas

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}},
]
OFFERED = constrain(tools=TOOLS)

LEAST_LOGIT = -1e30


def report(
    name: str,
    load: Callable[[], Callable[[Sequence[int]], bool]],
    is_own: bool = True,
    constraint: Constraint = OFFERED,
) -> None:
    """Print the time to compile and the score; our own grammars have no mistakes."""
    start = time.perf_counter()
    engine = load()
    seconds = time.perf_counter() - start
    found = score(constraint, engine)
    refused, accepted = f"{len(found.refused)} of {found.valid}", f"{len(found.accepted)} of {found.invalid}"
    print(f"{name}: {seconds:.2f} s, refuses {refused} valid, accepts {accepted} invalid")
    for text in (*found.refused[:3], *found.accepted[:3]):
        print(f"  {text!r}")
    assert not is_own or not found.refused


class Loose(ModuleType):
    """A module that has every name, as a class: what xgrammar imports of torch and transformers."""

    __path__ = ()

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__dict__.setdefault(name, type(name, (), {"__init__": lambda self, *_, **__: None}))


def schemas() -> None:
    """Schemas in structural tags: each is read, and enforced or reported."""
    chosen, count = random.Random(0), 0
    while count < 150:
        text = json.dumps(schema := drawn_schemas.schema(chosen))
        found = enforceable(text, "structural-tag")
        if found.text is not None:
            tag = StructuralTag(codec.SPECIAL_TOKENS, "").make(JsonNode(text))
            engine = engine_for(codec.FORMAT, json.dumps(tag), "structural-tag")
            drawn_schemas.compare(
                schema, bool(found.unenforced), lambda value, engine=engine: engine(codec.encode(value))
            )
            count += 1
    print(f"schemas: {count} read")


def stub(*names: str) -> None:
    for name in names:
        sys.modules[name] = Loose(name)
        sys.modules[name].__spec__ = ModuleSpec(name, None)


def in_xgrammar() -> None:
    import tvm_ffi  # noqa: F401 - before the stub, since it asks torch for its version

    stub("torch", "transformers")
    for name, kind, text in (
        ("structural tag", "structural-tag", json.dumps(OFFERED.structural_tag())),
        ("EBNF", "xgrammar-ebnf", OFFERED.xgrammar_ebnf()),
        ("portable Lark", "xgrammar-lark", OFFERED.lark(portable=True)),
    ):
        report(name, lambda text=text, kind=kind: engine_for(codec.FORMAT, text, kind))
    schemas()
    own = own_grammar("xgrammar", TOOLS, "auto", "harmony")
    report("xgrammar's own", lambda: engine_for(codec.FORMAT, own, "structural-tag"), is_own=False)
    hooked()


STUBBED = """
openai openai.types openai.types.responses openai.types.responses.response openai.types.responses.tool
openai.types.responses.tool_choice_allowed openai.types.responses.tool_choice_function openai_harmony vllm.entrypoints
vllm.entrypoints.generate.base.protocol vllm.entrypoints.openai.chat_completion.protocol
vllm.entrypoints.openai.parser.harmony_utils vllm.entrypoints.openai.responses.protocol vllm.logger
vllm.parser.abstract_parser vllm.reasoning.gptoss_reasoning_parser vllm.renderers.chat_utils
vllm.tool_parsers.gptoss_tool_parser vllm.tool_parsers.utils
"""
"""What the module of vLLM imports, and does not need for its structural tag."""


def in_vllm(wheel: Path) -> None:
    """The grammar that vLLM has itself. Its engine stops at three tokens, and the grammar has none of them."""
    import tvm_ffi  # noqa: F401 - as above

    stub("torch", "transformers", *STUBBED.split())
    for name in ("vllm", "vllm.parser", "vllm.tool_parsers"):
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [f"{wheel}/{name.replace('.', '/')}"]
    stops = [codec.SPECIAL_TOKENS[spelling] for spelling in ("<|return|>", "<|endoftext|>", "<|call|>")]
    constraint = constrain(tools=TOOLS, stops=stops)
    own = own_grammar("vllm", TOOLS, "auto", "harmony")
    report("vLLM's own", lambda: engine_for(codec.FORMAT, own, "structural-tag"), False, constraint)
    ours = json.dumps(constraint.structural_tag())
    report(
        "structural tag without stop tokens", lambda: engine_for(codec.FORMAT, ours, "structural-tag"), True, constraint
    )


def hooked() -> None:
    """The hook: xgrammar returns our structural tag under its name for the format."""
    import xgrammar

    from harmony_spec.constraints.xgrammar_hook import register

    register()
    found = xgrammar.get_model_structural_tag("harmony", tools=TOOLS, tool_choice="required")
    expected = constrain(tools=TOOLS, tool_choice="required").structural_tag()
    assert xgrammar.StructuralTag.model_validate(expected) == found
    print("hook: registered")


def in_llama_cpp(path: Path) -> None:
    import llama_cpp.llama_cpp as engine

    write_vocabulary(path)
    engine.llama_backend_init()
    settings = engine.llama_model_default_params()
    settings.vocab_only = True
    model = engine.llama_model_load_from_file(str(path).encode(), settings)
    vocabulary = engine.llama_model_get_vocab(model)
    stops = {token for token in codec.SPECIAL_TOKENS.values() if engine.llama_vocab_is_eog(vocabulary, token)}

    def load() -> Callable[[Sequence[int]], bool]:
        first = engine.llama_sampler_init_grammar(vocabulary, OFFERED.gbnf().encode(), b"root")
        assert first, "llama.cpp refuses the grammar"

        def admits(tokens: Sequence[int]) -> bool:
            sampler = engine.llama_sampler_clone(first)
            try:
                for token in tokens:
                    candidates = (engine.llama_token_data * 1)(engine.llama_token_data(token, 1.0, 0.0))
                    array = engine.llama_token_data_array(candidates, 1, -1, False)
                    engine.llama_sampler_apply(sampler, ctypes.byref(array))
                    if candidates[0].logit < LEAST_LOGIT:
                        return False
                    if token in stops:
                        break
                    engine.llama_sampler_accept(sampler, token)
                return bool(tokens) and tokens.index(token) == len(tokens) - 1 and token in stops
            finally:
                engine.llama_sampler_free(sampler)

        return admits

    report("GBNF", load)


def write_vocabulary(path: Path) -> None:
    """A model of llama.cpp that has no weights."""
    import gguf

    encoding = codec.FORMAT.encoding
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    shown = {byte: chr(byte) for byte in printable} | {byte: chr(256 + at) for at, byte in enumerate(others)}
    tokens = pieces(encoding)
    ordinary = ["".join(map(shown.__getitem__, token)) for token in tokens[: encoding.base_size]]
    special = [token.decode() for token in tokens[encoding.base_size :]]
    writer = gguf.GGUFWriter(str(path), "gpt-oss")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-4o")
    writer.add_token_list(ordinary + special)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(ordinary) + [gguf.TokenType.CONTROL] * len(special))
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(codec.SPECIAL_TOKENS["<|return|>"])
    writer.add_bos_token_id(codec.SPECIAL_TOKENS["<|startoftext|>"])
    writer.add_context_length(4096)
    writer.add_embedding_length(64)
    writer.add_block_count(1)
    writer.add_head_count(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def in_transformers() -> None:
    from transformers.utils.chat_parsing import parse_response

    text = (
        "<|channel|>analysis<|message|>Look.<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|>"
        '<|start|>assistant<|channel|>commentary to=functions.now <|constrain|>json<|message|>{"a": 1}<|call|>'
    )
    found: Any = parse_response(text, OFFERED.response_template(), prefix=codec.render_text([], "prompt"))
    call = {"type": "function", "function": {"name": "now", "arguments": {"a": 1}}}
    assert found == {"thinking": "Look.", "content": "I look.", "tool_calls": [call]}, found
    print("response template: read")
    generated()


def generated() -> None:
    """Completions of a model without training, under the logits processor: one, three with padding, and beams."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from harmony_spec.constraints.transformers_hook import ConstrainedLogits

    torch.manual_seed(0)
    size, end = codec.FORMAT.encoding.size, codec.SPECIAL_TOKENS["<|endoftext|>"]
    model = GPT2LMHeadModel(GPT2Config(vocab_size=size, n_embd=8, n_layer=1, n_head=1)).eval()
    closed = {**WEATHER, "properties": {"unit": {"enum": ["c", "f"]}}, "required": ["unit"]}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": closed}}
    constraint = constrain(tools=[tool], tool_choice="required", after="<|channel|>commentary to=functions.get_weather")
    prompts = [codec.encode(text) for text in ("Hi", "What is the weather in Ulm?", "a b c")]
    started, count, done = time.process_time(), 0, 0
    for batch in (prompts[:1], prompts):
        width = max(map(len, batch))
        rows = torch.tensor([[end] * (width - len(prompt)) + prompt for prompt in batch])
        for settings in ({"do_sample": True}, {"num_beams": 3, "do_sample": False}):
            processor = ConstrainedLogits(constraint, width, end)
            mask = (rows != end).long()
            found = model.generate(
                rows,
                attention_mask=mask,
                logits_processor=[processor],
                max_new_tokens=200,
                eos_token_id=end,
                pad_token_id=end,
                **settings,
            )
            for row in found:
                tokens = [token for token in row[width:].tolist() if token != end]
                count, done = count + len(tokens), done + constraint.admits(tokens)
                assert constraint.admits(tokens) or len(tokens) == 200, tokens
    print(f"logits processor: {done} of 8 complete, {(time.process_time() - started) / count * 1e3:.1f} ms a token")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["xgrammar"]:
            in_xgrammar()
        case ["vllm", wheel]:
            in_vllm(Path(wheel))
        case ["llama.cpp", path]:
            in_llama_cpp(Path(path))
        case ["transformers"]:
            in_transformers()
        case _:
            sys.exit(__doc__)
