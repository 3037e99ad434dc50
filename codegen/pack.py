"""Pack a published rank file into the form that the package ships: `python -m harmony_spec.codegen.pack RANKS OUTPUT`.

The result holds the length of each token in one byte, in the order of the ids, then the bytes of all tokens. A second
file holds the SHA-256 of the result and of the rank file.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import sys
from pathlib import Path


def pack(ranks: bytes) -> bytes:
    """Pack a rank file, which has a line for each token: its bytes in base64, and its id."""
    rows = (line.split() for line in ranks.splitlines() if line)
    tokens = [base64.b64decode(token) for token, _ in sorted(rows, key=lambda row: int(row[1]))]
    return bytes(map(len, tokens)) + b"".join(tokens)


def main() -> None:
    source, output = map(Path, sys.argv[1:])
    data = source.read_bytes()
    ranks = gzip.decompress(data) if source.suffix == ".gz" else data
    packed = pack(ranks)
    output.write_bytes(packed)
    hashes = [hashlib.sha256(each).hexdigest() for each in (packed, ranks)]
    output.with_suffix(".sha256").write_text("\n".join(hashes) + "\n")


if __name__ == "__main__":
    main()
