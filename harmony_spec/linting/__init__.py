"""What stands around the checks: files and their rows, settings, processes, forms of output, changes of files."""

from ..inputs import InputError
from .findings import Checked, Finding
from .fixes import apply
from .lint import lint
from .settings import Settings, SettingsError

__all__ = ["Checked", "Finding", "InputError", "Settings", "SettingsError", "apply", "lint"]
