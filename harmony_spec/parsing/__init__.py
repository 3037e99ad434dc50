"""The strict parser, and explanations of its errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

notebook: Callable[[Any], str] | None = None
"""Returns a result as HTML. The package sets it, since views are above parsers."""
