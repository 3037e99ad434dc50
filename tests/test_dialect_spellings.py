"""The other spellings of tools, of the template and the peer, in dialects: all of it follows from their grammars."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import DeveloperContent, Message, codec, parse, render_text, tools_from_json
from harmony_spec.tool_types.type_grammar import UNREAD_KEYWORD

from . import peer
from .chat_template import Schema, render_chat, tool_lists
from .conftest import examples
from .strategies import retokenized
from .test_chat_template import SPELLINGS, developer
from .test_dialects import codec_of, tokenizer_of
from .test_other_codecs import WITH_TOOLS

WORDS = {
    "hash_comments": {"//": "#"},
    "renamed_contents": {
        "# Instructions": "# Orders",
        "# Tools": "# Toolkit",
        "\nnamespace ": "\nmodule ",
        "// namespace ": "// module ",
        "\ntype ": "\ndef ",
    },
}
"""What contents of other dialects have in place of our words."""


def respelled(name: str, text: str) -> str:
    for ours, theirs in WORDS.get(name, {}).items():
        text = text.replace(ours, theirs)
    return text


def content_of(prompt: str) -> str:
    """The text of the developer message in a prompt of ours."""
    return prompt.split("<|start|>developer<|message|>")[1].split("<|end|>")[0]


def tools_in(module: ModuleType, message: Any) -> list[Any]:
    """The tools that a developer message declares."""
    assert not isinstance(message.content, str), message.content
    definitions = module.FORMAT.definitions
    declared = getattr(message.content, dict(definitions.holders)["developer"])
    return [tool for namespace in declared for tool in definitions.namespace.get(namespace, "tools")]


def schemas_in(module: ModuleType, message: Any) -> dict[str, Any]:
    tool = module.FORMAT.definitions.tool
    return {tool.get(each, "name"): tool.get(each, "parameters") for each in tools_in(module, message)}


def read_all_ways(name: str, text: str, draw: Any = None) -> Any:
    """The developer message with a content, which is written back token for token after each way of reading it."""
    module, tokenizer = codec_of(name), tokenizer_of(codec_of(name))
    tokens = module.render([module.Message("developer", text)], tokenizer=tokenizer)
    tokens = draw(retokenized(tokens, module.FORMAT, tokenizer)) if draw else tokens
    strict = module.parse(tokens, tokenizer=tokenizer).messages
    stream = module.StreamParser("transcript", tokenizer=tokenizer)
    stream.feed(tokens)
    stream.close()
    again = module.from_json(json.loads(json.dumps(module.to_json(strict))))
    for messages in (strict, module.recover(tokens, tokenizer=tokenizer).messages, stream.messages, again):
        assert messages == strict
        assert module.render(messages, style="as_parsed", tokenizer=tokenizer) == tokens
    assert module.parse(module.render(strict, tokenizer=tokenizer), tokenizer=tokenizer).messages == strict
    return strict[0]


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_each_spelling_is_read_in_any_dialect(name: str) -> None:
    """With the meaning that it has in ours."""
    texts = [content_of(developer(f"b: number,\n{members}\n", "Two\n\nlines.\n")) for members, _ in SPELLINGS]
    start, end = "// D\n", "\n\n// E\n"
    functions = [text[text.index(start) : text.index(end)] for text in texts]
    functions = [text.replace("type f = ", f"type f{index} = ") for index, text in enumerate(functions)]
    text = texts[0].replace(texts[0][texts[0].index(start) : texts[0].index(end)], "\n\n".join(functions))
    message, tool = read_all_ways(name, respelled(name, text)), codec_of(name).FORMAT.definitions.tool
    found = schemas_in(codec_of(name), message)
    for index, (_, schema) in enumerate(SPELLINGS):
        assert found[f"f{index}"]["properties"] == {"b": {"type": "number"}, "a": schema}
    described = {tool.get(each, "description") for each in tools_in(codec_of(name), message)}
    assert described == {"D\nTwo\n\nlines.", "E"}


@pytest.mark.parametrize("name", WORDS)
@examples(120)
@given(data=st.data(), tools=tool_lists(), of_peer=st.booleans())
def test_what_others_render_is_structure_in_any_dialect(
    name: str, data: st.DataObject, tools: list[Schema], of_peer: bool
) -> None:
    """In any tokenization."""
    prompt = render_chat([{"role": "user", "content": "Hi."}], tools)
    if of_peer:
        prompt = peer.text_of(peer.render_tools([tool["function"] for tool in tools]))
    text = content_of(prompt)
    ours = schemas_in(codec, parse(f"<|start|>developer<|message|>{text}<|end|>").messages[0])
    theirs = schemas_in(codec_of(name), read_all_ways(name, respelled(name, text), data.draw))
    assert theirs == {each: json.loads(respelled(name, json.dumps(schema))) for each, schema in ours.items()}


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_a_tool_that_cannot_be_read_keeps_its_text_and_its_name(name: str) -> None:
    """Also if another tool is changed; the finding is at its line, and other names are unknown."""
    module, tokenizer = codec_of(name), tokenizer_of(codec_of(name))
    message = read_all_ways(name, respelled(name, content_of(developer('a: "x"y",\n'))))
    assert schemas_in(module, message) == {"f": {UNREAD_KEYWORD: '(_: {\na: "x"y",\n}) => any;'}, "g": None}
    other = tools_in(module, message)[1]
    setattr(other, module.FORMAT.definitions.tool.fields["description"], "Changed.")
    text = message.content.text()
    assert "Changed." in text
    assert '(_: {\na: "x"y",\n}) => any;' in text
    assert module.parse(module.render([message], tokenizer=tokenizer), tokenizer=tokenizer).messages == [message]
    for tool, expected in (("f", []), ("g", []), ("h", ["undeclared-tool"])):
        name = module.FORMAT.recovery.full_name("functions", tool)
        call = module.Message("assistant", "{}", channel="commentary", recipient=name, content_type="json")
        found = module.validate(module.render([message, call], tokenizer=tokenizer), tokenizer=tokenizer).diagnostics
        assert [each.code.name for each in found] == ["unread-content", *expected]
        assert found[0].raw.rstrip() == 'a: "x"y",'


@pytest.mark.parametrize("name", WORDS)
@examples(120)
@given(tools=tool_lists(), style=st.sampled_from(["openai", "template"]))
def test_a_style_chooses_spellings_in_any_dialect(name: str, tools: list[Schema], style: Any) -> None:
    """Those that it chooses in ours, whatever the alternatives are called; indents differ."""
    module, tokenizer = codec_of(name), tokenizer_of(codec_of(name))
    theirs = json.loads(respelled(name, json.dumps(tools)))
    messages = [module.Message("developer", module.DeveloperContent(None, tools_from_json(theirs, codec=module)))]
    read = module.parse(module.render(messages, style=style, tokenizer=tokenizer), tokenizer=tokenizer).messages
    assert read == messages
    ours = [Message("developer", DeveloperContent(tools=tools_from_json(tools)))]
    expected = respelled(name, content_of(render_text(ours, style=style)))
    assert read[0].content.text().replace(" ", "") == expected.replace(" ", "")


@pytest.mark.parametrize("name", ["harmony", *WITH_TOOLS])
def test_a_wrong_value_of_a_list_is_reported_at_its_line(name: str) -> None:
    """Such as `Reasoning: xhigh`, also in a message that declares nothing, but not in a text that is read otherwise."""
    module = codec if name == "harmony" else codec_of(name)
    contents = module.FORMAT.contents
    before = [(role, text) for role in contents.roles for text in sorted(contents.rules.before_values(role))]
    assert before
    for role, text in before:
        for content, codes in {f"{text}zzz": ["unread-content"], f"x {text}zzz": [], f"x\n{text}zzz y": []}.items():
            found = module.validate(module.render_text([module.Message(role, content)])).diagnostics
            assert [(each.code.name, each.raw) for each in found] == [(code, f"{text}zzz") for code in codes]
