"""Fixes: what is applied, what stays, and that it is done once."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from random import Random
from typing import get_args

import pyarrow
from click.testing import CliRunner, Result
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from harmony_spec import Fix, HarmonyError, Span, codec, parse, recover, render, to_json, validate
from harmony_spec.cli import main
from harmony_spec.codec import Start
from harmony_spec.linting import Checked, lint
from harmony_spec.linting.batches import Batch, FileKind, Options, Row, read_content, row_value
from harmony_spec.linting.catalogue import codes, rules, select_codes
from harmony_spec.linting.checking import check
from harmony_spec.linting.findings import Finding
from harmony_spec.validation.fixes import apply, apply_fixes

from .conversation_strategies import completion, transcript
from .recovery_strategies import any_tokens, tokens_of
from .strategies import conversations, text_contents
from .test_fixes import damaged_text, sources

GOOD = "<|start|>user<|message|>hi<|end|>"
BAD = "<|start|>user<|message|>hi<|end|><|end|>"
TOKENS = render(parse(GOOD).messages)


def run(*arguments: object, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["validate", "--isolated", *map(str, arguments)], input=given)


def fixes(source: str, changes: list[tuple[int, int, str]]) -> list[Fix]:
    found = []
    for first, second, replacement in changes:
        start, end = sorted((min(first, len(source)), min(second, len(source))))
        found.append(Fix(Span(start, end), replacement))
    return found


places = st.integers(0, 12)


@given(st.text("ab", max_size=12), st.lists(st.tuples(places, places, st.text("xy", max_size=3)), max_size=6))
def test_fixes_that_do_not_overlap_are_all_applied(source: str, changes: list[tuple[int, int, str]]) -> None:
    """What no fix touches stays; no part is replaced twice; token ids are changed as texts are."""
    found = fixes(source, changes)
    changed = apply(source, found)
    kept = [char for char in changed if char in "ab"]
    assert len(kept) >= len(source) - sum(each.span.end - each.span.start for each in found)
    tokens = [Fix(each.span, tuple(map(ord, str(each.replacement)))) for each in found]
    assert apply(list(map(ord, source)), tokens) == list(map(ord, changed))


def test_the_first_of_two_fixes_of_one_place_is_applied() -> None:
    assert apply("abcd", fixes("abcd", [(1, 3, "x"), (2, 4, "y"), (3, 4, "z")])) == "axz"
    assert apply("ab", fixes("ab", [(1, 1, "x"), (1, 1, "y")])) == "axb"


def test_fixes_that_undo_each_other_change_nothing() -> None:
    """And those that change what is read."""
    for letters in ("oi", "ij", BAD):
        replacements = cycle(letters)
        at = GOOD.index("user") + 4 if letters == BAD else GOOD.index("i<")

        def admitted(_: object, at: int = at, new: Iterator[str] = replacements) -> list[Fix]:
            return [Fix(Span(at, at + 1), next(new))]

        assert apply_fixes(GOOD, validate(GOOD), admitted, validate) == GOOD


def test_a_file_is_fixed_in_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(BAD + "\n")
    path.chmod(0o640)
    result = run("--fix", path)
    assert (result.exit_code, result.stdout) == (0, "1 input, 1 valid, 1 message, 1 fixed\n")
    assert path.read_text() == GOOD + "\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_difference_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(BAD)
    result = run("--diff", path)
    assert (result.exit_code, path.read_text()) == (1, BAD)
    cut = "\n\\ No newline at end of file\n"
    assert f"-{BAD}{cut}+{GOOD}{cut}" in result.stdout
    assert result.stderr == "1 input, 1 valid, 1 message, 1 to fix\n"
    path.write_text(GOOD)
    assert run("--diff", path).exit_code == 0


def test_standard_input_is_fixed_to_standard_output() -> None:
    result = run("--fix", "-", given=BAD + "<|start|>assistant<|channel|><|message|>x<|end|>")
    assert (result.exit_code, result.stdout) == (1, GOOD + "<|start|>assistant<|channel|><|message|>x<|end|>")
    assert "H135" in result.stderr


def test_only_rows_with_fixes_are_written_anew(tmp_path: Path) -> None:
    """All else stays as it is, byte by byte: blank lines, broken ones, other columns, spaces."""
    path = tmp_path / "rows.jsonl"
    long = json.dumps([*TOKENS, 200007])
    row = ' { "id" :1e400, "text":"no" ,  "\\u0074ext" : "' + BAD + '" , "nested": {"text": [1,  2.50]}} '
    rows = ["", f"  {TOKENS}", long, "", row, "[1, x", "\t" + long + " ", "", ""]
    path.write_text("\r\n".join(rows))
    run("--fix", path)
    short = json.dumps(TOKENS)
    rows[2], rows[4], rows[6] = short, row.replace(BAD, GOOD), "\t" + short + " "
    assert path.read_bytes().decode() == "\r\n".join(rows)


def test_a_file_of_which_nothing_is_left_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("<|end|>")
    assert "1 fixed" in run("--fix", path).stdout
    assert path.read_bytes() == b""
    assert run("--fix", "-", given="<|end|>").stdout == ""


def test_a_completion_is_not_made_a_transcript(tmp_path: Path) -> None:
    """Where `--start` was forgotten, that is said, whatever else is wrong."""
    path = tmp_path / "completion.txt"
    for text in ("<|channel|>final<|message|>Hi.<|return|>", "<|channel|>comment<|message|>Hi.<|end|>"):
        path.write_text(text)
        result = run("--fix", path)
        assert (result.exit_code, path.read_text()) == (1, text)
        assert "(--start completion)" in result.stdout or "pass --start completion" in result.stdout


def test_half_a_surrogate_pair_stays(tmp_path: Path) -> None:
    """In another column as it is; in the text, whether that is fixed or not."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"id": "\ud800é", "text": BAD}))
    assert run("--fix", path).exit_code == 0
    assert path.read_text() == json.dumps({"id": "\ud800é", "text": GOOD})
    for text in (json.dumps({"text": "\ud800" + BAD}), json.dumps("\ud800" + BAD)):
        path.write_text(text)
        assert run("--fix", path).exit_code in (0, 1)
        assert json.loads(path.read_text()) in (json.loads(text), json.loads(text.replace(BAD, GOOD)))


def test_compressed_files_stay_compressed(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt.gz"
    path.write_bytes(gzip.compress(BAD.encode()))
    assert run("--fix", path).exit_code == 0
    assert gzip.decompress(path.read_bytes()) == GOOD.encode()


def test_what_is_not_selected_is_not_fixed(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(BAD)
    assert run("--fix", "--ignore", "H115", path).exit_code == 0
    assert path.read_text() == BAD


def test_a_file_that_breaks_off_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    data = gzip.compress(b"".join(b"%d: %d\n" % (n, n**300) for n in range(3_000)) + json.dumps(TOKENS).encode())[:-50]
    path.write_bytes(data)
    assert run("--fix", path).exit_code == 2
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (data, [path])


def test_what_can_be_fixed_is_fixed_in_all_examples(tmp_path: Path) -> None:
    """Fixing again finds nothing more to fix."""
    examples = {
        code: entry["bad"]
        for code, (_, entry) in rules(codec).items()
        if isinstance(entry.get("bad"), str) and not entry.keys() & {"read", "tools", "start"}
    }
    assert len(examples) > 40
    for code, bad in examples.items():
        (tmp_path / f"{code}.txt").write_text(bad)
    run("--fix", tmp_path)
    fixable = {code.code for code in codes(codec) if code.fix == "safe"}
    for checked in lint([tmp_path], isolated=True, fix=True, jobs=1):
        assert isinstance(checked, Checked)
        assert (checked.repaired, checked.after) == ([], checked.before)
        if (code := Path(checked.name).stem) in fixable:
            assert code not in {finding.code.code for finding in checked.findings}


# Rows and conversations in every form.

rows = st.one_of(
    sources.map(json.dumps),
    st.builds(lambda source, other: json.dumps({"id": other, "text": source, "n": 1.50}), sources, st.text(max_size=5)),
    st.builds(lambda source: json.dumps({"tokens": source}, indent=1).replace("\n", ""), any_tokens),
)


@st.composite
def odd_conversations(draw: st.DrawFn) -> str:
    """Conversations in their JSON form, some of whose fields are near misses; alone, in an object, in a column."""
    value = to_json(draw(conversations(text_contents)))
    for message in value["messages"]:
        if draw(st.booleans()):
            key = draw(st.sampled_from(["channel", "recipient", "content_type"]))
            message[key] = draw(st.sampled_from(["comment", "Final", "functions.get_wether", "JSON", "json", None]))
    form = draw(st.sampled_from([value, value["messages"], {"conversation": value, "x": [1, None]}]))
    return json.dumps(form, indent=draw(st.sampled_from([None, 2])), ensure_ascii=draw(st.booleans()))


def checked(kind: FileKind, row: str, options: Options) -> Checked:
    """What is found in a row, and what it is after its fixes."""
    item = Row(1 if kind == "jsonl" else None, row.encode(errors="surrogatepass"))
    batch = Batch("a", kind, True, options, [item])
    (found,) = (each for each in check(batch) if isinstance(each, Checked))
    return found


def read_from(kind: FileKind, row: bytes, options: Options) -> list[object] | None:
    """What recovery reads from a row of JSON, whose line breaks all belong to it; None if it cannot be read."""
    try:
        source = read_content(kind, row_value(kind, row), options).source
    except HarmonyError:
        return None
    return recover(source, options.start).messages


levels = st.sampled_from([(False, ()), (True, ()), (True, ("ALL",))])
ALL = frozenset(code.code for code in codes(codec))


@given(rows, levels, st.sampled_from(get_args(Start)))
@example(json.dumps("<|channel|>commentary to=functions.f<|message|>{}\n"), (True, ("ALL",)), "transcript")
def test_a_fixed_row_reads_as_before(row: str, level: tuple[bool, tuple[str, ...]], start: Start) -> None:
    """And is fixed once; its other columns stay."""
    options = Options(ALL, start, fix=True, unsafe_fixes=level[0], fixable=select_codes(codec, level[1]))
    once = checked("jsonl", row, options)
    again = checked("jsonl", once.after.decode(), options)
    assert (again.after, again.repaired) == (once.after, [])
    assert read_from("jsonl", once.before, options) == read_from("jsonl", once.after, options)
    before, after = json.loads(once.before), json.loads(once.after)
    if isinstance(before, dict):
        assert list(before) == list(after)
        assert {key: before[key] for key in before if key not in ("text", "tokens")}.items() <= after.items()


def test_space_that_json_does_not_know_is_no_part_of_a_row() -> None:
    """At its end, it stays."""
    options = Options(ALL, fix=True)
    row = json.dumps({"text": BAD})
    assert [each.column for each in checked("jsonl", f"\xa0{row}", options).findings] == [1]
    assert checked("jsonl", f" \t{row}\xa0", options).after == f" \t{json.dumps({'text': GOOD})}\xa0".encode()
    assert [each.column for each in checked("jsonl", "  [1, x]\n", options).findings] == [7]


@given(odd_conversations(), levels)
@example('[{"role": "user", "content": "x", "channel": "json"}]', (False, ()))
def test_a_fixed_conversation_reads_as_before(text: str, level: tuple[bool, tuple[str, ...]]) -> None:
    """Only fields of headers change, which no safe fix does. What the format cannot express is left alone."""
    options = Options(ALL, fix=True, unsafe_fixes=level[0], fixable=select_codes(codec, level[1]))
    once = checked("json", text, options)
    again = checked("json", once.after.decode(), options)
    assert (again.after, again.repaired) == (once.after, [])
    assert read_from("json", once.before, options) == read_from("json", once.after, options)
    if once.after != once.before:
        assert once.repaired
        assert level[0]
        rows = (row_value("json", each) for each in (once.before, once.after))
        old, new = (read_content("json", each, options).messages for each in rows)
        assert [m.content for m in old or ()] == [m.content for m in new or ()]


def codes_of(findings: Iterable[Finding]) -> Counter[str]:
    return Counter(finding.code.code for finding in findings)


def test_what_is_marked_is_what_is_fixed() -> None:
    """And none is left that has a fix to apply."""
    numbers: Counter[str] = Counter()
    for seed in range(300):
        rng = Random(seed)
        talk = completion(rng) if seed % 2 else transcript(rng)
        text = damaged_text(rng, damaged_text(rng, talk.text()))
        unsafe, fixable = ((False, ()), (True, ()), (True, ("ALL",)))[seed % 3]
        options = Options(ALL, talk.start, unsafe_fixes=unsafe, fixable=select_codes(codec, fixable))
        for source in (text, tokens_of(text)):
            before = checked("jsonl", json.dumps(source), options)
            after = checked("jsonl", json.dumps(source), replace(options, fix=True))
            marked = [finding for finding in before.findings if finding.is_fixable]
            assert codes_of(marked) == codes_of(after.repaired)
            assert [finding.is_fixable for finding in after.findings] == [False] * len(after.findings)
            numbers.update(fixed=len(marked), left=len(after.findings))
    assert min(numbers.values()) > 100


@given(odd_conversations(), levels)
def test_what_is_marked_in_a_conversation_is_what_is_fixed(text: str, level: tuple[bool, tuple[str, ...]]) -> None:
    """The JSON form has fields, but no stop tokens that a fix could replace."""
    options = Options(ALL, unsafe_fixes=level[0], fixable=select_codes(codec, level[1]))
    before, after = (checked("json", text, each) for each in (options, replace(options, fix=True)))
    assert codes_of(each for each in before.findings if each.is_fixable) == codes_of(after.repaired)
    assert not any(each.is_fixable for each in after.findings)
    next_run = checked("json", after.after.decode(), options)
    assert codes_of(next_run.findings) == codes_of(after.findings)


def test_a_fix_that_is_not_applied_is_not_marked(tmp_path: Path) -> None:
    """A column of lists of a fixed size cannot hold the shorter list."""
    path = tmp_path / "rows.parquet"
    bad = [*TOKENS, 200007]
    parquet.write_table(pyarrow.table({"tokens": pyarrow.array([bad], pyarrow.list_(pyarrow.int64(), len(bad)))}), path)
    assert run("--fix", path).stdout.endswith("\n1 input, 0 valid, 1 message, 1 finding\n")


def test_no_fix_removes_the_last_special_token(tmp_path: Path) -> None:
    """Without one, the next run takes the file for something else, and its findings are gone."""
    path = tmp_path / "s.txt"
    path.write_text("<|end|>Hello there.\n")
    for _ in range(2):
        result = CliRunner().invoke(main, ["validate", "--isolated", "--fix", str(path)])
        assert (result.exit_code, path.read_text()) == (1, "<|end|>Hello there.\n")


def test_conversations_that_are_texts_are_read_and_fixed(tmp_path: Path) -> None:
    """Columns of Parquet files have the JSON of messages as texts, as `convert` writes them."""
    call = {"role": "assistant", "content": "{}", "channel": "commentary", "recipient": "function.f"}
    wrong = json.dumps([{"role": "user", "content": "Hi."}, call])
    fixed = wrong.replace("function.f", "functions.f")
    lines, table = tmp_path / "rows.jsonl", tmp_path / "rows.parquet"
    whole = json.dumps({"messages": json.loads(wrong)})
    lines.write_text(
        "".join(json.dumps({"id": 1, key: text}) + "\n" for key, text in (("messages", wrong), ("text", whole)))
    )
    parquet.write_table(pyarrow.table({"messages": [wrong]}), table)
    for path, count in ((lines, 2), (table, 1)):
        found = run(path)
        assert found.stdout.count("misspelt-recipient") == count
        assert "writes '<|start|>assistant to=functions.f<|channel|>commentary<|message|>'" in found.stdout
        assert run("--fix", "--unsafe-fixes", path).exit_code == 0
    assert [json.loads(line).get("messages") for line in lines.read_text().splitlines()] == [fixed, None]
    assert json.loads(lines.read_text().splitlines()[1])["text"] == whole.replace("function.f", "functions.f")
    assert parquet.read_table(table).to_pylist() == [{"messages": fixed}]
