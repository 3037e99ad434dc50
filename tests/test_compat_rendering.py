"""The drop-in writes what `openai_harmony` writes, and encodes and decodes alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harmony_spec import Message, compat, to_json

from .both import MODULES, encoding, outcome
from .conftest import examples
from .strategies import conversations, plain

KEEP, DROP = {"auto_drop_analysis": False}, {"auto_drop_analysis": True}
METHODS = ("render_conversation", "render_conversation_for_training", "render_conversation_for_completion")


def rendered(module: Any, conversation: dict[str, Any], method: str, config: dict[str, bool] | None = None) -> Any:
    """The tokens of a conversation in the JSON form, or how rendering it fails."""
    made = module.Conversation.from_json(json.dumps(conversation))
    settings_ = None if config is None else module.RenderConversationConfig(**config)
    turn = [module.Role.ASSISTANT] if method.endswith("completion") else []
    return outcome(lambda: getattr(encoding(module), method)(made, *turn, settings_))


def both(conversation: dict[str, Any], method: str, config: dict[str, bool] | None = None) -> list[Any]:
    return [rendered(module, conversation, method, config) for module in MODULES]


@examples(600)
@given(conversations(), st.sampled_from(METHODS), st.sampled_from([None, KEEP, DROP]))
@example([Message("assistant", "x", channel="final", recipient="all")], METHODS[1], None)
def test_the_same_tokens_are_written(conversation: list[Message], method: str, config: dict[str, bool] | None) -> None:
    theirs, ours = both(to_json(conversation), method, config)
    assert ours == theirs


CHANNELS = (None, "analysis", "commentary", "final")


@examples(600)
@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant", "developer"]), st.sampled_from(CHANNELS)), max_size=9),
    st.sampled_from(METHODS),
    st.sampled_from([None, KEEP, DROP]),
)
@example(
    [("assistant", "analysis"), ("assistant", "final"), ("assistant", "analysis"), ("assistant", "final")],
    METHODS[0],
    None,
)
def test_analysis_is_dropped_alike(
    turns: list[tuple[str, str | None]], method: str, config: dict[str, bool] | None
) -> None:
    """Whoever wrote it, in turns of any order, complete or not."""
    conversation = [Message(role, f"{number}", channel=channel) for number, (role, channel) in enumerate(turns)]
    theirs, ours = both(to_json(conversation), method, config)
    assert ours == theirs


@examples(200)
@given(st.lists(plain, max_size=4), st.sampled_from(["user", "assistant"]), st.sampled_from([None, "all", "f"]))
@example(["hel", "lo"], "user", None)
def test_parts_of_a_content_are_written_alike(texts: list[str], role: str, recipient: str | None) -> None:
    """Each is encoded by itself."""
    message = {"role": role, "content": [{"type": "text", "text": text} for text in texts], "recipient": recipient}
    theirs, ours = both({"messages": [message]}, METHODS[2])
    assert ours == theirs


lines = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
simple = st.fixed_dictionaries({"type": st.sampled_from(["string", "number", "boolean"])}) | st.fixed_dictionaries(
    {"type": st.just("string"), "enum": st.lists(names, min_size=1, max_size=3, unique=True)}
)
objects = st.builds(
    lambda properties, required: {"type": "object", "properties": properties, **required},
    st.dictionaries(names, simple, min_size=1, max_size=3),
    st.sampled_from([{}, {"required": []}]),
)


@st.composite
def namespaces(draw: st.DrawFn) -> dict[str, Any]:
    """Tools by the names of their namespaces, with schemas that the peer writes faithfully."""
    found = {}
    for name in draw(st.lists(names | st.just("functions"), max_size=2, unique=True)):
        tools = draw(st.lists(names, max_size=2, unique=True))
        described = [
            {"name": each, "description": draw(lines), "parameters": draw(st.none() | objects)} for each in tools
        ]
        found[name] = {"name": name, "description": draw(st.none() | lines), "tools": described}
    return found


efforts = st.sampled_from(["Low", "Medium", "High"])
channels = st.lists(names, max_size=3).map(lambda given: {"valid_channels": given, "channel_required": len(given) > 1})
system = st.fixed_dictionaries(
    {"type": st.just("system_content")},
    optional={
        "model_identity": st.none() | plain,
        "reasoning_effort": st.none() | efforts,
        "conversation_start_date": st.none() | plain,
        "knowledge_cutoff": st.none() | plain,
        "channel_config": st.none() | channels,
        "tools": st.none() | namespaces(),
    },
)
developer = st.fixed_dictionaries(
    {"type": st.just("developer_content")},
    optional={"instructions": st.none() | plain, "tools": st.none() | namespaces()},
)
TOOLS_IN_INSTRUCTIONS = "x\n\n# Tools\n\n## functions\n\nnamespace functions {\n\n} // namespace functions"


@examples(400)
@given(st.lists(system, max_size=2), st.lists(developer, max_size=2), st.sampled_from(METHODS))
@example([{"type": "system_content", "knowledge_cutoff": "2024\nReasoning: high"}], [], METHODS[0])
@example([{"type": "system_content", "model_identity": "", "conversation_start_date": "\ue000"}], [], METHODS[0])
@example([{"type": "system_content", "model_identity": "Knowledge cutoff: never\nReasoning: none"}], [], METHODS[0])
@example(
    [{"type": "system_content"}], [{"type": "developer_content", "instructions": TOOLS_IN_INSTRUCTIONS}], METHODS[0]
)
def test_contents_with_a_structure_are_written_alike(
    settings_: list[dict[str, Any]], asked: list[dict[str, Any]], method: str
) -> None:
    """Settings, instructions and tools; also texts that no reader could tell from the sections around them."""
    messages = [{"role": "system", "content": [content]} for content in settings_]
    messages += [{"role": "developer", "content": [content]} for content in asked]
    theirs, ours = both({"messages": messages}, method)
    assert ours == theirs


@pytest.mark.parametrize("functions", [None, True, False])
def test_one_message_is_written_alike(functions: bool | None) -> None:
    """What it cannot know of its conversation, the options say."""
    seen = []
    for module in MODULES:
        options = None if functions is None else module.RenderOptions(conversation_has_function_tools=functions)
        message = module.Message.from_role_and_content(module.Role.SYSTEM, module.SystemContent.new())
        seen.append(list(encoding(module).render(message, options)))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("role", list(compat.Role))
def test_the_next_turn_is_opened_alike(role: compat.Role) -> None:
    """For every role, also a tool's, of which nobody says which one it is."""
    seen = []
    for module in MODULES:
        conversation = module.Conversation.from_messages([module.Message.from_role_and_content(module.Role.USER, "hi")])
        seen.append(encoding(module).render_conversation_for_completion(conversation, module.Role(role.value)))
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "system_content"}]},
        {"role": "system", "content": [{"type": "developer_content"}]},
        {"role": "developer", "content": [{"type": "developer_content"}, {"type": "system_content"}]},
        {"role": "tool", "content": "x"},
    ],
)
def test_what_cannot_be_written_fails_alike(message: dict[str, Any]) -> None:
    theirs, ours = both({"messages": [message]}, METHODS[0])
    assert ours == theirs
    assert ours[0] == "HarmonyError"


REFUSED = [
    {"role": "user", "content": "x", "recipient": "f g"},
    {"role": "user", "content": "x", "channel": "<|end|>"},
    {"role": "user", "content": "x", "channel": ""},
    {"role": "tool", "name": "user", "content": "x"},
]


@pytest.mark.parametrize("message", REFUSED)
def test_what_would_be_read_as_something_else_is_refused(message: dict[str, Any]) -> None:
    """The peer writes it, and reads something else."""
    theirs, ours = both({"messages": [message]}, METHODS[0])
    assert ours[0] == "HarmonyError"
    assert isinstance(theirs[0], int)


@pytest.mark.parametrize("message", [{"role": "assistant", "content": "x", "channel": 5}])
def test_what_is_no_text_is_refused(message: dict[str, Any]) -> None:
    """The peer says so in an error of another kind, which names no field."""
    theirs, ours = both({"messages": [message]}, METHODS[0])
    assert ours[0] == "HarmonyError"
    assert "channel: expected a str, got int" in ours[1]
    assert theirs[0] == "ValueError"


LOSSY_TOOLS: list[dict[str, Any]] = [
    {
        "name": "n",
        "tools": [{"name": "f", "description": "", "parameters": {"required": "a", "properties": {"a": {}}}}],
    },
    {"name": "n", "tools": [{"name": "f", "description": "", "parameters": {"properties": {"a": 5}}}]},
    {"name": "my space", "tools": []},
]


@pytest.mark.parametrize("namespace", LOSSY_TOOLS)
def test_tools_that_lose_something_are_refused(namespace: dict[str, Any]) -> None:
    """The peer writes them without a part of their schema, or so that nothing can call them."""
    content = {"type": "developer_content", "tools": {namespace["name"]: namespace}}
    theirs, ours = both({"messages": [{"role": "developer", "content": [content]}]}, METHODS[0])
    assert ours[0] == "HarmonyError"
    assert isinstance(theirs[0], int)


def test_half_a_character_is_refused() -> None:
    """The peer says what its JSON reader does not like, in an error of another kind."""
    theirs, ours = both({"messages": [{"role": "user", "content": "a\ud800b"}]}, METHODS[0])
    assert ours[0] == "HarmonyError"
    assert "lone surrogate" in ours[1]
    assert theirs[0] == "ValueError"


def test_contents_of_other_classes_are_what_their_json_says() -> None:
    seen = []
    for module in MODULES:

        class Shout(module.Content):
            said: str

            def to_dict(self) -> dict[str, Any]:
                return {"type": "text", "text": self.said.upper()}

        message = module.Message.from_role_and_content(module.Role.USER, Shout(said="hi"))
        seen.append(encoding(module).render(message))
    assert seen[0] == seen[1]
