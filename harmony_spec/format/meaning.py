"""What a grammar does not express: the meaning of tokens and fields, which recovery, validation and tools use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .. import codes
from ..errors import Code
from .definitions import Definitions


class FieldCosts(NamedTuple):
    """The row of a field in the cost table of `recovery.toml`: costs by edit, and diagnostics by edit."""

    costs: Mapping[str, int]
    codes: Mapping[str, str]


class Slots(NamedTuple):
    """The names of the fields of a header, by meaning; "" if the format has no such field."""

    role: str
    name: str
    channel: str
    recipient: str
    content_type: str
    constrain: str


@dataclass(eq=False, repr=False)
class Recovery:
    """The meaning of a format, which its grammar does not express. Recovery and validation use it.

    Attributes:
        begins: the special token that begins a message.
        inside: special tokens between that and the content.
        opens: special tokens directly before the content.
        closes: special tokens that end a message, with the names of their alternatives.
        leads: the special tokens or texts that introduce each field.
        free_texts: the special tokens before any text in a header, which has no limit, with the fields that have it.
        first_words: the words that a header may have between the token that begins it and the next special token; 0 if
            any number, so that no number of words is an answer without its header.
        slots: the names of the fields, by meaning.
        author: the fields of the open header that a model continues.
        tool: the role of tools, whose header has the name of the tool instead of a role.
        roles: the roles that headers spell out.
        channels, content_types: the known values.
        json: the content type of JSON.
        word: a pattern for the name of a tool.
        definitions: how contents define tools and forms of answers.
        separator: the text between the name of a namespace and that of a tool.
        recipients: the recipients of a model's messages that are not calls.
        answers: the channel of messages that end a turn.
        thoughts: the channel of analysis. Recovery infers it for a message without header that another one follows.
        calls: the channel of calls.
        ends_calls, ends_answers: the names of the stop tokens of calls and answers.
        stops: the ids of the special tokens that stop a model.
        declared_tools, declared_builtin: the fields of contents with declared tools, and with built-in ones: paths, the
            role first.
        declared_channels, declared_required: the fields with the channels, and whether each message needs one.
        declared_answers: the fields with the forms of a final answer.
        headings: for each role, the first texts of the sections of its contents that declare something.
        sets: for each state of a message's frame in `transcript`, the fields that are set there: flags, and fields that
            tokens spell.
        costs: what each edit of a header costs, in tenths.
        fields: for each field of a header, its own costs and diagnostics.
        edits: for each edit of a header, the name of its diagnostic, and the evidence.
        own_codes: the diagnostics that only this format has.
    """

    begins: str
    inside: tuple[str, ...]
    opens: tuple[str, ...]
    closes: Mapping[str, str | None]
    leads: Mapping[str, tuple[str, ...]]
    free_texts: Mapping[str, str]
    first_words: int
    slots: Slots
    author: Mapping[str, str]
    tool: str
    roles: tuple[str, ...]
    channels: tuple[str, ...]
    content_types: tuple[str, ...]
    json: str
    word: str
    definitions: Definitions
    separator: str
    recipients: tuple[str, ...]
    answers: str
    thoughts: str
    calls: str
    ends_calls: str
    ends_answers: str
    stops: tuple[int, ...]
    declared_tools: tuple[str, ...]
    declared_builtin: tuple[str, ...]
    declared_channels: tuple[str, ...]
    declared_required: tuple[str, ...]
    declared_answers: tuple[str, ...]
    headings: Mapping[str, tuple[str, ...]]
    sets: Mapping[int, tuple[tuple[str, str | bool], ...]]
    costs: Mapping[str, int]
    fields: Mapping[str, FieldCosts]
    edits: Mapping[str, tuple[str, str]]
    own_codes: tuple[Code, ...] = ()

    @cached_property
    def codes(self) -> dict[str, Code]:
        """The diagnostics by name: those of the library, and those that only this format has."""
        of_library = (value for value in vars(codes).values() if isinstance(value, Code))
        return {code.name: code for code in (*of_library, *self.own_codes)}

    def full_name(self, namespace: str, tool: str) -> str:
        """The name of a tool in a header."""
        return f"{namespace}{self.separator}{tool}"

    @property
    def ends_calls_only(self) -> str:
        """The name of the stop token that shows a call; "" if answers end with the same one."""
        return self.ends_calls if self.ends_calls != self.ends_answers else ""

    @cached_property
    def of_functions(self) -> str:
        """The prefix of the full names of tools that a developer offers."""
        return self.full_name(self.definitions.functions, "")

    @cached_property
    def missing(self) -> dict[Code, tuple[str, ...]]:
        """The special tokens one of which is missing, by diagnostic."""
        opens = tuple(self.opens)
        return {
            codes.MISSING_START: (self.begins,),
            codes.MISSING_MESSAGE_TOKEN: opens,
            codes.UNFINISHED_HEADER: opens,
        }
