"""Settings of Hypothesis. Timing is measured in `benchmarks/`, never in a test."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Where the gate runs, examples are the same each time; elsewhere each run looks at others.
settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("default")
