"""`openai_harmony` and the drop-in, side by side: the same calls through both, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai_harmony

from harmony_spec import compat

from . import peer

MODULES = (openai_harmony, compat)


def encoding(module: Any) -> Any:
    return peer._encoding() if module is openai_harmony else module.load_harmony_encoding("HarmonyGptOss")


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or the kind of exception that it raises and what that says."""
    try:
        return plain(call())
    except Exception as error:
        return kind(error), str(error)


def kind(error: BaseException) -> str:
    """The class that a caller would catch. What the peer raises as a bare `RuntimeError` is a `HarmonyError` here."""
    return "HarmonyError" if isinstance(error, RuntimeError) else type(error).__name__


def plain(value: Any) -> Any:
    """A value without classes of either module."""
    if hasattr(value, "model_dump"):
        return type(value).__name__, plain(value.to_dict() if hasattr(value, "to_dict") else value.model_dump())
    if hasattr(value, "value"):
        return value.value
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value
