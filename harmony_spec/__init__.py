"""An executable specification of OpenAI's Harmony message format: parser and renderer, generated from a grammar."""

from .codec import (
    CONVERSATION_SCHEMA,
    SPECIAL_TOKENS,
    STOP_TOKENS,
    Message,
    Role,
    drop_analysis,
    from_json,
    parse,
    render,
    render_text,
    to_json,
)
from .errors import Code, ConversationError, HarmonyError, ParseError, RenderError, Span, VocabularyError
from .runtime import Parsed, Tokenizer

__all__ = [
    "CONVERSATION_SCHEMA",
    "SPECIAL_TOKENS",
    "STOP_TOKENS",
    "Code",
    "ConversationError",
    "HarmonyError",
    "Message",
    "ParseError",
    "Parsed",
    "RenderError",
    "Role",
    "Span",
    "Tokenizer",
    "VocabularyError",
    "drop_analysis",
    "from_json",
    "parse",
    "render",
    "render_text",
    "to_json",
]
