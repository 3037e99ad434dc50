"""Codes of errors. Generated from grammar/diagnostics.toml by `python -m codegen`. Do not edit."""

from .errors import Code

UNEXPECTED_SPECIAL_TOKEN = Code(
    "H101",
    "unexpected-special-token",
    "The grammar allows no special token, or another one, at this position.",
    "error",
)
UNEXPECTED_TEXT = Code(
    "H102",
    "unexpected-text",
    "The grammar allows no text, or other text, at this position.",
    "error",
)
UNEXPECTED_END = Code("H103", "unexpected-end", "The input ends inside a message.", "error")
INVALID_TEXT = Code("H104", "invalid-text", "The bytes are not UTF-8, so the text is lost.", "error")
UNKNOWN_TOKEN = Code("H105", "unknown-token", "The vocabulary has no token with this id.", "error", fix="unsafe")
WRONG_START = Code(
    "H106",
    "wrong-start",
    "Transcripts, prompts and completions begin and end at different points of a message.",
    "error",
)
HEADER_TOO_LONG = Code(
    "H121",
    "header-too-long",
    "Text longer than any header is the text of a message that lost its header; a stream cannot wait for its end.",
    "error",
)
INEXPRESSIBLE_MESSAGE = Code(
    "H201",
    "inexpressible-message",
    "The format has no spelling of this message that reads back as the same message.",
    "error",
)
SPECIAL_TOKEN_IN_TEXT = Code(
    "H202",
    "special-token-in-text",
    "If a content spells a special token, writing it as text would create that token.",
    "error",
)
INVALID_CONVERSATION = Code(
    "H301",
    "invalid-conversation",
    "The value is not the JSON form of a conversation.",
    "error",
)
INVALID_TOOL = Code(
    "H302",
    "invalid-tool",
    "A tool cannot be offered if the format cannot express its definition.",
    "error",
)
UNREADABLE_ROW = Code(
    "H303",
    "unreadable-row",
    "A row without a text, token ids or a conversation is not checked, and other programs cannot use it.",
    "error",
)
WRONG_VOCABULARY = Code("H401", "wrong-vocabulary", "Token ids have a meaning in one vocabulary only.", "error")
TEXT_NOT_ENCODABLE = Code("H402", "text-not-encodable", "The tokenizer cannot encode this text.", "error")
