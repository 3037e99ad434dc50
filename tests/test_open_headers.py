"""Open headers of formats whose messages have more required fields than those."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import pytest

from codegen import generate
from harmony_spec import ParseError, RenderError

from . import dialect
from .test_dialects import tokenizer_of

OUTSIDE_THE_OPEN_HEADER = {
    "a text": ("muse_glimmer", "recipient? MESSAGE", "recipient? version MESSAGE", 'version: " v" NUM\nNUM: /[0-9]+/'),
    "a listed text": (
        "muse_glimmer",
        "recipient? MESSAGE",
        "recipient? level MESSAGE",
        'level: LEVEL\nLEVEL: "1" | "2"',
    ),
    "alternatives": ("llama3", "content terminator", "mark content terminator", 'mark: "[a]" -> a | "[b]" -> b'),
    "after the content": ("cohere", "content END", "content END number", "number: NUM\nNUM: /[0-9]+/"),
}


@pytest.mark.parametrize("name", OUTSIDE_THE_OPEN_HEADER)
def test_an_open_header_lacks_fields_that_each_message_has(name: str, tmp_path: Path) -> None:
    base, old, new, rules = OUTSIDE_THE_OPEN_HEADER[name]
    folder = tmp_path / "grammar"
    shutil.copytree(dialect.HERE / base, folder)
    path = folder / f"{base}.lark"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new) + f"{rules}\n", encoding="utf-8")
    if base == "cohere":  # recovery needs messages that end with their stop token
        (folder / "recovery.toml").unlink()
    module = dialect.module_of(f"outside_{base}", generate(folder), tmp_path)
    text = module.render_text([], "prompt", role="user")
    assert module.parse(text, "prompt").opening["role"] == "user"
    tokenizer = tokenizer_of(module)
    ids = module.render([], "prompt", role="user", tokenizer=tokenizer)
    assert module.count_tokens([], "prompt", role="user", tokenizer=tokenizer) == len(ids)
    with pytest.raises(RenderError, match=r"role: expected a str, got int"):
        module.render([], "prompt", role=1, tokenizer=tokenizer)


def edited_codec(base: str, edits: dict[str, str], folder: Path) -> ModuleType:
    shutil.copytree(dialect.HERE / base, folder / base)
    path = folder / base / f"{base}.lark"
    text = path.read_text(encoding="utf-8")
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return dialect.module_of(f"edited_{base}", generate(folder / base), folder)


@pytest.mark.parametrize("rule", ["message* opening", "message? opening", "message message* opening"])
def test_an_open_header_is_not_a_message_without_content(rule: str, tmp_path: Path) -> None:
    """Even if nothing ends a message; but a message that must be there is one."""
    module = edited_codec("glm45", {"prompt: message* opening": f"prompt: {rule}"}, tmp_path)
    header, message = "<|assistant|>\n", "<|user|>\nHi."
    parsed = module.parse(message + header, "prompt")
    assert (len(parsed.messages), parsed.opening) == (1, {"role": "assistant"})
    if rule.startswith("message message"):
        with pytest.raises(ParseError):
            module.parse(header, "prompt")
    else:
        assert module.parse(header, "prompt").opening == {"role": "assistant"}


def test_a_completion_lacks_the_text_after_the_stop_token(tmp_path: Path) -> None:
    """Models do not write it, and the next prompt has it."""
    edits = {'answer: content END "\\n"': "answer: content END", "completion: answer message*": "completion: answer"}
    module = edited_codec("chatml", edits, tmp_path)
    prompt, sampled = "<|im_start|>assistant\n", "Hello.<|im_end|>"
    messages = module.parse(sampled, "completion", role="assistant").messages
    assert module.render_text(messages, "completion", role="assistant") == sampled
    assert module.render_text(messages, "prompt", role="user").startswith(prompt + sampled)
