"""A drop-in for `openai_harmony` 0.0.8: change the import, keep the code.

`from harmony_spec.compat import ...` instead of `from openai_harmony import ...`. Needs the extra `compat`
(in a clone, `python -m pip install '.[compat]'`). docs/drop-in.md lists the deliberate differences.
"""

try:
    import pydantic  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "pydantic":
        raise  # pydantic is installed, but one of its own imports is missing
    raise ImportError(
        "harmony_spec.compat needs pydantic, which the extra 'compat' installs: "
        "in a clone of harmony-spec, run: python -m pip install '.[compat]'"
    ) from None

from .encoding import HarmonyEncoding, HarmonyEncodingName, load_harmony_encoding
from .models import (
    Author,
    ChannelConfig,
    Content,
    Conversation,
    DeveloperContent,
    Message,
    ReasoningEffort,
    RenderConversationConfig,
    RenderOptions,
    Role,
    SystemContent,
    TextContent,
    ToolDescription,
    ToolNamespaceConfig,
)
from .peer_errors import HarmonyError, raise_disallowed_special_token
from .streamable_parser import StreamableParser, StreamState

__all__ = [
    "Author",
    "ChannelConfig",
    "Content",
    "Conversation",
    "DeveloperContent",
    "HarmonyEncoding",
    "HarmonyEncodingName",
    "HarmonyError",
    "Message",
    "ReasoningEffort",
    "RenderConversationConfig",
    "RenderOptions",
    "Role",
    "StreamState",
    "StreamableParser",
    "SystemContent",
    "TextContent",
    "ToolDescription",
    "ToolNamespaceConfig",
    "load_harmony_encoding",
    "raise_disallowed_special_token",
]
