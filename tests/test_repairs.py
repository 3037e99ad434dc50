"""What repairs say of themselves: their cost, the runner-up, and the evidence; and limits of the cost."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harmony_spec import StreamParser, codec, recover

from .recovery_strategies import TOOLS, mistakes, offers, tokens_of
from .test_recovery import RECOVERY, starts, tiles


@given(mistakes, starts, offers, st.integers(0, 120))
@example("<|channel|>analysis to=python one two three<|channel|>final<|message|>x<|end|>", "completion", TOOLS, 25)
@example(" to=python comment x comment<|channel|>final<|message|>x<|end|>", "completion", TOOLS, 35)
def test_a_limit_changes_what_costs_more_only(
    source: str, start: codec.Start, tools: list[str] | None, most: int
) -> None:
    """Law 8: less repair makes no call. A header at or below the limit is read as without it."""
    found, limited = (recover(source, start, tools=tools, max_repair_cost=limit) for limit in (None, most))
    in_messages = not found.gaps and found.opening is None  # which do not say what they cost
    if in_messages and all(message.repair is None or message.repair.cost <= most for message in found.messages):
        fields = [
            [(m.role, m.channel, m.recipient, m.text.strip()) for m in each.messages] for each in (found, limited)
        ]
        assert fields[0] == fields[1]  # the white space before a text that is not a header belongs to it
    calls, fewer = (
        [message for message in each.messages if message.role == "assistant" and message.recipient]
        for each in (found, limited)
    )
    repaired = [message for message in fewer if message.repair]  # what the grammar describes stays as it is
    assert len(repaired) <= len(calls)


REPAIRED = [
    ("<|start|>assistant<|channel|>comment<|message|>x<|end|>", "commentary", "comment"),
    ("<|start|>assistant<|channel|>analysis<|channel|>final<|message|>x<|end|>", "final", None),
]


@pytest.mark.parametrize(("source", "repaired", "left"), REPAIRED)
def test_a_repair_that_costs_too_much_is_not_made(source: str, repaired: str, left: str | None) -> None:
    """What the grammar describes stays as it is, and nothing else is a header; streams do the same."""
    (message,) = recover(source).messages
    assert message.channel == repaired
    assert message.repair
    cost = message.repair.cost
    assert cost > 0
    for most, channel in ((cost, repaired), (cost - 1, left)):
        (message,) = recover(source, max_repair_cost=most).messages
        assert message.content == "x"
        assert message.channel == channel
        parser = StreamParser("transcript", max_repair_cost=most)
        parser.feed(tokens_of(source))
        parser.close()
        assert parser.recovered == recover(tokens_of(source), max_repair_cost=most)


def test_two_readings_at_nearly_one_price_are_ambiguous() -> None:
    """The repair names the other one; signs around a name decide nothing."""
    for word in ("unlock", "unlock,"):
        source = f"<|channel|>commentary to={word} json<|message|>{{}}<|call|>"
        (called,) = recover(source, "completion", tools=["functions.lock"]).messages
        assert called.recipient == "functions.lock"
        assert called.repair
        assert called.repair.is_ambiguous
    source = "<|channel|>commentary to=functions.a, functions.b<|message|>{}<|call|>"
    (called,) = recover(source, "completion").messages
    assert called.repair
    assert called.repair.alternative
    assert (called.recipient, called.repair.alternative.fields["recipient"]) == ("functions.a", "functions.b")
    assert called.repair.is_ambiguous
    (message,) = recover("<|channel|>final commentary<|message|>x<|end|>", "completion").messages
    repair = message.repair
    assert repair
    assert repair.alternative is not None
    assert RECOVERY is not None
    assert repair.alternative.cost - repair.cost <= RECOVERY.costs["margin"]
    assert {message.channel, repair.alternative.fields["channel"]} == {"final", "commentary"}
    assert repair.is_ambiguous


@given(mistakes, starts, offers)
@example("final<|message|>x<|end|>", "completion", None)
def test_an_alternative_is_another_message(source: str, start: codec.Start, tools: list[str] | None) -> None:
    for message in recover(source, start, tools=tools).messages:
        other = message.repair.alternative if message.repair else None
        assert other is None or any(getattr(message, name) != value for name, value in other.fields.items())


def test_the_evidence_names_other_white_space() -> None:
    for header in ("<|channel|>final ", "<|channel|>final\njson", " <|channel|>final"):
        (found,) = recover(f"{header}<|message|>x<|end|>", "completion").diagnostics
        assert found.evidence.startswith(
            "the white space of its parts is not that of the grammar; this reading costs 0"
        )


@given(mistakes, starts, offers)
@example("<|start|>assistant to=python<|channel|>final json<|message|>x<|end|>", "transcript", None)
def test_each_diagnostic_of_a_header_says_what_its_reading_costs(
    source: str, start: codec.Start, tools: list[str] | None
) -> None:
    for diagnostic in recover(source, start, tools=tools).diagnostics:
        assert diagnostic.code.name != "misplaced-part" or "costs" in diagnostic.evidence


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ("<|channel|>commentary to=functions.search to=functions.run<|message|>x<|call|>", "recipient"),
        ("<|channel|>commentary to=serch to=run<|message|>x<|call|>", "recipient"),
        ("<|channel|>analysis<|channel|>commentary to=functions.run<|message|>x<|call|>", "channel"),
        ("<|channel|>analysi<|channel|>commentary to=functions.run<|message|>x<|call|>", "channel"),
        ("<|channel|>analysis,commentary to=functions.run<|message|>x<|call|>", "channel"),
        ("<|channel|>final/analysis+commentary to=functions.run<|message|>x<|call|>", "channel"),
        ("<|start|>assistant channel=analysis|commentary to=functions.run<|message|>x<|call|>", "channel"),
    ],
)
def test_of_two_names_for_a_field_the_last_is_read_and_the_first_is_the_alternative(source: str, field: str) -> None:
    (message,) = recover(source, "completion", tools=["functions.search", "functions.run"]).messages
    assert (message.channel, message.recipient) == ("commentary", "functions.run")
    assert message.repair
    assert message.repair.is_ambiguous
    assert message.repair.alternative
    assert message.repair.alternative.fields[field] == {"recipient": "functions.search", "channel": "analysis"}[field]


def test_a_flag_that_is_as_it_should_be_is_not_repaired() -> None:
    found = recover("<|channel|>commentary JSON<|message|>{}<|end|>", "completion")
    assert [message.repair and message.repair.fields for message in found.messages] == [("content_type",)]


@pytest.mark.parametrize("end", ["<|channel|><|end|>", "<|channel|> hm<|end|>", "<|message|>x<|end|>"])
def test_a_header_that_is_too_dear_is_not_read(end: str) -> None:
    """The content begins after its last special token."""
    source = "<|start|>assistant<|channel|>final" + " well to=user oh no <|constrain|>so it is" * 4 + end
    found = recover(source)
    assert found.diagnostics
    assert tiles(found, len(source))
    tokens = recover(tokens_of(source))
    assert tokens.messages == found.messages
    assert all("<|" not in message.text for message in found.messages)
