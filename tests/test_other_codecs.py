"""The codec is a parameter: what belongs to another one is refused, and commands and functions work with any."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harmony_spec
from codegen import generate
from harmony_spec import (
    RenderError,
    codec,
    tool_from_function,
    tools_from_json,
    tools_from_text,
    tools_to_json,
    tools_to_text,
)
from harmony_spec.codec_loading import CodecError, default_codec, load_codec

from . import dialect
from .test_dialects import codec_of

DEFINITIONS = [{"name": "weather", "description": "Tells it.", "parameters": {"type": "object", "properties": {}}}]
WITH_TOOLS = [name for name in dialect.EDITS if name != "plain_contents"]


def weather(city: str) -> str:
    """Tells it."""
    return city


@pytest.fixture(scope="module")
def other() -> ModuleType:
    """A codec whose messages have one field more."""
    return codec_of("priority_field")


@pytest.mark.parametrize("write", ["render", "render_text", "to_json"])
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda other: other.Message("user", "Hi."), r"this Message belongs to another codec \(.*priority_field, not"),
        (
            lambda other: codec.Message("developer", other.DeveloperContent("Be brief.")),
            "content: this DeveloperContent belongs to another codec",
        ),
        (lambda other: {"role": "user", "content": "Hi."}, "expected a Message, got a dict"),
    ],
)
def test_messages_of_another_codec_are_refused(other: ModuleType, write: str, make: Any, reason: str) -> None:
    """Its other fields would be lost."""
    messages = [codec.Message("user", "Hi."), make(other)]
    with pytest.raises(RenderError, match=reason) as raised:
        getattr(harmony_spec, write)(messages)
    assert raised.value.index == 1
    with pytest.raises(RenderError, match="belongs to another codec"):
        getattr(other, write)([codec.Message("user", "Hi.")])


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_tools_of_any_codec(name: str) -> None:
    """Its classes, its spelling of types, and back."""
    module = codec_of(name)
    namespaces = tools_from_json(DEFINITIONS, codec=module)
    assert [type(namespace) for namespace in namespaces] == [module.Namespace]
    text = tools_to_text(namespaces, codec=module)
    assert tools_from_text(text, codec=module) == namespaces
    assert tools_from_json(tools_to_json(namespaces, "chat", codec=module), codec=module) == namespaces
    assert type(tool_from_function(weather, codec=module)) is module.Tool
    with pytest.raises(TypeError, match=r"expected a Namespace of harmony_spec\.codec"):
        tools_to_text(namespaces)


@pytest.mark.parametrize("name", dialect.FOLDERS)
def test_tools_of_a_format_without_tools(name: str) -> None:
    with pytest.raises(CodecError, match=r"has no FUNCTION_NAMESPACE: its grammar folder has no contents\.lark"):
        tools_from_json(DEFINITIONS, codec=codec_of(name))


# The loader.


def test_the_codec_of_the_package_is_the_default() -> None:
    assert load_codec(None) is default_codec() is codec


def test_a_generated_module_is_loaded_once(tmp_path: Path) -> None:
    path = tmp_path / "my_codec.py"
    path.write_text(generate(dialect.grammar_of("sixth_role", tmp_path)), encoding="utf-8")
    module = load_codec(path)
    assert load_codec(path) is module
    assert module.parse(module.EXAMPLE).messages


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no such file; generate one with: harmony-spec generate"),
        ("x = 1", "not a codec; generate one with: harmony-spec generate"),
        ("x = ", "cannot be imported: SyntaxError"),
        ("import nothing_of_this_name", "cannot be imported: ModuleNotFoundError"),
        (
            "from harmony_spec import runtime\nruntime.require_api(1, 0)",
            "cannot be imported: ImportError: this codec needs",
        ),
    ],
)
def test_what_is_not_a_codec(tmp_path: Path, text: str | None, reason: str) -> None:
    path = tmp_path / "my_codec.py"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(CodecError, match=reason):
        load_codec(path)
