"""The signals that end a run: how it ends by them, and where they have to wait."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

INTERRUPTIONS = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
"""Ctrl+C, the end that another process asks for, and a terminal that closes."""

SECONDS_TO_END = 5
"""How long further interruptions are ignored: a run that ends deletes incomplete files and stops its processes."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Handle all interruptions like SIGINT, so that a run ends in the same way."""
    until = 0.0

    def interrupt(*_: object) -> None:
        nonlocal until
        if monotonic() >= until:
            until = monotonic() + SECONDS_TO_END
            raise KeyboardInterrupt

    with _handled_by(interrupt):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Defer interruptions, so that no process is half started or ended.

    Processes that start here inherit that interruptions are blocked. So they print no traceback while they start.
    """
    deferred: list[int] = []
    with _handled_by(lambda number, _: deferred.append(number)):
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTIONS) if hasattr(signal, "pthread_sigmask") else None
        try:
            yield
        finally:
            if mask is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for number in deferred[:1]:
        signal.raise_signal(number)


@contextmanager
def _handled_by(handler: Callable[[int, Any], object]) -> Iterator[None]:
    """Handle interruptions in the main thread, which runs handlers, also of signals that other threads receive.

    Those that are ignored, as with `nohup`, stay so, and those that another library handles without Python.
    """
    is_main = threading.current_thread() is threading.main_thread()
    before = {each: signal.getsignal(each) for each in INTERRUPTIONS if is_main}
    handled = {each: old for each, old in before.items() if old not in (None, signal.SIG_IGN)}
    for each in handled:
        signal.signal(each, handler)
    try:
        yield
    finally:
        for each, old in handled.items():
            if signal.getsignal(each) is handler:  # at the end of the process, they are ignored for good
                signal.signal(each, old)
