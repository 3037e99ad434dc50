"""`--runner daft` on files in an object store, a server of S3 on this machine, beside the same files here; see
`.ci/stores`."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import boto3
import pyarrow
from moto.server import ThreadedMotoServer
from pyarrow import parquet

from harmony_spec import codec, render

BUCKET = "corpus"
URL = f"s3://{BUCKET}/"
TOKENS = render(codec.parse("<|start|>user<|message|>hi<|end|>").messages)
COMMAND = str(Path(sys.executable).parent / "harmony-spec")
RUNS = 3
"""Runs of a command: Python may crash at the end of one, after all output."""


def write_corpus(folder: Path) -> list[str]:
    """Rows with findings; the JSON Lines have several parts."""
    values = [TOKENS if number % 7 else TOKENS[:-1] for number in range(20_000)]
    lines = (json.dumps({"id": n, "tokens": value, "filler": "x" * 900}) + "\n" for n, value in enumerate(values))
    (folder / "b.jsonl").write_text("".join(lines))
    parquet.write_table(pyarrow.table({"tokens": values}), folder / "a.parquet", row_group_size=1_000)
    return ["a.parquet", "b.jsonl"]


def outputs(folder: Path, command: list[str], status: int) -> list[str]:
    """What a command writes: its output, its errors, its results."""
    results = folder / "results.parquet"
    found = subprocess.run([COMMAND, *command, "-o", str(results)], cwd=folder, capture_output=True, check=False)
    if found.returncode != status:
        raise SystemExit(f"{command}: exit status {found.returncode}:\n{found.stderr.decode()}")
    rows = json.dumps(parquet.read_table(results).to_pylist()) if results.exists() else ""
    results.unlink(missing_ok=True)
    texts = found.stdout.decode(), found.stderr.decode(), rows
    return [text.replace(f"{folder}/", "").replace(URL, "") for text in texts]


def differing(expected: str, found: str) -> Iterator[str]:
    """The places where two texts differ."""
    for at, (one, other) in enumerate(zip_longest(expected, found)):
        if one != other:
            part = slice(max(at - 100, 0), at + 100)
            yield f"expected {expected[part]!r}, got {found[part]!r}"


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    os.environ |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    os.environ |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    store = boto3.client("s3")
    store.create_bucket(Bucket=BUCKET)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = write_corpus(folder)
        for each in names:
            store.upload_file(str(folder / each), BUCKET, each)
        for command in (["validate", "--isolated"], ["convert", "--from", "tokens", "--to", "conversation"]):
            here = outputs(folder, [*command, *names], 1)
            for _ in range(RUNS):
                there = outputs(folder, [*command, "--runner", "daft", *(URL + each for each in names)], 1)
                for expected, found in zip(here, there, strict=True):
                    first = next(differing(expected, found), None)
                    assert first is None, f"{command}: {first}"
            print(f"{command[0]}: {RUNS} runs as here, {len(here[2]):,} characters of results")
        run = ["validate", "--isolated", "--runner", "daft"]
        assert outputs(folder, [*run, f"{URL}*.parquet"], 1) == outputs(folder, [*run, f"{URL}a.parquet"], 1)
        errors = outputs(folder, [*run, f"{URL}none/*.jsonl"], 2)[1]
        assert errors == "none/*.jsonl: no file matches this pattern\n", errors
    server.stop()
    print("an object store is read as files are")


if __name__ == "__main__":
    main()
