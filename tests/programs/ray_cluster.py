"""`validate --runner daft` on a Ray cluster of two workers, with and without the loss of one; see `.ci/cluster`."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harmony_spec import codec, render

BIN = Path(sys.executable).parent
HEAD = "127.0.0.2"
"""Not 127.0.0.1, which Ray replaces by the address of the machine."""

PORT = 6397
TOKENS = render(codec.parse("<|start|>user<|message|>hi<|end|>").messages)
BROKEN = [[*TOKENS, 200007], TOKENS[:-1], "nothing", {"none": 1}]


def write_corpus(folder: Path, rows: int) -> list[str]:
    """JSON Lines, some with findings; four files of several parts."""
    folder.mkdir()
    for name in "abcd":
        with (folder / f"{name}.jsonl").open("w") as file:
            for number in range(rows // 4):
                tokens = TOKENS if number % 7 else BROKEN[number // 7 % 4]
                row = {"id": number, "tokens": tokens, "filler": "x" * 4_000}
                file.write(json.dumps(row) + "\n")
    return [str(folder / "*.jsonl")]


class Node:
    """A node of the cluster, in a session of its own."""

    def __init__(self, log: Path, *arguments: str) -> None:
        command = [str(BIN / "ray"), "start", "--block", "--disable-usage-stats", *arguments]
        with log.open("w") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=os.environ
            )
        deadline = time.monotonic() + 120
        while "Ray runtime started" not in log.read_text():  # of two nodes that start at once, one may time out
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit(f"a node did not start:\n{log.read_text()}")
            time.sleep(0.2)

    def kill(self) -> None:
        """Kill all processes of the session; workers have process groups of their own."""
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.getsid(int(entry.name)) == self.process.pid:
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue
        self.process.wait()


@contextmanager
def cluster(folder: Path) -> Iterator[list[Node]]:
    """A head without work, and two workers."""
    nodes: list[Node] = []
    try:
        head = ["--head", f"--port={PORT}", "--num-cpus=0", f"--node-ip-address={HEAD}", "--include-dashboard=false"]
        nodes.append(Node(folder / "head.log", *head))
        for number in (3, 4):
            worker = [f"--address={HEAD}:{PORT}", "--num-cpus=1", f"--node-ip-address=127.0.0.{number}"]
            nodes.append(Node(folder / f"worker-{number}.log", *worker))
        yield nodes[1:]
    finally:
        for node in reversed(nodes):
            node.kill()


def validate(output: Path, inputs: list[str], *options: str) -> subprocess.Popen[bytes]:
    command = [str(BIN / "harmony-spec"), "validate", "--isolated", "-q", *options, "-o", str(output), *inputs]
    log = output.with_suffix(".log").open("wb")
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)


def finish(process: subprocess.Popen[bytes], output: Path) -> bytes:
    if process.wait(timeout=600) != 1:  # there are findings
        raise SystemExit(f"exit status {process.returncode}:\n{output.with_suffix('.log').read_text()[-4000:]}")
    return output.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=60_000)
    options = parser.parse_args()
    folder: Path = options.folder
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ |= {"RAY_TMPDIR": str(folder)}  # else the address stays for later programs
    inputs = write_corpus(folder / "corpus", options.rows)
    begin = time.monotonic()
    expected = finish(validate(folder / "local.parquet", inputs), folder / "local.parquet")
    print(f"one machine: {options.rows:,} rows, {time.monotonic() - begin:.1f} s")
    undisturbed = 0.0
    for name, is_killed in (("both workers", False), ("one worker killed", True)):
        with cluster(folder) as workers:
            output = folder / f"{is_killed}.parquet"
            begin = time.monotonic()
            process = validate(output, inputs, "--runner", "daft", "--address", f"{HEAD}:{PORT}")
            if is_killed:
                time.sleep(undisturbed / 2)
                if process.poll() is not None:
                    raise SystemExit("the run ended before the worker was killed; pass more --rows")
                workers[1].kill()
            found = finish(process, output)
            undisturbed = time.monotonic() - begin
            print(f"{name}: {undisturbed:.1f} s")
            if found != expected:
                raise SystemExit(f"{name}: the results differ from those of one machine")
    print("nothing lost, nothing twice")


if __name__ == "__main__":
    main()
