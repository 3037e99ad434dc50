"""Where a streamed completion is done: what a server that samples needs to know."""

from __future__ import annotations

import pickle
from itertools import compress

import pytest

from harmony_spec import SPECIAL_TOKENS, Message, MessageStarted, StreamParser, encode, render, render_training

CALL_AND_ANSWER = [
    Message("assistant", "{}", channel="commentary", recipient="functions.f", content_type="json"),
    Message("assistant", "Hi.", channel="final"),
]


@pytest.mark.parametrize(("message", "reason"), [(CALL_AND_ANSWER[0], "tool_calls"), (CALL_AND_ANSWER[1], "stop")])
def test_a_completion_is_done_at_its_last_token(message: Message, reason: str) -> None:
    parser = StreamParser()
    training = render_training([message])
    *tokens, last = compress(training.tokens, training.mask)
    for token in tokens:
        parser.feed(token)
        assert (parser.is_done, parser.finish_reason) == (False, None)
    parser.feed(last)
    assert (parser.is_done, parser.finish_reason) == (True, reason)
    copied = pickle.loads(pickle.dumps(parser))
    assert copied.finish_reason == reason
    started = [event for event in parser.feed(render([message])) if isinstance(event, MessageStarted)]
    assert [event.after_stop for event in started] == [True]
    parser.close()
    assert parser.finish_reason == reason
    parser.reset()
    parser.feed(tokens)
    parser.close()
    assert (parser.is_done, parser.finish_reason) == (False, "length")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<|return|>", "stop"),
        ("<|call|>", "tool_calls"),
        ("<|channel|>analysis<|message|>Hm.<|end|><|return|>", "stop"),
        ("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|return|>", "stop"),
    ],
)
def test_a_stop_token_without_a_message_ends_the_completion(text: str, reason: str) -> None:
    """An engine stops there; a server that samples until `is_done` must, too."""
    parser = StreamParser()
    for token in encode(text, allowed_special="all"):
        assert not parser.is_done
        parser.feed(token)
    assert (parser.is_done, parser.finish_reason) == (True, reason)
    parser.close()
    assert (parser.is_done, parser.finish_reason) == (True, reason)
    assert not StreamParser("transcript").is_done


@pytest.mark.parametrize("first", ["commentary to=functions.f<|call|>", "final<|return|>"])
def test_a_header_without_content_ends_the_completion_for_good(first: str) -> None:
    """What comes after its stop token does not undo that, and is after the stop."""
    parser = StreamParser()
    ended = False
    text = f"<|channel|>{first}<|start|>functions.f to=assistant<|channel|>commentary<|message|>1<|end|>"
    for token in encode(text, allowed_special="all"):
        parser.feed(token)
        assert parser.is_done or not ended
        ended = parser.is_done
    parser.close()
    assert ended
    assert parser.finish_reason != "length"
    assert [message.repair and message.repair.after_stop for message in parser.messages] == [True]


def test_a_message_without_a_channel_ends_the_completion_too() -> None:
    """Its channel is decided later, but nothing more is to be sampled."""
    parser = StreamParser()
    parser.feed([*encode("{}"), SPECIAL_TOKENS["<|call|>"]])
    parser.feed([])
    assert (parser.is_done, parser.finish_reason) == (True, "tool_calls")
