"""Files with their fixes: which rows change, and how."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from harmony_spec import parse
from harmony_spec.linting.json_edits import edit_json, with_values

from .test_linting_fixes import BAD, GOOD, TOKENS, run

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

UNSAFE = "<|start|>assistant<|channel|>analysis<|channel|>commentary to=f to=f<|message|>{}<|call|>"
WRITTEN = "<|start|>assistant to=f<|channel|>commentary<|message|>{}<|call|>"
CUT = "<|start|>assistant<|channel|>final<|message|>Hi."
PACKERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "": (bytes, bytes),
    ".gz": (gzip.compress, gzip.decompress),
    ".zst": (zstd.compress, zstd.decompress),
}


def test_unsafe_and_display_fixes_are_applied_on_request(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, (BAD, UNSAFE, CUT))))
    found = run(path).stdout
    assert found.count("[*]") == 2
    assert "help: --fix --unsafe-fixes writes " in found
    assert "help: --fix --fixable H114 writes '<|end|>'." in found
    assert found.endswith(" 4 findings ([*] 1 fixable with --fix, 2 with --unsafe-fixes, 1 with --fixable CODES)\n")
    assert run("--fix", path).exit_code == 1
    assert path.read_text() == "\n".join(map(json.dumps, (GOOD, UNSAFE, CUT)))
    assert run("--fix", "--unsafe-fixes", path).exit_code == 1
    assert path.read_text() == "\n".join(map(json.dumps, (GOOD, WRITTEN, CUT)))
    assert run("--fix", "--fixable", "missing-terminator", path).exit_code == 0
    assert path.read_text() == "\n".join(map(json.dumps, (GOOD, WRITTEN, CUT + "<|end|>")))
    assert run("--fix", "--fixable", "H9", path).exit_code == 2


def test_results_hold_what_was_fixed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    for suffix in (".jsonl", ".parquet"):
        path.write_text("\n".join(map(json.dumps, (BAD, GOOD, CUT))))
        out = tmp_path / f"found{suffix}"
        run("--fix", "-o", out, path)
        rows = [json.loads(line) for line in out.read_text().splitlines()] if suffix == ".jsonl" else None
        rows = parquet.read_table(out).to_pylist() if rows is None else rows
        assert [[each["code"] for each in row["fixed"]] for row in rows] == [["H115"], [], []]
        assert [[each["code"] for each in row["findings"]] for row in rows] == [[], [], ["H114"]]
        assert [row["valid"] for row in rows] == [True, True, False]
        assert rows[0]["fixed"][0]["span"] == [33, 40]


def test_other_files_are_skipped_in_folders_and_refused_by_name(tmp_path: Path) -> None:
    """And neither is written, whatever the options but --stripped."""
    others = {
        "requirements.txt": b"numpy\nscipy\n",
        "package.json": b'{"name": "x", "private": true}',
        "tsconfig.json": b'{"compilerOptions": {}, // comment\n}',
        "ids.json": b"[1, 2, 3]",
        "latin.txt": b"\xe9t\xe9",
    }
    for name, data in others.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "good.txt").write_text(GOOD)
    every = ("--fix", "--unsafe-fixes", "--fixable", "ALL")
    result = run(*every, tmp_path)
    assert (result.exit_code, result.stdout) == (
        0,
        "1 input, 1 valid, 1 message, skipped 5 files without special tokens or rows\n",
    )
    for name, data in others.items():
        result = run(*every, tmp_path / name)
        assert result.exit_code == (2 if name in ("requirements.txt", "ids.json") else 1)
        assert (tmp_path / name).read_bytes() == data
    assert "not Harmony: no special tokens" in run(tmp_path / "requirements.txt").stderr
    assert run("-", given="numpy").exit_code == 2
    rows = tmp_path / "rows.jsonl"
    rows.write_text('"numpy"\n{"text": "scipy"}\n')
    result = run(*every, rows)
    assert (result.exit_code, rows.read_text()) == (1, '"numpy"\n{"text": "scipy"}\n')
    assert result.stdout.count("H117 missing-header") == 2
    assert result.stdout.count("= help: The text has no special tokens; if they were stripped, pass --stripped.") == 2


def test_stripped_text_is_written_on_request(tmp_path: Path) -> None:
    path = tmp_path / "stripped.txt"
    path.write_text("analysisWe need to answer.assistantfinalHello.")
    how = ("--start", "completion", "--stripped")
    assert run(*how, "--fix", "--unsafe-fixes", path).exit_code == 1
    assert path.read_text() == "analysisWe need to answer.assistantfinalHello."
    assert run(*how, "--fix", "--fixable", "H163", path).exit_code == 0
    parse(path.read_text(), "completion")
    assert path.read_text().startswith("<|channel|>analysis<|message|>We need to answer.<|end|>")


@pytest.mark.parametrize("packed", PACKERS)
def test_the_rows_of_parquet_files_are_fixed(packed: str, tmp_path: Path) -> None:
    """All else stays: the schema, its metadata, compression, other columns, row groups, absent values."""
    path = tmp_path / f"rows.parquet{packed}"
    pack, unpack = PACKERS[packed]
    schema = pyarrow.schema(
        [
            pyarrow.field("id", pyarrow.int16(), metadata={"k": "v"}),
            pyarrow.field("tokens", pyarrow.list_(pyarrow.uint32())),
            pyarrow.field("when", pyarrow.timestamp("us", "UTC")),
        ],
        metadata={"owner": "me"},
    )
    bad = [*TOKENS, 200007]
    rows = [{"id": n, "tokens": bad if n % 3 else TOKENS, "when": n * 1000 if n % 2 else None} for n in range(40)]
    data = BytesIO()
    with parquet.ParquetWriter(data, schema, compression={"id": "gzip", "tokens.list.element": "zstd"}) as writer:
        for first in range(0, 40, 10):
            writer.write_table(pyarrow.Table.from_pylist(rows[first : first + 10], schema))
    path.write_bytes(pack(data.getvalue()))
    assert run("--diff", path).stdout.count("\n-[") == 26
    result = run("--fix", path)
    assert (result.exit_code, result.stdout) == (0, "40 inputs, 40 valid, 40 messages, 26 fixed\n")
    before, after = (parquet.ParquetFile(BytesIO(each)) for each in (data.getvalue(), unpack(path.read_bytes())))
    assert after.read().to_pylist() == [
        row | {"tokens": TOKENS, "when": old}
        for row, old in zip(rows, before.read().column("when").to_pylist(), strict=True)
    ]
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert after.metadata.num_row_groups == before.metadata.num_row_groups
    for column in range(3):
        old, new = (each.metadata.row_group(0).column(column) for each in (before, after))
        assert (new.path_in_schema, new.compression) == (old.path_in_schema, old.compression)
    data_then = path.read_bytes()
    assert (run("--fix", path).exit_code, path.read_bytes()) == (0, data_then)


TALK = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "channel": "comment", "content": "Yo"}]}


def test_conversations_are_fixed_field_by_field(tmp_path: Path) -> None:
    """Keys that nothing reads stay, and so does all that is not changed, byte by byte."""
    text = (
        '{ "id": 1.50, "messages": [\n {"role":"user","content":"Hi"},\n'
        ' {"role": "assistant", "channel" : "comment","content":"Y\\u006f"}], "x": [1e400, null]}\n'
    )
    path, rows = tmp_path / "one.json", tmp_path / "rows.jsonl"
    path.write_text(text)
    rows.write_text(json.dumps({"conversation": TALK}) + "\n" + json.dumps(TALK["messages"]) + "\n")
    assert (run("--fix", path, rows).exit_code, path.read_text()) == (1, text)
    assert run("--fix", "--unsafe-fixes", path, rows).exit_code == 0
    assert path.read_text() == text.replace('"comment"', '"commentary"')
    written = json.dumps(TALK).replace('"comment"', '"commentary"')
    assert [json.loads(line) for line in rows.read_text().splitlines()] == [
        {"conversation": json.loads(written)},
        json.loads(written)["messages"],
    ]


@pytest.mark.parametrize("name", ["one.json", "rows.jsonl"])
def test_fixes_left_in_a_conversation_are_reported(name: str, tmp_path: Path) -> None:
    """With the option that applies them."""
    kind, call = "<|constrain|>JSON", {"role": "assistant", "channel": "commentary", "recipient": "functions.f"}
    talk = {"id": 7, "messages": [*TALK["messages"], {**call, "content_type": kind, "content": "{}"}]}
    path = tmp_path / name
    path.write_text(json.dumps(talk))
    found = run(path).stdout
    assert (found.count("help: --fix --unsafe-fixes writes "), "[*]" in found) == (2, False)
    assert found.endswith(" 2 findings (2 with --unsafe-fixes)\n")
    fixed = run("--fix", "--fixable", "misspelt-channel", path).stdout
    assert ("H136" in fixed, fixed.count("help: --fix --unsafe-fixes writes ")) == (False, 1)
    assert "/messages/2: error H148 misspelt-content-type: " in fixed
    assert fixed.endswith(" 1 finding (1 with --unsafe-fixes), 1 fixed\n")
    assert json.loads(path.read_text()) == json.loads(json.dumps(talk).replace('"comment"', '"commentary"'))
    assert run("--fix", "--unsafe-fixes", path).stdout == "1 input, 1 valid, 3 messages, 1 fixed\n"


@pytest.mark.parametrize(
    ("more", "left"), [((), ["H118", "H137", "H509"]), (("--fixable", "ALL"), [])], ids=["unsafe", "all"]
)
def test_a_conversation_has_no_stop_tokens_to_fix(more: tuple[str, ...], left: list[str], tmp_path: Path) -> None:
    """They follow from the fields, which may be fixed."""
    talk = [{**TALK["messages"][1]}, {"role": "assistant", "channel": "functions.f", "content": "{}"}]
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(talk))
    fixed = run("--fix", "--unsafe-fixes", *more, path)
    assert re.findall(r" error (H\d+) ", fixed.stdout) == left
    assert ("writes the tokens [200012]" in fixed.stdout, "commentary" in path.read_text()) == (False, True)
    assert re.findall(r" error (H\d+) ", run("--unsafe-fixes", *more, path).stdout) == left


def test_conversations_in_parquet_are_fixed(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    rows = [{"messages": TALK["messages"], "n": 1}, {"messages": TALK["messages"][:1], "n": 2}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    assert run("--fix", "--unsafe-fixes", path).exit_code == 0
    written = parquet.read_table(path).to_pylist()
    assert [[message["channel"] for message in row["messages"]] for row in written] == [[None, "commentary"], [None]]
    assert [row["n"] for row in written] == [1, 2]


@pytest.mark.parametrize(
    ("wrong", "more"),
    [
        ({"content_type": "final"}, ["--unsafe-fixes"]),
        ({"recipient": "analysis"}, ["--unsafe-fixes"]),
        ({"channel": "functions.x"}, ["--fixable", "ALL"]),
    ],
)
@pytest.mark.parametrize("is_whole", [False, True])
def test_a_struct_without_a_field_for_the_fix_is_left_alone(
    wrong: dict[str, str], more: list[str], is_whole: bool, tmp_path: Path
) -> None:
    """The repaired value would be lost; with a place for it, it is written."""
    path = tmp_path / "rows.parquet"
    keys = ["role", "content", *(["channel", "recipient", "content_type"] if is_whole else wrong)]
    kind = pyarrow.list_(pyarrow.struct([(key, pyarrow.string()) for key in keys]))
    messages = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "{}", **wrong}]
    parquet.write_table(pyarrow.table({"messages": pyarrow.array([messages], kind)}), path)
    before = path.read_bytes()
    assert "[*]" in run(*more, path).stdout
    result = run("--fix", *more, path).stdout
    assert (" fixed" in result, path.read_bytes() != before, "[*]" in result) == (is_whole, is_whole, False)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('aé"\\{}[],: \n', max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(values, values, st.data())
def test_an_edit_changes_one_value(value: object, new: object, data: st.DataObject) -> None:
    """At any path of any JSON, with any white space; `with_values` does the same to the value itself."""
    path: tuple[str | int, ...] = ()
    inside: Any = value
    while isinstance(inside, list | dict) and data.draw(st.booleans()):
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        if isinstance(inside, dict) and data.draw(st.booleans()):
            path = (*path, "new key")
            break
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        path, inside = (*path, key), inside[key]
    text = json.dumps(value, indent=data.draw(st.sampled_from([None, 1, "\t"])), ensure_ascii=data.draw(st.booleans()))
    assert json.loads(edit_json(text, {path: new})) == with_values(value, {path: new})


@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_rows_keep_their_form(packed: str, line_break: str, tmp_path: Path) -> None:
    """Their keys, their boundaries, their compression; what is right or broken stays as it is, byte by byte."""
    rows = [
        "",
        json.dumps({"id": 1, "text": BAD}),
        '  {"id": 2,   "text": "' + GOOD + '"}',
        "[1, x",
        "",
        json.dumps(BAD),
    ]
    fixed_rows = [*rows[:1], json.dumps({"id": 1, "text": GOOD}), *rows[2:5], json.dumps(GOOD)]
    path = tmp_path / f"rows.jsonl{packed}"
    pack, unpack = PACKERS[packed]
    path.write_bytes(pack(line_break.join(rows).encode()))
    assert run("--fix", path).exit_code == 1
    assert unpack(path.read_bytes()).decode() == line_break.join(fixed_rows)
    assert run("--fix", "-", given=line_break.join(rows).encode()).stdout_bytes.decode() == (
        line_break.join(fixed_rows)
    )


def test_rows_before_the_first_fix_are_copied(tmp_path: Path) -> None:
    """Compressed or not, in several batches; the file is begun with its first fix."""
    good, bad = (json.dumps({"text": text, "filler": "x" * 900}) for text in (GOOD, BAD))
    for packed, (pack, unpack) in PACKERS.items():
        path = tmp_path / f"rows.jsonl{packed}"
        path.write_bytes(pack("\n".join([good] * 5_000 + [bad, good]).encode()))
        assert run("--fix", "-j", "2", path).exit_code == 0
        assert unpack(path.read_bytes()).decode() == "\n".join([good] * 5_002)


def test_a_line_break_of_a_row_belongs_to_it(tmp_path: Path) -> None:
    """In JSON, nobody's editor has added it; in a text file, an editor may have."""
    text = "<|start|>assistant<|channel|>final<|message|>code:\nx\n"
    path, rows = tmp_path / "a.txt", tmp_path / "rows.jsonl"
    path.write_text(text)
    rows.write_text(json.dumps({"text": text}))
    assert run("--fix", "--fixable", "H114", path, rows).exit_code == 0
    assert path.read_text() == text.rstrip("\n") + "<|end|>\n"
    assert json.loads(rows.read_text()) == {"text": text + "<|end|>"}


LINES = [
    *map(json.dumps, (GOOD, GOOD, BAD, CUT)),
    '{"id": "\u00e9\u2028\x0c", "text": "' + BAD + '"}',
    "[1, x",
    "\xff",
    "",
    f"  {json.dumps(BAD)}\r",
]
APPLIERS = [[*command] for command in (("patch", "-p0"), ("git", "apply", "-p0")) if shutil.which(command[0])]


def applied(command: list[str], folder: Path, change: bytes) -> dict[str, bytes]:
    """The files of a copy of a folder to which a difference was applied."""
    copy = folder.with_name(f"{folder.name}.{command[0]}")
    shutil.copytree(folder, copy)
    done = subprocess.run(command, cwd=copy, input=change, capture_output=True, check=False)
    assert done.returncode == 0, (done, change)
    return {str(path.relative_to(copy)): path.read_bytes() for path in copy.rglob("*") if path.is_file()}


@pytest.mark.parametrize("seed", range(12))
def test_a_difference_is_a_patch(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applied, it changes each file to what `--fix` writes; findings that are left do not disturb it."""
    assert APPLIERS
    rng = Random(seed)
    folder = tmp_path / "files"
    (folder / "in a").mkdir(parents=True)
    for name in ("rows.jsonl", "in a/two words.jsonl", " first.jsonl", 'quo"ted\t.jsonl', "é.ndjson"):
        rows = rng.choices(LINES, [3, rng.choice([1, 9]), 1, 1, 1, 1, 1, 1, 1], k=rng.randrange(1, 60))
        text = "\n".join(rows).encode("latin-1", "xmlcharrefreplace") + b"\n" * rng.randrange(3)
        (folder / name).write_bytes(text)
    words = "\n".join(map(str, range(rng.randrange(30))))
    texts = [f"{GOOD[:-7]}{words}<|end|>", f"{BAD[:-14]}{words}\u2028\x0c<|end|><|end|>"]
    (folder / "text.txt").write_text("".join(rng.choices(texts, k=4)) + rng.choice(["", "\n"]))
    monkeypatch.chdir(folder)
    change = run("--diff", ".", folder / "rows.jsonl").stdout_bytes
    changed = [applied(command, folder, change) for command in APPLIERS]
    run("--fix", ".")
    expected = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert changed == [expected] * len(APPLIERS)


def test_a_difference_skips_rows_that_are_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines before and after them are no context of each other: `git` has to be told so."""
    folder = tmp_path / "files"
    folder.mkdir()
    lines = [GOOD, BAD, "x" * 5000, GOOD, BAD, GOOD]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    monkeypatch.chdir(folder)
    how = ("--max-row-bytes", 1000, folder / "rows.jsonl")
    change = run("--diff", *how).stdout_bytes
    assert change.startswith(b"--- rows.jsonl\n+++ rows.jsonl\n@@ -1,2 +1,2 @@\n")
    assert b"\n@@ -4,3 +4,3 @@\n" in change
    (changed,) = applied(["git", "apply", "-p0", "--unidiff-zero"], folder, change).values()
    run("--fix", *how)
    assert changed == (folder / "rows.jsonl").read_bytes()


def test_a_difference_of_a_line_ends_at_line_feeds(tmp_path: Path) -> None:
    """Lines are those of `patch`, which only a line feed ends."""
    path = tmp_path / "bad.txt"
    path.write_text("<|start|>user<|message|>a\u2028b\x0cc<|end|><|end|>")
    lines = run("--diff", path).stdout.split("\n")
    assert lines[2:7:2] == ["@@ -1 +1 @@", "\\ No newline at end of file", "\\ No newline at end of file"]


def odd_tables() -> list[tuple[pyarrow.Table, dict[str, Any], int]]:
    """Tables, how they are written, and the exit status of a fix."""
    bad = [*TOKENS, 200007]
    when = pyarrow.array([{"text": BAD, "x": 1}], pyarrow.struct([("text", "string"), ("x", pyarrow.timestamp("ns"))]))
    twice = pyarrow.Table.from_arrays([pyarrow.array([BAD]), pyarrow.array([1])], names=["text", "text"])
    fixed = pyarrow.array([bad], pyarrow.list_(pyarrow.int64(), len(bad)))
    return [
        (pyarrow.table({"tokens": [bad] * 9, "l": [[1, 2]] * 9}), {"use_compliant_nested_type": False}, 0),
        (pyarrow.table({"tokens": fixed}), {}, 1),
        (pyarrow.table({"messages": when}), {}, 1),
        (twice, {}, 2),
        (pyarrow.table({"messages": [{"text": BAD, "x": float("nan")}]}), {}, 0),
    ]


@pytest.mark.parametrize("case", range(5))
def test_odd_parquet_files_end_in_one_line(case: int, tmp_path: Path) -> None:
    """Or keep their layout; what a column cannot hold is not written."""
    table, how, status = odd_tables()[case]
    path = tmp_path / "rows.parquet"
    parquet.write_table(table, path, compression="zstd", **how)
    before = parquet.ParquetFile(path).metadata
    result = run("--fix", path)
    assert (result.exit_code, result.exception is None or isinstance(result.exception, SystemExit)) == (status, True)
    after = parquet.ParquetFile(path).metadata
    for column in range(before.num_columns):
        old, new = before.row_group(0).column(column), after.row_group(0).column(column)
        assert (old.path_in_schema, old.compression) == (new.path_in_schema, new.compression)


@pytest.mark.parametrize("end", ["<|return|>\n", "<|end|>\n"])
def test_what_is_marked_in_a_row_is_fixed(end: str, tmp_path: Path) -> None:
    """A stop token before a line break that belongs to the row is not the last thing in it."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "<|channel|>commentary to=functions.f json<|message|>{}" + end}))
    found = run("--start", "completion", path).stdout
    assert ("[*]" in found, "H509" in found) == (False, True)
    assert run("--start", "completion", "--fix", path).stdout == found


def test_after_fixes_the_next_run_is_reported(tmp_path: Path) -> None:
    """Also if the last line break is taken for an editor's only then."""
    path, rows = tmp_path / "a.txt", tmp_path / "rows.jsonl"
    path.write_text(f"{GOOD}\n<|end|>")
    history = GOOD.replace("<|end|>", "<|return|>") + "<|start|>assistant<|channel|>final<|message|>ok<|return|>\n"
    rows.write_text(json.dumps({"text": history}))
    for each in (path, rows):
        fixed = run("--fix", each)
        assert (fixed.exit_code, run(each).exit_code) == (0, 0)


@pytest.mark.parametrize("options", [("--diff", "rows.jsonl"), ("--fix", "--input-format", "jsonl", "-")])
def test_output_that_nobody_reads_ends_the_run(options: tuple[str, ...], tmp_path: Path) -> None:
    """Without a word, as of other commands; it is no fault of the file. A full device is one of the output."""
    rows = (json.dumps(BAD) + "\n") * 1_000
    (tmp_path / "rows.jsonl").write_text(rows)
    command = [Path(sys.executable).parent / "harmony-spec", "validate", "--exit-zero", "-j", "1", *options]
    read_end, closed = os.pipe()
    os.close(read_end)
    for out, status, expected in ((closed, 141, b""), (os.open("/dev/full", os.O_WRONLY), 2, b"the output: No space")):
        with open(tmp_path / "rows.jsonl") as given, open(tmp_path / "errors", "wb") as errors:
            done = subprocess.run(
                command, cwd=tmp_path, stdin=given, stdout=out, stderr=errors, check=False, timeout=60
            )
        os.close(out)
        said = (tmp_path / "errors").read_bytes()
        assert (done.returncode, expected in said, b"roken pipe" in said) == (status, True, False)


def test_parquet_on_standard_input_is_fixed() -> None:
    data = BytesIO()
    parquet.write_table(pyarrow.table({"id": [1, 2], "text": [GOOD, BAD]}), data)
    result = run("--fix", "-", given=data.getvalue())
    assert result.exit_code == 0
    assert parquet.read_table(BytesIO(result.stdout_bytes)).column("text").to_pylist() == [GOOD, GOOD]


def test_standard_input_that_breaks_off_is_not_written() -> None:
    """As of files: all of it, or nothing."""
    lines = [json.dumps({"id": Random(n).randbytes(5_000).hex(), "text": BAD}) for n in range(200)]
    data = gzip.compress("\n".join(lines).encode())
    result = run("--fix", "--input-format", "jsonl", "-", given=data[:-20])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the compressed file is broken" in result.stderr


def test_the_name_of_a_compressed_file_is_not_in_it(tmp_path: Path) -> None:
    """That of the hidden file differs each time."""
    path = tmp_path / "bad.txt.gz"
    path.write_bytes(gzip.compress(BAD.encode()))
    assert run("--fix", path).exit_code == 0
    assert b"harmony-spec" not in path.read_bytes()


@pytest.mark.parametrize("given", ["<(cat s.jsonl)", "/dev/stdin < <(cat s.jsonl)", "named.jsonl", "- < s.jsonl"])
def test_a_pipe_is_fixed_as_a_whole(given: str, tmp_path: Path) -> None:
    """A pipe can be read once only; the rows without a fix were lost."""
    rows = [json.dumps(text) + "\n" for text in (GOOD, BAD, GOOD)]
    (tmp_path / "s.jsonl").write_text("".join(rows))
    os.mkfifo(tmp_path / "named.jsonl")
    (tmp_path / "-").write_text("not standard input")
    writer = "(cat s.jsonl > named.jsonl &); " * given.startswith("named")
    command = f"{sys.executable} -m harmony_spec validate --isolated --input-format jsonl"
    script = f"{writer}{command} --fix --fixed-output out.jsonl {given}; {writer}{command} --diff {given}"
    found = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    fixed = (tmp_path / "out.jsonl").read_text().splitlines(keepends=True)
    assert (fixed[0], fixed[2], len(fixed)) == (rows[0], rows[2], 3)
    assert fixed[1] != rows[1]
    assert f"\n {rows[0]}-{rows[1]}+{fixed[1]} {rows[2]}" in found.stdout
