"""Exported grammars in engines that are too large for the gate: `.ci/constraints` runs this.

`python -m tests.other_engines` with `xgrammar`, `vllm WHEEL` (the wheel is read, not installed), `llama.cpp` or
`transformers`.
"""

from __future__ import annotations

import importlib
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
from harmony_spec.constraints.engines import engine_for, own_grammar
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
    own = own_grammar("xgrammar", OFFERED, "harmony")
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
    import xgrammar

    from harmony_spec.constraints.xgrammar_hook import structural_tag_builder

    for name in ("vllm", "vllm.parser", "vllm.tool_parsers"):
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [f"{wheel}/{name.replace('.', '/')}"]
    stops = [codec.SPECIAL_TOKENS[spelling] for spelling in ("<|return|>", "<|endoftext|>", "<|call|>")]
    constraint = constrain(tools=TOOLS, stops=stops)
    own = own_grammar("vllm", constraint, "harmony")
    report("vLLM's own", lambda: engine_for(codec.FORMAT, own, "structural-tag"), False, constraint)
    registry = importlib.import_module("vllm.tool_parsers.structural_tag_registry")
    registry.register_vllm_structural_tag("harmony", builtin_tools=True)(structural_tag_builder(stops=stops))
    build = registry._VLLM_STRUCTURAL_TAG_REGISTRY["harmony"]
    found = build(*xgrammar.normalize_tool_choice(TOOLS, "auto"), True, "")
    assert found == xgrammar.StructuralTag.model_validate(constraint.structural_tag())
    print("hook: registered")
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


def in_llama_cpp() -> None:
    report("GBNF", lambda: engine_for(codec.FORMAT, OFFERED.gbnf(), "gbnf"))


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
        case ["llama.cpp"]:
            in_llama_cpp()
        case ["transformers"]:
            in_transformers()
        case _:
            sys.exit(__doc__)
