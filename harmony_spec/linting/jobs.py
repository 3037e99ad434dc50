"""Batches checked by several processes at once; results come in the order of the input."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing.connection import wait
from threading import Thread

from .batches import Batch
from .checking import check
from .findings import Checked
from .input_files import InputError
from .parquet import ColumnBatch
from .row_reading import BATCH

Item = Batch | ColumnBatch | InputError

ALONE = 4
"""Chunks that are checked before it pays to start other processes: they take about as long as starting them does."""

AHEAD = 3
"""Chunks for each process that are read before their turn; what bounds memory."""


def cores() -> int:
    """How many processes can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(items: Iterable[Item], jobs: int) -> Iterator[Checked | InputError]:
    """What is found in each row, in the order of the input.

    Args:
        items: batches of rows, and what says that a file cannot be read.
        jobs: how many processes work; with one, it is this one. A short input is checked by this one in any case.
    """
    chunks = _chunks(items)
    head = list(islice(chunks, ALONE if jobs > 1 else 0))
    if len(head) < ALONE:
        for chunk in chain(head, chunks):
            yield from check(chunk)
        return
    pool = ProcessPoolExecutor(jobs, mp_context=_context(), initializer=_begin)
    pending: deque[Future[list[Checked | InputError]]] = deque()
    try:
        for chunk in chain(head, chunks):
            pending.append(pool.submit(check, chunk))
            if len(pending) > AHEAD * jobs:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Batches of small files together, so that handing them over does not count."""
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += _size(item)
        if size >= BATCH:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _size(item: Item) -> int:
    if isinstance(item, Batch):
        return sum(len(data) for _, data in item.rows if isinstance(data, bytes))
    return BATCH if isinstance(item, ColumnBatch) else 0


def _context() -> multiprocessing.context.BaseContext:
    """New processes begin from a clean one: to fork this one, with its threads, is not safe."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    context.set_forkserver_preload([check.__module__])
    return context


def _begin() -> None:
    """Leave an interruption to the process that gave the work, and end when that one does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        wait([parent.sentinel])
        os._exit(1)

    Thread(target=follow, daemon=True).start()
