"""The names that generated codecs import, with a version: a codec needs the one that it was generated for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from . import codes
from .diagnostics import Diagnostic, Repair
from .errors import Code, ConversationError, ParseError, RenderError
from .format import algebra
from .format.contents import NO_CONTENTS, Contents, Implied, Part, Record
from .format.definitions import NO_DEFINITIONS, Definition, Definitions
from .format.rule_table import (
    Choice,
    Enumerated,
    Flag,
    Json,
    Lines,
    Many,
    Option,
    RecordRule,
    Rule,
    Rules,
    Single,
    Token,
    Use,
    Value,
)
from .format.tables import (
    HOLE,
    Atom,
    Choose,
    Chosen,
    Encoding,
    FieldCosts,
    Format,
    Frame,
    HeaderEdge,
    Kind,
    Path,
    Recovery,
    Slots,
    Tokenizer,
    meets,
)
from .json_form import JsonForm
from .parsing.strict_parsing import Parsed, parse
from .recovery.recovered import Recovered
from .recovery.recovering import recover
from .rendering.renderer import count_tokens, pick, render, render_text
from .rendering.token_texts import decode, encode
from .streaming.stream_parser import StreamParser
from .tool_types.schemas_of_types import Schemas
from .tool_types.type_grammar import JsonSchema
from .validation.report import Report

__all__ = [
    "HOLE",
    "NO_CONTENTS",
    "NO_DEFINITIONS",
    "Atom",
    "Choice",
    "Choose",
    "Chosen",
    "Code",
    "Contents",
    "ConversationError",
    "Definition",
    "Definitions",
    "Diagnostic",
    "Encoding",
    "Enumerated",
    "FieldCosts",
    "Flag",
    "Format",
    "Frame",
    "HeaderEdge",
    "Implied",
    "Json",
    "JsonForm",
    "JsonSchema",
    "Kind",
    "Lines",
    "Many",
    "Option",
    "ParseError",
    "Parsed",
    "Part",
    "Path",
    "Record",
    "RecordRule",
    "Recovered",
    "Recovery",
    "RenderError",
    "Repair",
    "Report",
    "Rule",
    "Rules",
    "Schemas",
    "Single",
    "Slots",
    "StreamParser",
    "Token",
    "Tokenizer",
    "Use",
    "Value",
    "algebra",
    "codes",
    "count_tokens",
    "decode",
    "drop_completed",
    "encode",
    "parse",
    "pick",
    "recover",
    "render",
    "render_text",
    "require_api",
    "validate",
]

M = TypeVar("M")

API_VERSION = (4, 1)
"""A codec needs the same major version, and at least its minor version."""


def require_api(major: int, minor: int) -> None:
    """Raise `ImportError` in a codec that needs another version of this module."""
    if major != API_VERSION[0] or minor > API_VERSION[1]:
        needed, present = f"{major}.{minor}", ".".join(map(str, API_VERSION))
        raise ImportError(
            f"this codec needs harmony_spec.runtime {needed}, but {present} is installed; generate it again"
        )


def validate(*arguments: Any) -> Report[Any]:
    """Call `harmony_spec.validation.validate`, imported late: it needs `jsonschema`."""
    from .validation.validate import validate as check

    return check(*arguments)


def drop_completed(
    messages: Sequence[M],
    dropped: tuple[tuple[str, str | bool], ...],
    completes: tuple[tuple[str, str | bool], ...],
) -> list[M]:
    """Drop the messages that meet `dropped` and come before the last message that meets `completes`."""
    last = max((index for index, message in enumerate(messages) if meets(message, completes)), default=-1)
    return [message for index, message in enumerate(messages) if index > last or not meets(message, dropped)]
