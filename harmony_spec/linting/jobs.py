"""Works on batches in several processes; results keep the order of the input."""

from __future__ import annotations

import gc
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from threading import Lock, Thread
from typing import TYPE_CHECKING, TypeVar

from ..interruptions import INTERRUPTIONS, uninterrupted
from .batches import Batch
from .opening import InputError
from .row_reading import BATCH_BYTES

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

Item = Batch | InputError
R = TypeVar("R")
Work = Callable[[Batch], Iterable[R]]
"""What makes results of the rows of a batch, in any process: a function of a module, or `partial` of one."""

MIN_PARALLEL_CHUNKS = 4
"""This process works on shorter inputs: starting others takes about as long as checking so many chunks."""

QUEUED_CHUNKS_PER_JOB = 3
"""Chunks that are read before a process can work on them; this bounds memory."""

ROWS_BEFORE_FORK = 16
"""This process works on so many rows before it forks others; a chunk of short rows would take 0.2 to 0.4 s."""

PRELOADED = f"{__package__}.preloading"

USES_QUEUES = Lock()
"""What a worker holds while it receives chunks and sends results: if it ended then, others would wait forever."""

ENDED_EARLY = "a worker process ended early; there may be too little memory: try fewer --jobs"


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(items: Iterable[Item], jobs: int, work: Work[R]) -> Generator[R | InputError, None, None]:
    """The results for all rows, in the order of the input.

    Args:
        items: batches of rows, and errors of files.
        jobs: the number of worker processes; 1 means this process, which also works on short inputs, and on all if it
            is a worker of a pool, which may not start others.
        work: see `Work`.
    """
    chunks = _chunks(items)
    head = list(islice(chunks, MIN_PARALLEL_CHUNKS if jobs > 1 else 0))
    if len(head) < MIN_PARALLEL_CHUNKS or _is_daemon():
        for chunk in chain(head, chunks):
            yield from _worked(work, chunk)
        return
    # One process needs neither of these.
    from concurrent.futures import Future, ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    context = _context(work)
    ended, end = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(ended,))
    pending: deque[Future[list[R | InputError]]] = deque()
    try:
        if context.get_start_method() == "fork":  # the others start with what these rows load, compile and remember
            first = next(item for item in head[0] if isinstance(item, Batch))
            list(work(replace(first, rows=list(islice(first.rows, ROWS_BEFORE_FORK)))))
        for chunk in chain(head, chunks):
            with uninterrupted():
                pending.append(pool.submit(_work_in_process, work, chunk))
            if len(pending) > QUEUED_CHUNKS_PER_JOB * jobs:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
        with uninterrupted():
            pool.shutdown()
    except BaseException as error:  # workers need not finish their chunks, which may take minutes
        with uninterrupted():
            end.send(None)
            pool.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise InputError(ENDED_EARLY) from None
        raise


def _is_daemon() -> bool:
    from multiprocessing import current_process

    return current_process().daemon


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Batches, those of small files joined, since passing each to a process costs more than checking it."""
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += item.size if isinstance(item, Batch) else 0
        if size >= BATCH_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _context(work: Work[R]) -> BaseContext:
    """Fork this process; if it has threads, which makes that unsafe, start processes from a clean one."""
    import multiprocessing

    if _is_single_threaded():
        return multiprocessing.get_context("fork")
    methods = multiprocessing.get_all_start_methods()
    if "forkserver" not in methods:
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver, resource_tracker  # which other systems lack

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([getattr(work, "func", work).__module__, PRELOADED])
    resource_tracker.ensure_running()  # which unblocks interruptions
    with uninterrupted():
        forkserver.ensure_running()
    return context


def _is_single_threaded() -> bool:
    """Whether this process has no other thread, not even one of a native library. Source: proc(5)."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:  # another system
        return False


def _begin(ended: Connection) -> None:
    """Leave interruptions to the parent process, and end when that ends, or when the run does."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    for each in INTERRUPTIONS:
        signal.signal(each, signal.SIG_DFL if each == signal.SIGTERM else signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTIONS)
    gc.freeze()  # collecting what was loaded before would copy its memory
    parent = parent_process()
    assert parent is not None
    USES_QUEUES.acquire()

    def follow() -> None:
        if parent.sentinel in wait([parent.sentinel, ended]):
            os._exit(1)
        with USES_QUEUES:
            os._exit(1)

    Thread(target=follow, daemon=True).start()


def _worked(work: Work[R], chunk: list[Item]) -> Iterator[R | InputError]:
    """The results for a chunk, one after the other: many at once are work for the collector. Errors pass through."""
    for item in chunk:
        if isinstance(item, InputError):
            yield item
        else:
            yield from work(item)


def _work_in_process(work: Work[R], chunk: list[Item]) -> list[R | InputError]:
    """The results for a chunk, in a worker."""
    USES_QUEUES.release()
    try:
        return list(_worked(work, chunk))
    finally:
        USES_QUEUES.acquire()
