"""Conversations of other APIs as messages of a format, and back."""

from .chat_streams import ChatResponse, ChatStream, fold_chunks, to_chat_completion
from .chat_types import ChatChunk, ChatCompletion, ChatMessage, Side
from .reading_chat import Adapted, from_chat
from .writing_chat import chat_side, to_chat

__all__ = [
    "Adapted",
    "ChatChunk",
    "ChatCompletion",
    "ChatMessage",
    "ChatResponse",
    "ChatStream",
    "Side",
    "chat_side",
    "fold_chunks",
    "from_chat",
    "to_chat",
    "to_chat_completion",
]
