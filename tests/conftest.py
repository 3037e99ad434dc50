"""Settings of Hypothesis, and what processes of a run share. Timing is measured in `benchmarks/`, never in a test."""

from __future__ import annotations

import atexit
import gc
import os
import tempfile

from hypothesis import HealthCheck, settings

# In the gate, each run draws the same examples, and fewer; elsewhere (`.ci/properties`) each run draws others.
IN_GATE = "CI" in os.environ
settings.register_profile(
    "default",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=IN_GATE,
    max_examples=25 if IN_GATE else 100,
)
settings.register_profile("few", settings.get_profile("default"), max_examples=10)
settings.load_profile("default")


def examples(count: int) -> settings:
    """The settings of a property that needs more examples than others, or fewer."""
    return settings(max_examples=count // 5 if IN_GATE else count)


# Dialects, and what the tests cache of them, live as long as a worker. To look through them again and again took a
# seventh of the time of a run (tests/test_dialect_laws.py and others: 152 s instead of 174 s).
gc.set_threshold(50_000, 20, 50)


def pytest_configure() -> None:
    """Make the folder of `dialect.text_of`. Workers inherit its name, so that only one of them generates a dialect.

    Temporary folders are made in it, and go with it: codecs are imported from them to the end of the run.
    """
    if "GENERATED_DIALECTS" not in os.environ:
        folder = tempfile.TemporaryDirectory()
        os.environ["GENERATED_DIALECTS"] = folder.name
        atexit.register(folder.cleanup)  # after the temporary folder of `multiprocessing`, which is imported later
    tempfile.tempdir = os.environ["GENERATED_DIALECTS"]
