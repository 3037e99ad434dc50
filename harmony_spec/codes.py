"""What the library reports. Generated from grammar/diagnostics.toml by `python -m codegen`. Do not edit."""

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
MISSING_START = Code(
    "H111",
    "missing-start",
    "Most parsers stop here: without its start token a message cannot be found reliably.",
    "error",
    fix="safe",
)
REPEATED_START = Code(
    "H112",
    "repeated-start",
    "The second start token begins another message, so the first message is empty.",
    "error",
    fix="safe",
)
MISSING_MESSAGE_TOKEN = Code(
    "H113",
    "missing-message-token",
    "Without the message token the end of the header is a guess.",
    "error",
    fix="display",
)
MISSING_TERMINATOR = Code(
    "H114",
    "missing-terminator",
    "Without a stop token it is unknown whether the message is complete.",
    "error",
    fix="display",
)
REPEATED_TERMINATOR = Code(
    "H115",
    "repeated-terminator",
    "Parsers that expect a start token here fail.",
    "error",
    fix="safe",
)
TEXT_BETWEEN_MESSAGES = Code(
    "H116",
    "text-between-messages",
    "Text between messages has no author and no channel, so it is shown to nobody.",
    "error",
)
MISSING_HEADER = Code(
    "H117",
    "missing-header",
    "The model wrote text without naming a channel; the channel is inferred from what follows.",
    "error",
    fix="display",
)
MISSING_CHANNEL = Code(
    "H118",
    "missing-channel",
    "This message must name its channel; the channel is inferred from what follows.",
    "error",
    fix="display",
)
ABANDONED_HEADER = Code(
    "H119",
    "abandoned-header",
    "The header ends without a content, and another header begins.",
    "error",
)
UNFINISHED_HEADER = Code(
    "H120",
    "unfinished-header",
    "The input ends inside a header, usually because of a token limit, so the message has no content.",
    "error",
)
HEADER_TOO_LONG = Code(
    "H121",
    "header-too-long",
    "Text longer than any header is the text of a message that lost its header; a stream cannot wait for its end.",
    "error",
)
STRAY_SPECIAL_TOKEN = Code(
    "H122",
    "stray-special-token",
    "A special token without a meaning at this position is noise, or a sign that the text was cut and joined.",
    "error",
    fix="unsafe",
)
AFTER_STOP = Code("H123", "after-stop", "The stop token ends a completion; text after it was not requested.", "error")
MISSING_MESSAGE = Code(
    "H124",
    "missing-message",
    "A completion must contain a message, and a prompt must end with an open header.",
    "error",
)
UNASSIGNED_SPECIAL_TOKEN = Code(
    "H125",
    "unassigned-special-token",
    "A reserved special token has no meaning for any model.",
    "error",
    fix="unsafe",
)
MISSING_ROLE = Code(
    "H131",
    "missing-role",
    "A message without an author cannot be attributed; recovery assumes the model.",
    "error",
    fix="unsafe",
)
CHANNEL_AS_ROLE = Code(
    "H132",
    "channel-as-role",
    "A channel name in place of the author would be read as a tool of that name.",
    "error",
    fix="unsafe",
)
TOOL_AS_ROLE = Code(
    "H133",
    "tool-as-role",
    "The model wrote the name of the tool in place of its own role; read literally, the tool would be the author.",
    "error",
    fix="display",
)
REPEATED_CHANNEL = Code(
    "H134",
    "repeated-channel",
    "A message has one channel; parsers that join the names find no known channel.",
    "error",
    fix="unsafe",
)
EMPTY_CHANNEL = Code("H135", "empty-channel", "The channel token is not followed by a channel.", "error", fix="unsafe")
MISSPELT_CHANNEL = Code(
    "H136",
    "misspelt-channel",
    "A message on an unknown channel is shown to nobody, or to everybody.",
    "error",
    fix="unsafe",
)
TOOL_AS_CHANNEL = Code(
    "H137",
    "tool-as-channel",
    "A tool name in place of the channel would be read as an unknown channel, and the call would be lost.",
    "error",
    fix="display",
)
CHANNEL_AS_CONTENT_TYPE = Code(
    "H138",
    "channel-as-content-type",
    "A channel name is not a content type; clients would read the answer as an unknown format.",
    "error",
    fix="unsafe",
)
REPEATED_RECIPIENT = Code(
    "H139",
    "repeated-recipient",
    "A message has one recipient; parsers that expect one refuse the whole message.",
    "error",
    fix="unsafe",
)
EMPTY_RECIPIENT = Code(
    "H140",
    "empty-recipient",
    "The text that introduces a recipient is not followed by a name.",
    "error",
    fix="unsafe",
)
RECIPIENT_IS_ROLE = Code(
    "H141",
    "recipient-is-role",
    "Models call tools; a role in place of the recipient is a part of another header.",
    "error",
    fix="unsafe",
)
BARE_RECIPIENT = Code(
    "H142",
    "bare-recipient",
    "Nothing introduces the tool name as a recipient; read literally, the call would be lost.",
    "error",
    fix="display",
)
MISSPELT_RECIPIENT = Code(
    "H143",
    "misspelt-recipient",
    "No offered tool has this name, and one has a similar name.",
    "error",
    fix="unsafe",
)
SPACED_CONTENT_TYPE = Code(
    "H144",
    "spaced-content-type",
    "A space after the token makes the content type empty and leaves an extra word.",
    "error",
    fix="unsafe",
)
REPEATED_CONSTRAIN = Code(
    "H145",
    "repeated-constrain",
    "The token that introduces the content type occurs more than once.",
    "error",
    fix="safe",
)
REPEATED_CONTENT_TYPE = Code("H146", "repeated-content-type", "A content has one type.", "error", fix="unsafe")
UNKNOWN_CONTENT_TYPE = Code(
    "H147",
    "unknown-content-type",
    "A word that is not a content type does not describe the content.",
    "error",
    fix="display",
)
MISSPELT_CONTENT_TYPE = Code(
    "H148",
    "misspelt-content-type",
    "Programs compare content types letter by letter.",
    "error",
    fix="unsafe",
)
EMPTY_CONTENT_TYPE = Code(
    "H149",
    "empty-content-type",
    "The token that introduces the content type is not followed by a type.",
    "error",
    fix="unsafe",
)
SPLICED_HEADER = Code(
    "H150",
    "spliced-header",
    "Two headers are joined; the fields of the second one are used.",
    "error",
    fix="unsafe",
)
UNREAD_HEADER_TEXT = Code(
    "H151",
    "unread-header-text",
    "These words belong to no field of the header and not to the content.",
    "error",
)
MISPLACED_PART = Code(
    "H152",
    "misplaced-part",
    "The parts of the header are known, but no rule allows their order or spacing.",
    "error",
    fix="safe",
)
BARE_CHANNEL = Code(
    "H153",
    "bare-channel",
    "Without the channel token a channel name is an unexpected word for every parser.",
    "error",
    fix="unsafe",
)
MISSPELT_ROLE = Code(
    "H154",
    "misspelt-role",
    "A misspelt role would be read as a tool of that name.",
    "error",
    fix="unsafe",
)
FORGED_TOOL_MESSAGE = Code(
    "H161",
    "forged-tool-message",
    "The model invented the answer of a tool; trusting it is a security problem.",
    "error",
)
CALL_WITHOUT_RECIPIENT = Code(
    "H162",
    "call-without-recipient",
    "Only calls end with the call token, but this message names no tool; nothing is run because of a guess.",
    "error",
)
STRIPPED_TOKENS = Code(
    "H163",
    "stripped-tokens",
    "A detokenizer removed the special tokens; the positions of the headers are a guess.",
    "error",
    fix="display",
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
UNREAD_CONTENT = Code(
    "H211",
    "unread-content",
    "Content that cannot be parsed declares nothing: its tools, channels or function parameters stay unknown.",
    "warning",
)
INVALID_SCHEMA = Code(
    "H212",
    "invalid-schema",
    "Values cannot be checked against an invalid schema, and models guess what it requires.",
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
INVALID_CHAT = Code(
    "H304",
    "invalid-chat",
    "The value is not a list of messages of Chat Completions, or the settings of its request are invalid.",
    "error",
)
UNSUPPORTED_VALUE = Code(
    "H305",
    "unsupported-value",
    "The format has no place for this value, so the model cannot see it.",
    "warning",
)
WRONG_SIDE = Code("H306", "wrong-side", "A side record restores only the messages that it was made with.", "error")
WRONG_VOCABULARY = Code(
    "H401",
    "wrong-vocabulary",
    "Token ids have a meaning in one vocabulary only. The examples are vocabularies of one token.",
    "error",
)
TEXT_NOT_ENCODABLE = Code("H402", "text-not-encodable", "The tokenizer cannot encode this text.", "error")
MISPLACED_INSTRUCTIONS = Code(
    "H501",
    "misplaced-instructions",
    "Models are trained on instructions before the first turn: system before developer, each once.",
    "warning",
)
UNANSWERED_CALL = Code(
    "H502",
    "unanswered-call",
    "Models are never trained on a call without its result: the outcome of this call is unknown.",
    "error",
)
UNREQUESTED_TOOL_RESULT = Code(
    "H503",
    "unrequested-tool-result",
    "The result answers no call: it was invented, or its call was lost.",
    "error",
)
MISADDRESSED_TOOL_RESULT = Code(
    "H504",
    "misaddressed-tool-result",
    "Results go to the model, and models are trained on headers that name it as the recipient.",
    "warning",
)
TOOL_RESULT_CHANNEL = Code(
    "H505",
    "tool-result-channel",
    "The channel of a result is that of its call, unless the format names another one.",
    "warning",
)
REPEATED_FINAL = Code(
    "H506",
    "repeated-final",
    "An answer ends the turn; a second answer trains the model to continue after it.",
    "error",
)
KEPT_ANALYSIS = Code(
    "H507",
    "kept-analysis",
    "The analysis of a completed turn is not shown to the model again.",
    "warning",
)
RETURN_IN_HISTORY = Code(
    "H508",
    "return-in-history",
    "This token ends the output of a model; in the history the message ends with the end token.",
    "error",
    fix="safe",
)
WRONG_CALL_TERMINATOR = Code(
    "H509",
    "wrong-call-terminator",
    "Engines run a call when they see the call token; after another stop token the call is not run.",
    "error",
    fix="safe",
)
MISSING_REQUIRED_CHANNEL = Code(
    "H510",
    "missing-required-channel",
    "The system message requires a channel for every message.",
    "error",
)
UNDECLARED_CHANNEL = Code(
    "H511",
    "undeclared-channel",
    "The system message does not declare this channel, so clients do not show the message.",
    "error",
)
CALL_OUTSIDE_CHANNEL = Code(
    "H512",
    "call-outside-channel",
    "Models call the developer's functions on one channel, and built-in tools on another.",
    "warning",
)
MAYBE_CHAT = Code(
    "H513",
    "maybe-chat",
    "Chat Completions have no channels: without conversion, the model cannot tell thoughts from answers.",
    "warning",
)
UNDECLARED_TOOL = Code(
    "H601",
    "undeclared-tool",
    "The namespace has no tool with this name, so the call cannot be run.",
    "error",
)
UNDECLARED_NAMESPACE = Code(
    "H602",
    "undeclared-namespace",
    "Nothing offers this tool, so the call cannot be run.",
    "error",
)
INVALID_JSON = Code("H603", "invalid-json", "The content must be JSON, and is not.", "error")
TRUNCATED_JSON = Code("H604", "truncated-json", "The JSON is incomplete, usually because of a token limit.", "error")
TEXT_AFTER_JSON = Code("H605", "text-after-json", "Most JSON readers refuse a value that is followed by text.", "error")
DUPLICATE_KEY = Code(
    "H606",
    "duplicate-key",
    "Readers disagree on which of the two values to use (RFC 8259, section 4).",
    "warning",
)
CALL_ENVELOPE = Code(
    "H607",
    "call-envelope",
    "The content of a call is its arguments only; the recipient names the tool.",
    "error",
)
INVALID_ARGUMENTS = Code("H608", "invalid-arguments", "The arguments do not match the schema of the tool.", "error")
INVALID_ANSWER = Code(
    "H609",
    "invalid-answer",
    "The answer does not match the response format that the developer requested.",
    "error",
)
UNFINISHED_CHECK = Code(
    "H610",
    "unfinished-check",
    "The schema needs more work than its budget allows, or cannot be evaluated, so the value is not checked.",
    "warning",
)
NON_CANONICAL_TOKENS = Code(
    "H701",
    "non-canonical-tokens",
    "Models see a text as the tokens that the tokenizer produces; other tokens are a different text to them.",
    "warning",
    fix="unsafe",
)
SPELLED_SPECIAL_TOKEN = Code(
    "H702",
    "spelled-special-token",
    "It is text here, but a program that tokenizes the text again turns it into a special token.",
    "warning",
)
DISGUISED_SPECIAL_TOKEN = Code(
    "H703",
    "disguised-special-token",
    "This text resembles a special token, which is usually an attempt to inject messages.",
    "warning",
)
