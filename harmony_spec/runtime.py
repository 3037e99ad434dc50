"""The names that generated codecs import, with a version: a codec needs the one that it was generated for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from . import codes
from .diagnostics import Diagnostic, Repair
from .errors import Code, ConversationError, ParseError, RenderError
from .format.contents import NO_CONTENTS, Contents, Implied, Part, Record, short_repr, to_date
from .format.definitions import NO_DEFINITIONS, Definition, Definitions
from .format.frames import HOLE, Atom, Chosen, Frame, Path
from .format.meaning import FieldCosts, Recovery, Slots
from .format.message_kinds import Choose, Drop, Kind
from .format.rule_table import Rules
from .format.table_nodes import (
    Choice,
    Enumerated,
    Flag,
    Json,
    Lines,
    Many,
    Option,
    RecordRule,
    Rule,
    Single,
    Token,
    Use,
    Value,
)
from .format.tables import Format
from .format.token_encoding import Encoding, Tokenizer
from .parsing.strict_parsing import Parsed, parse
from .recovery.recovered import Recovered
from .source.message_tokens import MessageTokens
from .streaming.stream_parser import StreamParser

if TYPE_CHECKING:
    from .format import algebra
    from .json_form import JsonForm
    from .recovery.recovering import recover
    from .rendering.renderer import count_tokens, pick, render, render_text
    from .rendering.token_texts import decode, encode
    from .rendering.training import Training, TrainingPart, TrainingSpan, drop_completed, render_training
    from .tool_types.schemas_of_types import Schemas
    from .tool_types.type_grammar import JsonSchema
    from .validation.report import Report
    from .validation.validate import validate
else:
    LATER = {
        "format": ["algebra"],
        "json_form": ["JsonForm"],
        "recovery.recovering": ["recover"],
        "rendering.renderer": ["count_tokens", "pick", "render", "render_text"],
        "rendering.token_texts": ["decode", "encode"],
        "rendering.training": ["Training", "TrainingPart", "TrainingSpan", "drop_completed", "render_training"],
        "tool_types.schemas_of_types": ["Schemas"],
        "tool_types.type_grammar": ["JsonSchema"],
        "validation.report": ["Report"],
        "validation.validate": ["validate"],
    }
    """What reading a text does not need: importing it takes a quarter of the time until the first text is read."""

    def __getattr__(name: str) -> object:
        """Import what is used for the first time."""
        module = next((module for module, names in LATER.items() if name in names), None)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        imported = import_module(f".{module}", __package__)
        found = getattr(imported, name, None) or import_module(f".{module}.{name}", __package__)
        return globals().setdefault(name, found)


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
    "Drop",
    "Encoding",
    "Enumerated",
    "FieldCosts",
    "Flag",
    "Format",
    "Frame",
    "Implied",
    "Json",
    "JsonForm",
    "JsonSchema",
    "Kind",
    "Lines",
    "Many",
    "MessageTokens",
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
    "Training",
    "TrainingPart",
    "TrainingSpan",
    "Use",
    "Value",
    "algebra",
    "codes",
    "count_tokens",
    "date",
    "decode",
    "drop_completed",
    "encode",
    "opened",
    "parse",
    "pick",
    "recover",
    "refuses_training",
    "render",
    "render_text",
    "render_training",
    "require_api",
    "require_cost",
    "short_repr",
    "to_date",
    "validate",
]

P = ParamSpec("P")
R = TypeVar("R")

API_VERSION = (9, 1)
"""A codec needs the same major version, and at least its minor version."""


def require_api(major: int, minor: int) -> None:
    """Raise `ImportError` in a codec that needs another version of this module."""
    if major != API_VERSION[0] or minor > API_VERSION[1]:
        needed, present = f"{major}.{minor}", ".".join(map(str, API_VERSION))
        raise ImportError(
            f"this codec needs harmony_spec.runtime {needed}, but {present} is installed; generate it again"
        )


def opened(format: Format, given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an open header that an input continues. Raises `ValueError` if no open header has them."""
    if given != format.usual_opening:
        from .rendering.open_headers import require_opening

        require_opening(format, given)
    return given


def require_cost(max_repair_cost: int | None) -> int | None:
    """Return the limit of the cost of a repair. Raises `TypeError` for what is not a number."""
    if max_repair_cost is not None and not isinstance(max_repair_cost, int | float):
        raise TypeError(f"max_repair_cost: expected an int, got {type(max_repair_cost).__name__}")
    return max_repair_cost


def refuses_training(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose argument `training`, which it had once, raises a `TypeError` that names `render_training`."""

    @wraps(function)
    def checked(*arguments: P.args, **options: P.kwargs) -> R:
        if "training" in options:
            raise TypeError(f"{function.__name__}() has no argument 'training'; call render_training(messages)")
        return function(*arguments, **options)

    return checked
