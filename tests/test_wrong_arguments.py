"""Arguments of a wrong Python type, and JSON of a wrong shape: one error that says what was expected."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harmony_spec import ConversationError, Message, RenderError, from_json, parse, recover, render, validate


@pytest.mark.parametrize("read", [parse, recover, validate])
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (None, "expected a text or token ids, got NoneType"),
        ({"a": 1}, "expected a text or token ids, got dict"),
        (3, "expected a text or token ids, got int"),
        (b"x", "the source is bytes; decode it to a text, or pass token ids"),
    ],
)
def test_what_is_no_input(read: Any, source: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        read(source)


def test_one_message_is_not_a_list() -> None:
    with pytest.raises(TypeError, match="expected a list of messages, got a Message"):
        render(cast(Any, Message("user", "Hi.")))


def test_an_unknown_role_has_one_traceback() -> None:
    with pytest.raises(RenderError, match="unknown role 'usr'; did you mean 'user'") as raised:
        render([Message(cast(Any, "usr"), "Hi.")])
    assert raised.value.__context__ is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            [{"role": "user", "content": "Hi."}],
            'a conversation is an object, not a list; Write {"messages": [...]} around',
        ),
        ({"messages": [{"role": "user", "contents": "Hi."}]}, "unknown field 'contents'; did you mean 'content'?"),
        ({"messages": [{"role": "user", "content": "Hi.", "chanel": "x"}]}, "did you mean 'channel'?"),
        ({"messages": [{"role": "user"}]}, "the field 'content' is missing"),
    ],
)
def test_what_is_no_conversation(value: Any, reason: str) -> None:
    with pytest.raises(ConversationError) as raised:
        from_json(value)
    assert reason in str(raised.value)
