"""Objects of the drop-in survive being copied and pickled, and work from threads; nothing is loaded twice."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_spec import codec, compat
from harmony_spec.vocabulary import load

from .both import MODULES, encoding
from .conftest import examples
from .test_compat_differences import tokens_of
from .test_compat_parsing import shown, soups

WAYS = [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]


def conversation(module: Any) -> Any:
    system = module.SystemContent.new().with_browser_tool()
    tool = module.ToolDescription.new("f", "A function.", {"type": "object", "properties": {"a": {"type": "string"}}})
    developer = module.DeveloperContent.new().with_instructions("Be brief.").with_function_tools([tool])
    call = module.Message.from_role_and_content(module.Role.ASSISTANT, "{}").with_channel("commentary")
    return module.Conversation.from_messages(
        [
            module.Message.from_role_and_content(module.Role.SYSTEM, system),
            module.Message.from_role_and_content(module.Role.DEVELOPER, developer),
            call.with_recipient("functions.f").with_content_type("<|constrain|>json"),
            module.Message.from_author_and_content(module.Author.new(module.Role.TOOL, "functions.f"), "1"),
        ]
    )


@pytest.mark.parametrize("way", WAYS)
def test_conversations_are_copied_whole(way: Any) -> None:
    made = conversation(compat)
    assert way(made) == made
    assert way(made).to_json() == made.to_json()


@pytest.mark.parametrize("way", WAYS)
def test_encodings_are_copied(way: Any) -> None:
    enc = encoding(compat)
    assert way(enc).render_conversation(conversation(compat)) == enc.render_conversation(conversation(compat))
    assert way(enc).special_tokens_set == enc.special_tokens_set


@examples(200)
@given(soups, soups, st.booleans(), st.booleans(), st.sampled_from(WAYS))
def test_parsers_go_on_as_copies(before: list[int], after: list[int], strict: bool, ended: bool, way: Any) -> None:
    """From any state, behind failures and ends, the copy does what the original does, and neither knows the other."""
    parser = compat.StreamableParser(encoding(compat), compat.Role.ASSISTANT, strict=strict)
    feed(parser, before)
    if ended:
        feed(parser, [None])
    seen = shown(parser)
    again = way(parser)
    assert shown(again) == seen
    feed(again, after)
    assert shown(parser) == seen
    feed(parser, after)
    assert shown(again) == shown(parser)
    assert again.tokens == parser.tokens


def feed(parser: compat.StreamableParser, tokens: list[Any]) -> None:
    for token in tokens:
        with suppress(compat.HarmonyError):
            if token is None:
                parser.process_eos()
            else:
                parser.process(token)


def test_one_encoding_serves_many_threads() -> None:
    """What is rendered, parsed, encoded and streamed is the same in each."""
    enc = encoding(compat)
    made = conversation(compat)
    tokens = enc.render_conversation(made)

    def work(number: int) -> tuple[Any, ...]:
        text = f"{number} caf\u00e9 " * 50
        message = compat.Message.from_role_and_content(compat.Role.USER, text)
        parser = compat.StreamableParser(enc, None)
        for token in [*tokens, *enc.render(message)]:
            parser.process(token)
        read = enc.parse_messages_from_completion_tokens(enc.render_conversation(made))
        return enc.decode(enc.encode(text)) == text, parser.messages[-1] == message, parser.messages[:-1] == read

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(200))) == {(True, True, True)}


def test_the_vocabulary_is_loaded_once() -> None:
    first, second = (compat.load_harmony_encoding("HarmonyGptOss") for _ in range(2))
    assert first is not second
    assert first._inner is second._inner is load(codec.FORMAT.encoding)


def test_a_result_belongs_to_the_caller() -> None:
    """Changing what a method gave changes nothing else."""
    for module in MODULES:
        enc = encoding(module)
        parser = module.StreamableParser(enc, None)
        for token in tokens_of("<|start|>user<|message|>hi<|end|><|start|>user"):
            parser.process(token)
        for given_ in (parser.tokens, parser.messages, parser.state_data["header_tokens"], enc.stop_tokens()):
            given_.clear()
        assert (len(parser.tokens), len(parser.messages)) == (7, 1)
        assert (len(parser.state_data["header_tokens"]), len(enc.stop_tokens())) == (1, 3)
        namespace = module.ToolNamespaceConfig.browser()
        namespace.tools.clear()
        assert len(module.ToolNamespaceConfig.browser().tools) == 3


@pytest.mark.filterwarnings("ignore:Pydantic serializer")
def test_fields_may_be_set_to_plain_values() -> None:
    """Models do not check what is assigned; a role or an effort by its value is written as the member is."""
    seen = []
    for module in MODULES:
        message = module.Message.from_role_and_content(module.Role.USER, module.SystemContent.new())
        message.author.role = "system"
        message.content[0].reasoning_effort = "High"
        seen.append(list(encoding(module).render(message)))
    assert seen[0] == seen[1]


def test_what_one_conversation_offers_is_not_known_to_another() -> None:
    """A tool that a developer message declares shows what a broken header means, there only."""
    enc = encoding(compat)
    broken = tokens_of("<|start|>assistant<|channel|>weather <|constrain|>json <|message|>{}<|call|>")
    tool = compat.ToolDescription.new("weather", "")
    developer = compat.DeveloperContent.new().with_function_tools([tool])
    offered = enc.render(compat.Message.from_role_and_content(compat.Role.DEVELOPER, developer))
    (_, called) = enc.parse_messages_from_completion_tokens([*offered, *broken], strict=False)
    (other,) = enc.parse_messages_from_completion_tokens(broken, strict=False)
    assert called.recipient == "functions.weather"
    assert other.recipient is None
