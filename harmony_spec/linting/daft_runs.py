"""Runs checks and conversions of files on Daft: in processes of this machine, or on a Ray cluster.

Daft passes parts of files to workers, which read and check them as a local run does, and collects the results. A task
that is lost with its worker runs again: the result of a part depends only on the part and on the options.
"""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from threading import Thread
from time import sleep
from typing import Any, cast

from .batches import WHOLE, ByteRange, FileKind, Options
from .files import File
from .jobs import R, Work
from .opening import COMPRESSIONS, STDIN, InputError, open_input
from .row_reading import Progress, batches_of, kind_of

PART_BYTES = 1 << 24
"""Bytes of a part: a few seconds of work, so that a lost worker costs little, and a part fits into memory."""

READ_BYTES = 1 << 20
"""Bytes that are read from an object store at a time."""

QUIET_ENVIRONMENT = {"DAFT_ANALYTICS_ENABLED": "0", "SCARF_NO_ANALYTICS": "1", "DAFT_PROGRESS_BAR": "0"}
"""Daft reports its use over the network, and draws bars, unless these variables are set; those of the user win."""

NO_DAFT = "daft is not installed; in a clone of harmony-spec, run: python -m pip install '.[daft]'"


@dataclass(frozen=True)
class FilePart:
    """A part of a file, for a worker.

    Attributes:
        file: any worker finds it at its path.
        options: the index of the options of its rows.
        size: the bytes of the part.
    """

    file: File
    kind: FileKind
    options: int
    part: ByteRange
    size: int


def run_on_daft(
    found: Iterable[File | InputError],
    options: Callable[[str], Options],
    progress: Progress,
    work: Work[R],
    kind: FileKind | None,
) -> Generator[R | InputError, None, None]:
    """The results for all rows of files, in their order; `run_files` describes the arguments."""
    table: list[Options] = []
    tasks: list[FilePart | InputError] = []
    for file in found:
        try:
            if isinstance(file, InputError):
                raise file
            chosen = options(file.name)
            if chosen not in table:
                table.append(chosen)
            tasks += _parts(file, kind, table.index(chosen))
        except InputError as error:
            tasks.append(error)
    parts = [each for each in tasks if isinstance(each, FilePart)]
    progress.total = sum(part.size for part in parts)
    results = _mapped(_numbered(parts), lambda part: worked(part, table[part.options], work))
    return _in_order(tasks, results, progress)


def _in_order(
    tasks: list[FilePart | InputError], results: Iterator[list[R | InputError]], progress: Progress
) -> Generator[R | InputError, None, None]:
    """The results of parts, between the errors of files. An unreadable file is reported once, not for each part."""
    reported: set[str] = set()
    for task in tasks:
        if isinstance(task, InputError):
            yield task
            continue
        found = next(results)
        progress.bytes += task.size
        for each in found:
            if not isinstance(each, InputError) or str(each) not in reported:
                yield each
        reported |= {str(each) for each in found if isinstance(each, InputError)}


def worked(part: FilePart, options: Options, work: Work[R]) -> list[R | InputError]:
    """The results for the rows of a part. Any error is a result, too: one that is raised would end the whole run."""
    name, found = part.file.name, list[R | InputError]()
    try:
        limits = options.max_row_bytes, options.max_file_bytes
        with open_input(name, *limits, opener=lambda _: _opened(part.file.path)) as opened:
            for batch, _ in batches_of(opened, part.kind, part.file.is_named, options, part.part):
                found += work(batch)
    except InputError as error:
        error.name = name
        found.append(error)
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        found.append(InputError(f"{name}: rows after byte {part.part.start} cannot be checked: {reason}", name))
    return found


def start(address: str | None) -> None:
    """Let Daft run on this machine, or on a cluster. Raises `InputError`."""
    os.environ |= QUIET_ENVIRONMENT | os.environ
    try:
        import daft
    except ImportError:
        raise InputError(NO_DAFT) from None
    kind = "native" if address is None else "ray"
    try:
        if address is None:
            daft.set_runner_native()
        else:
            daft.set_runner_ray(address)
    except Exception as error:  # Daft and Ray raise many classes; a runner can be chosen once in a process
        if daft.get_or_infer_runner_type() != kind:
            raise InputError(f"{address or 'Daft'}: cannot be used: {' '.join(str(error).split())}") from None


def find_urls(url: str) -> Iterator[File | InputError]:
    """The files at a URL, which may be a pattern, in the order of their names."""
    import daft

    try:
        found = [(str(row["path"]), row["size"] or 0) for row in daft.from_glob_path(url).iter_rows()]
    except Exception as error:  # Daft raises many classes
        yield InputError(f"{url}: {' '.join(str(error).split())}", url)
        return
    for path, size in sorted(found):
        yield File(path, path == url, path, size)
    if not found:
        yield InputError(f"{url}: no file matches this pattern", url)


def _parts(file: File, kind: FileKind | None, options: int) -> list[FilePart]:
    """A file in parts. Raises `InputError` if workers cannot read it."""
    if file.name == STDIN:
        raise InputError(f"{STDIN}: workers cannot read standard input", STDIN)
    found = kind or kind_of(file.name)
    if found not in ("jsonl", "parquet"):
        raise InputError(f"{file.name}: --runner daft reads JSON Lines and Parquet only", file.name)
    is_whole = file.size <= PART_BYTES or _is_compressed(file.path)
    starts = [0] if is_whole else range(0, file.size, PART_BYTES)
    parts = [ByteRange(start, start + PART_BYTES) for start in starts]
    parts[-1] = replace(parts[-1], end=None)
    return [FilePart(file, found, options, part, (part.end or file.size) - part.start) for part in parts]


def _is_compressed(path: str) -> bool:
    try:
        with _opened(path) as file:
            return file.read(4).startswith(tuple(COMPRESSIONS.values()))
    except OSError:
        return True  # the worker reports it


def _numbered(parts: list[FilePart]) -> list[FilePart]:
    """The parts with the number of their first line. Lines are counted where a file has several parts."""
    split = {at: each for at, each in enumerate(parts) if each.kind == "jsonl" and each.part != WHOLE}
    numbered = list(parts)
    first = 1
    for (at, each), count in zip(split.items(), _mapped(list(split.values()), counted), strict=True):
        first = 1 if each.part.start == 0 else first
        numbered[at] = replace(each, part=replace(each.part, first=first))
        first += count
    return numbered


def counted(part: FilePart) -> int:
    """How many lines begin in a part of a file; 0 if it cannot be read, which is reported later."""
    start, end = max(part.part.start - 1, 0), part.part.start + part.size - 1
    lines = int(part.part.start == 0)
    try:
        with _opened(part.file.path) as file:
            file.seek(start)
            while start < end and (data := file.read(min(READ_BYTES, end - start))):
                lines += data.count(b"\n")
                start += len(data)
    except OSError:
        return 0
    return lines


class _RemoteFile(io.RawIOBase):
    """A file in an object store, read by Daft."""

    def __init__(self, url: str) -> None:
        import daft

        self.file = daft.File(url).open().__enter__()

    def close(self) -> None:
        self.file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return cast(int, self.file.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        data = self.file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _opened(path: str) -> io.BufferedReader:
    """A stream of a file by its path or URL. Raises `OSError`."""
    if "://" not in path:
        return open(path, "rb")
    try:
        return io.BufferedReader(_RemoteFile(path), READ_BYTES)
    except Exception as error:  # Daft raises many classes
        raise OSError(" ".join(str(error).split())) from None


WORKER_ENDED = "UDF process closed the connection"
"""A part of the error that Daft 0.7 raises for a worker that was killed."""


@cache
def _end_with(parent: int) -> None:
    """End this process with its parent, also in the middle of a part: Daft leaves its workers if a signal ends it."""

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _rows_of(frame: Any) -> Iterator[Any]:
    """The rows of a frame. Raises `InputError` if the run fails, such as with a worker that was killed."""
    try:
        yield from frame.iter_rows()
    except Exception as error:  # Daft raises many classes
        advice = "; run it again" if WORKER_ENDED in str(error) else ""
        raise InputError(f"Daft: {' '.join(str(error).split())}{advice}") from error


def _mapped(parts: list[FilePart], function: Callable[[FilePart], R]) -> Iterator[R]:
    """The results of a function for each part, each once, in order."""
    if not parts:
        return
    import daft

    is_on_ray = daft.get_or_infer_runner_type() == "ray"
    parent = 0 if is_on_ray else os.getpid()

    def answer(packed: Any) -> list[bytes]:
        if parent:
            _end_with(parent)
        return [pickle.dumps(function(pickle.loads(each))) for each in packed.to_pylist()]

    call = daft.func.batch(return_dtype=daft.DataType.binary(), batch_size=1, use_process=True)(answer)
    frame = daft.from_pydict({"number": list(range(len(parts))), "part": list(map(pickle.dumps, parts))})
    if is_on_ray:
        frame = frame.into_partitions(len(parts))  # tasks, which run again if their worker is lost
    frame = frame.select(frame["number"], call(frame["part"]).alias("found"))
    early: dict[int, bytes] = {}
    expected = 0
    for row in _rows_of(frame):
        if row["number"] >= expected:
            early[row["number"]] = row["found"]
        while (found := early.pop(expected, None)) is not None:
            yield pickle.loads(found)
            expected += 1
    if expected != len(parts):
        raise InputError(f"Daft returned the results of {expected} of {len(parts)} parts; run it again")
