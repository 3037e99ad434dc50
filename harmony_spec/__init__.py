"""An executable specification of OpenAI's Harmony message format: parser and renderer, generated from a grammar."""

from typing import TYPE_CHECKING, Any

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
from .recovery.events import ContentDelta, MessageEnded, MessageStarted
from .recovery.recovered import Recovered
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


def _notebook(result: Any) -> str:
    from .view.html_page import notebook

    return notebook(result)


Parsed.notebook = _notebook

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """Read `__version__` when it is asked for: `importlib.metadata` adds about 15% to the time of the import."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import version

        return version("harmony-spec")


def __dir__() -> list[str]:
    """The names that are documented, for completion; the other modules are not public."""
    modules = ("adapters", "codec", "compat", "constraints", "linting", "vocabulary")
    return sorted({*__all__, *modules, "__doc__", "__version__"})
