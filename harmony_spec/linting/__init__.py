"""The linter: files and their rows, settings, processes, output formats, and fixed files."""

from .batches import Options
from .checking import check_batch, check_values
from .findings import Checked, Finding
from .lint import lint
from .opening import InputError
from .results import findings_schema
from .settings import Settings, SettingsError, options_of

__all__ = [
    "Checked",
    "Finding",
    "InputError",
    "Options",
    "Settings",
    "SettingsError",
    "check_batch",
    "check_values",
    "findings_schema",
    "lint",
    "options_of",
]
