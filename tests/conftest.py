"""Settings of Hypothesis, and what processes of a run share. Timing is measured in `benchmarks/`, never in a test."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

# Where the gate runs, examples are the same each time; elsewhere each run looks at others.
settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.register_profile("few", settings.get_profile("default"), max_examples=10)
settings.load_profile("default")


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of `dialect.text_of`. Workers inherit its name, so that only one of them generates a dialect."""
    if "GENERATED_DIALECTS" not in os.environ:
        folder = TemporaryDirectory()
        os.environ["GENERATED_DIALECTS"] = folder.name
        config.add_cleanup(folder.cleanup)
