"""The command `harmony-spec`: one file a command."""

from .application import main

__all__ = ["main"]
