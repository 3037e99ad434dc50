"""System messages of the official template: what is unknown there is reported, and hides nothing else."""

from __future__ import annotations

import pytest

from harmony_spec import (
    Message,
    RenderError,
    SystemContent,
    from_json,
    parse,
    render,
    to_json,
    validate,
)

from . import peer
from .chat_template import function, render_chat
from .test_chat_template import CALL, names


@pytest.mark.parametrize("effort", ["minimal", "none", "xhigh", "", "High", "highest", "low ", "medium, mostly"])
def test_an_unknown_effort_is_reported_at_its_line(effort: str) -> None:
    prompt = render_chat([{"role": "user", "content": "Hi."}], reasoning_effort=effort)
    [found] = validate(prompt).diagnostics
    assert (found.code.name, found.raw) == ("unread-content", f"Reasoning: {effort}")
    assert [word for word in ("low", "medium", "high") if word not in " ".join(found.expected)] == []


@pytest.mark.parametrize(
    "identity", ["Knowledge cutoff: 2020", "A\nKnowledge cutoff: 2020", "A\n\nReasoning: low", "# Tools\n"]
)
def test_an_identity_that_spells_a_field_is_not_read_as_one(identity: str) -> None:
    """The template writes it; the message stays text, is written back, and its line is reported. Here it is refused."""
    prompt = render_chat([{"role": "user", "content": "Hi."}], model_identity=identity)
    tokens = peer.tokens_of(prompt)
    messages = parse(tokens).messages
    assert isinstance(messages[0].content, str)
    assert render(messages) == render(messages, style="as_parsed") == tokens
    assert render(from_json(to_json(messages))) == tokens
    assert names(prompt) == ["unread-content"]
    with pytest.raises(RenderError, match="inexpressible-message"):
        render([Message("system", SystemContent(model_identity=identity))])


def test_a_heading_without_tools_is_read() -> None:
    """The template writes it for an unknown built-in tool."""
    prompt = render_chat([{"role": "user", "content": "Hi."}], builtin_tools="browser")
    assert "\n\n# Tools\n\n# Valid channels" in prompt
    for text in (prompt, "<|start|>developer<|message|># Tools<|end|>"):
        tokens = peer.tokens_of(text)
        messages = parse(tokens).messages
        assert not isinstance(messages[0].content, str)
        assert messages[0].content.tools == []
        assert render(messages, style="as_parsed") == render(from_json(to_json(messages)), style="as_parsed") == tokens
        assert names(text) == []
        assert parse(render(messages)).messages == messages


@pytest.mark.parametrize("built_in", [False, True])
def test_an_unreadable_system_message_does_not_hide_the_functions(built_in: bool) -> None:
    """Built-in tools may be in it: a call of one is not reported."""
    prompt = render_chat([{"role": "user", "content": "Hi."}], [function("f", {})], reasoning_effort="none")
    prompt = prompt.replace("\n\n# Valid", "\n\n# Tools\n\n## browser\n\n# Valid") if built_in else prompt
    assert names(prompt) == ["unread-content"]
    assert names(prompt + CALL.format("f", "{}")) == ["unread-content"]
    assert names(prompt + CALL.format("g", "{}")) == ["unread-content", "undeclared-tool"]
    assert names(prompt + CALL.replace("functions.{}", "browser.open").format("{}")) == ["unread-content"]
