"""An executable specification of OpenAI's Harmony message format: parser and renderer, generated from a grammar."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import parsing

if TYPE_CHECKING:
    from .codec import (
        CONVERSATION_SCHEMA,
        NAMESPACE_SCHEMA,
        SPECIAL_TOKENS,
        STOP_TOKENS,
        ChannelConfig,
        DeveloperContent,
        Message,
        Namespace,
        ResponseFormat,
        Role,
        StreamParser,
        SystemContent,
        Tool,
        browser_tools,
        count_tokens,
        decode,
        drop_analysis,
        encode,
        from_json,
        parse,
        python_tools,
        recover,
        render,
        render_text,
        render_training,
        to_json,
        validate,
    )
    from .diagnostics import Diagnostic, Fix, Repair
    from .errors import (
        Code,
        ConversationError,
        ConversionError,
        HarmonyError,
        ParseError,
        RenderError,
        Span,
        ToolError,
        VocabularyError,
    )
    from .recovery.recovered import ContentDelta, MessageEnded, MessageStarted, Recovered
    from .runtime import Parsed, Tokenizer, Training, TrainingSpan
    from .tools.openai_tools import tools_from_json, tools_from_text, tools_to_json, tools_to_text
    from .tools.python_functions import tool_from_function
    from .validation.report import Report

__all__ = [
    "CONVERSATION_SCHEMA",
    "NAMESPACE_SCHEMA",
    "SPECIAL_TOKENS",
    "STOP_TOKENS",
    "ChannelConfig",
    "Code",
    "ContentDelta",
    "ConversationError",
    "ConversionError",
    "DeveloperContent",
    "Diagnostic",
    "Fix",
    "HarmonyError",
    "Message",
    "MessageEnded",
    "MessageStarted",
    "Namespace",
    "ParseError",
    "Parsed",
    "Recovered",
    "RenderError",
    "Repair",
    "Report",
    "ResponseFormat",
    "Role",
    "Span",
    "StreamParser",
    "SystemContent",
    "Tokenizer",
    "Tool",
    "ToolError",
    "Training",
    "TrainingSpan",
    "VocabularyError",
    "browser_tools",
    "count_tokens",
    "decode",
    "drop_analysis",
    "encode",
    "from_json",
    "parse",
    "python_tools",
    "recover",
    "render",
    "render_text",
    "render_training",
    "to_json",
    "tool_from_function",
    "tools_from_json",
    "tools_from_text",
    "tools_to_json",
    "tools_to_text",
    "validate",
]

__version__ = "0.1.0"

SOURCES = (
    *("codec", "errors", "diagnostics", "runtime", "recovery.recovered", "validation.report"),
    *("tools.openai_tools", "tools.python_functions"),
)
"""The modules that define the public names, those first that most programs need."""

PUBLIC_MODULES = ("adapters", "codec", "compat", "constraints", "linting", "vocabulary")


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Import a name when it is first used: `harmony-spec --version` needs none, and reading a text only some."""
        if name in PUBLIC_MODULES:
            return import_module(f".{name}", __name__)
        if name in __all__:
            for source in SOURCES:
                if hasattr(found := import_module(f".{source}", __name__), name):
                    return globals().setdefault(name, getattr(found, name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The names that are documented, for completion; the other modules are not public."""
    return sorted({*__all__, *PUBLIC_MODULES, "__doc__", "__version__"})


def _notebook(result: Any) -> str:
    from .view.html_page import notebook

    return notebook(result)


parsing.notebook = _notebook
