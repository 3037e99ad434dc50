"""Conversations of other APIs as messages of a format, and back."""

from .chat_types import ChatMessage, Side
from .reading_chat import Adapted, from_chat
from .writing_chat import chat_side, to_chat

__all__ = ["Adapted", "ChatMessage", "Side", "chat_side", "from_chat", "to_chat"]
