"""Codes of errors. Generated from grammar/diagnostics.toml by `python -m codegen`. Do not edit."""

from .errors import Code

UNEXPECTED_SPECIAL_TOKEN = Code(
    "H101",
    "unexpected-special-token",
    "A special token stands where the grammar has none.",
    "error",
)
UNEXPECTED_TEXT = Code("H102", "unexpected-text", "Text stands where the grammar has none, or other text.", "error")
UNEXPECTED_END = Code("H103", "unexpected-end", "The input ends inside a message.", "error")
INVALID_TEXT = Code("H104", "invalid-text", "Bytes that are no UTF-8 are no text; what was meant is lost.", "error")
UNKNOWN_TOKEN = Code(
    "H105",
    "unknown-token",
    "A token id that the vocabulary does not have means nothing.",
    "error",
    fix="unsafe",
)
WRONG_START = Code(
    "H106",
    "wrong-start",
    "Transcripts, prompts and completions begin and end in different places.",
    "error",
)
HEADER_TOO_LONG = Code(
    "H121",
    "header-too-long",
    "What is longer than any header is a text that lost its header; to wait for its end would hold back the answer.",
    "error",
)
INEXPRESSIBLE_MESSAGE = Code(
    "H201",
    "inexpressible-message",
    "The format has no way to write this message so that it reads back.",
    "error",
)
SPECIAL_TOKEN_IN_TEXT = Code(
    "H202",
    "special-token-in-text",
    "As text, content that spells a special token would become one.",
    "error",
)
INVALID_CONVERSATION = Code("H301", "invalid-conversation", "The JSON is not the JSON form of a conversation.", "error")
INVALID_TOOL = Code(
    "H302",
    "invalid-tool",
    "A tool that is not defined as the format can say it cannot be offered.",
    "error",
)
UNREADABLE_ROW = Code(
    "H303",
    "unreadable-row",
    "A row that holds no text, token ids or conversation is not checked, and not used by whoever reads the file.",
    "error",
)
WRONG_VOCABULARY = Code("H401", "wrong-vocabulary", "Token ids mean something in one vocabulary only.", "error")
TEXT_NOT_ENCODABLE = Code("H402", "text-not-encodable", "The tokenizer cannot encode this text.", "error")
