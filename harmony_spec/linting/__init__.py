"""The linter: files and their rows, settings, processes, output formats, and fixed files."""

from .findings import Checked, Finding
from .lint import lint
from .opening import InputError
from .settings import Settings, SettingsError

__all__ = ["Checked", "Finding", "InputError", "Settings", "SettingsError", "lint"]
