"""`harmony-spec show`: what is shown is the input, in the terminal, in a page and in a notebook."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from harmony_spec import codec, decode, encode, parse, recover, validate
from harmony_spec.cli import main
from harmony_spec.source.saved_text import without_line_break
from harmony_spec.view import html_page as page_module
from harmony_spec.view.html_page import PageTooLarge, html_fragment, html_page
from harmony_spec.view.shown_row import GAP_SECTION, OPEN_HEADER_SECTION, ShownRow, shown_report
from harmony_spec.view.statistics import Statistics
from harmony_spec.view.terminal_view import row_lines

from . import dialect
from .conftest import examples
from .recovery_strategies import damaged, mutated
from .test_dialects import codec_of

BAD = "<|start|>user<|message|>Hi.<|end|>x<|start|>assistant<|channel|>finl<|message|>Hello.<|return|>"
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onload="x',
    "--><b>",
    "--!><b>",
    "]]>",
    "<!--",
    "{{ 7 * 7 }}{% raw %}",
    "</pre></style></title><svg/onload=x>",
    "\u2028\u0000\ud800",
    "&lt;b&gt;&amp;",
]


def run(*arguments: object, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["show", *map(str, arguments)], input=given)


def pieces_of(row: ShownRow) -> list[Any]:
    return [piece for section in row.sections for piece in section.pieces]


@examples(300)
@given(mutated() | st.text(max_size=60) | damaged(), st.booleans())
def test_pieces_are_the_input(source: str | list[int], has_tokens: bool) -> None:
    """Pieces joined are the input, their tokens its ids; findings lie in their pieces."""
    row = shown_report(validate(source), has_tokens=has_tokens)
    text = source if isinstance(source, str) else decode(source)
    shown = "".join(piece.text for piece in pieces_of(row))
    assert shown == text or (shown == without_line_break(text) and isinstance(source, str))
    tokens = [token for piece in pieces_of(row) for token, _ in piece.tokens]
    if has_tokens and isinstance(source, list):
        assert tokens == source
    else:  # each piece of a text is encoded alone; half of a character cannot be
        assert decode(tokens) == ("" if not has_tokens or re.search("[\ud800-\udfff]", shown) else shown)
    for piece in pieces_of(row):
        assert not piece.tokens or sum(length for _, length in piece.tokens) == len(piece.text)
    for section in row.sections:
        for finding in section.findings:
            assert 0 <= finding.start <= finding.end <= len(section.pieces[finding.piece].text)
    assert len(row.all_findings) == len(validate(source).diagnostics)


@given(mutated() | damaged(), st.integers(20, 120), st.booleans())
def test_the_terminal_shows_each_finding_once(source: str | list[int], width: int, has_tokens: bool) -> None:
    report = validate(source)
    lines = [line.plain for line in row_lines(shown_report(report, has_tokens=has_tokens), width)]
    codes = Counter(each.code.code + " " + each.code.name for each in report.diagnostics)
    found = Counter(match[0] for line in lines for match in re.finditer(r"(?<=\^ |  )H\d\d\d [a-z-]+(?=:)", line))
    assert {name: found[name] for name in codes} == codes
    assert all("\n" not in line and "\x1b" not in line for line in lines)


def test_findings_stand_under_their_place() -> None:
    lines = run("-", given=BAD).stdout.splitlines()
    at = lines.index("  <|start|>assistant<|channel|>finl<|message|>")
    assert lines[at + 1].index("^") == lines[at].index("finl")
    assert lines[at - 1] == "2 role assistant, channel final (repaired)"


def test_the_last_line_break_of_a_file_is_not_shown() -> None:
    good = "<|start|>user<|message|>Hi.<|end|>"
    for end, is_shown in (("", False), ("\n", False), ("\r\n", False), ("\n\n", True), (" ", True)):
        shown = run("-", given=good + end).stdout
        assert ("outside of any message" in shown) == is_shown


def test_tokens_are_marked() -> None:
    (user,) = shown_report(validate(BAD[: BAD.index("x<")]), has_tokens=True).sections
    assert [token for token, _ in user.pieces[1].tokens] == encode("Hi.")
    shown = run("--tokens", "-", given="<|start|>user<|message|>a\n\nb<|end|>").stdout
    ids = re.findall("⟨([0-9]+)⟩", shown)
    assert list(map(int, ids)) == encode("<|start|>user<|message|>a\n\nb<|end|>", allowed_special="all")


class Elements(HTMLParser):
    """The elements and attribute names of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attributes)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def blocks_of(page: str) -> list[str]:
    packed = re.findall(r'<script type="application/octet-stream" class="data">([^<]*)</script>', page)
    return [gzip.decompress(b64decode(each)).decode() for each in packed]


def page_of(*sources: str | list[int], names: str = "rows.jsonl") -> str:
    rows = [shown_report(validate(source), f"{names}:{at}", at, has_tokens=True) for at, source in enumerate(sources)]
    return html_page(rows, names, [kind.name for kind in codec.FORMAT.turn]).decode()


hostile = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=10), min_size=1, max_size=4).map("".join)


@examples(120)
@given(hostile, hostile, hostile)
def test_inputs_add_no_element(content: str, name: str, file: str) -> None:
    """Whatever contents, names, files and findings spell, a page has the elements of a harmless one."""
    role = re.sub(r"[\s<>|]", "", name) or "x"

    def rows(content: str, role: str, file: str) -> str:
        text = f"<|start|>functions.{role} to=assistant<|channel|>commentary<|message|>{content}<|end|>"
        return page_of(encode(text, allowed_special="all"), names=file) if text.isascii() else page_of(text, names=file)

    drawn, plain = rows(content, role, file), rows("x", "x", "x")
    filters = {"label", "select", "option"}  # one for each code, and for each field with several values
    assert [each for each in Elements(drawn).found if each[0] not in filters] == [
        each for each in Elements(plain).found if each[0] not in filters
    ]
    assert set(Elements(drawn).found) <= set(Elements(page_of(BAD)).found)
    assert drawn.startswith("<!DOCTYPE html><!-- This page contains the transcripts")
    (cards,) = blocks_of(drawn)
    known = {tag for tag, _ in Elements(blocks_of(page_of(BAD))[0]).found}
    assert {tag for tag, _ in Elements(cards).found} <= known
    assert all(not name.startswith("on") for _, names in Elements(cards).found for name in names)


def test_a_page_is_complete_and_runs_its_own_script_only() -> None:
    page = page_of(*[BAD] * 450)
    assert [html.count('<li class="row">') for html in blocks_of(page)] == [200, 200, 50]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'; ") or policy[1].startswith("default-src &#39;none&#39;; ")
    for kind, text in re.findall(r"<(script|style)>(.*?)</\1>", page, re.DOTALL):
        digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src &#39;sha256-{digest}" in policy[0] or f"{kind}-src 'sha256-{digest}" in policy[0]
    assert not re.search(r"\b(src|href)=|https?://|@import|url\(", re.sub(r"<script.*?</script>", "", page, flags=re.S))
    assert page_of(BAD) == page_of(BAD)


def test_a_page_marks_findings_and_repairs() -> None:
    (cards,) = blocks_of(page_of(BAD))
    assert '<mark class="error">finl</mark>' in cards
    assert "<strong>H136 misspelt-channel</strong>" in cards
    assert "(repaired)" in cards
    assert 'data-tokens="12194,2 13,1 "' in cards


def test_rare_values_are_one_entry() -> None:
    """Of filters and of statistics: malformed rows may have a channel each."""
    texts = [f"<|start|>assistant<|channel|>c{at % 150}<|message|>x<|end|>" for at in range(200)]
    rows = [shown_report(validate(text), has_tokens=True) for text in texts]
    page = html_page(rows, "x", ()).decode()
    (options,) = re.findall(r'data-field="\d+">(.*?)</select>', page, re.DOTALL)
    values = re.findall(r'value="(\d+)">([^<]*)', options)
    assert values == [(str(at), f"c{at}") for at in range(30)] + [("30", "others")]
    (packed,) = re.findall(r'id="index">([^<]*)<', page)
    index = json.loads(gzip.decompress(b64decode(packed)))
    assert [numbers for _, (numbers,) in index] == [[min(at % 150, 30)] for at in range(200)]
    counted = Statistics(("role", "channel"))
    for row in rows:
        counted.add(row)
    cells = re.findall(r"<td[^>]*>([^<]*)", counted.page("x").decode())
    at = cells.index("50 others")
    size = len(encode(texts[0], allowed_special="all"))
    assert (cells[at + 1 : at + 3], len(cells) < 700) == (["", str(50 * size)], True)


def test_a_page_is_limited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(page_module, "MAX_PAGE_BYTES", 5000)
    rows = [shown_report(validate(f"{BAD[:30]}{at}")) for at in range(2000)]
    with pytest.raises(PageTooLarge):
        html_page(rows, "x", ())
    file = tmp_path / "rows.jsonl"
    file.write_text(
        "".join(json.dumps(f"{BAD[:24]}{hashlib.sha256(str(at).encode()).hexdigest()}") + "\n" for at in range(999))
    )
    result = run(file, "--html", "-o", tmp_path / "page.html")
    assert result.exit_code == 2
    assert "--limit" in result.stderr
    assert not (tmp_path / "page.html").exists()


def test_a_row_that_cannot_be_read_is_shown_as_written(tmp_path: Path) -> None:
    wrong = {"messages": [{"role": "user", "content": "Hi.", "chanel": "final", "channel": "final"}]}
    deep = "[" * 900 + "]" * 900
    cases = [
        json.dumps(wrong),
        '{"id": 1, oops',
        '[1, "a"]',
        '{"none": "é\\ud800"}',
        deep,
        '{"text": "' + "\ud800" + '"}',
    ]
    lines = tmp_path / "rows.jsonl"
    lines.write_bytes("\n".join(cases).encode(errors="surrogatepass"))
    parquet.write_table(pyarrow.table({"messages": [json.dumps(wrong)]}), tmp_path / "rows.parquet")
    for file, number, held in [
        (lines, 1, '"chanel": "final"'),
        (lines, 2, "oops"),
        (lines, 3, '"a"'),
        (lines, 4, '"none": "é'),
        (lines, 5, "["),
        (lines, 6, '"text"'),
        (tmp_path / "rows.parquet", 1, "chanel"),
    ]:
        shown = run(file, "--row", number)
        assert shown.exit_code == 0
        assert held in shown.stdout.partition("— as written")[2]
        assert (written := run(file, "--row", number, "--html")).exit_code == 0
        assert held.replace('"', "&#34;") in "".join(blocks_of(written.stdout_bytes.decode()))


def test_a_page_does_not_replace_what_it_shows(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(BAD)
    (tmp_path / "link.html").symlink_to(file)
    for name in ("a.txt", "link.html"):
        for shown in (file, tmp_path):
            found = run(shown, "--html", "-o", tmp_path / name)
            assert (found.exit_code, "the run also reads or writes this file" in found.stderr) == (2, True)
    assert file.read_text() == BAD


def test_files_without_rows(tmp_path: Path) -> None:
    table = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), table)
    for name, data in (("empty.jsonl", ""), ("blank.jsonl", "\n \n"), (table.name, None)):
        if data is not None:
            (tmp_path / name).write_text(data)
        shown = run(tmp_path / name)
        assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", "no rows\n")
        missing = run(tmp_path / name, "--row", "2")
        assert (missing.exit_code, "no row 2; there are no rows" in missing.stderr) == (2, True)
        for more in ((), ("--statistics",)):
            page = run(tmp_path / name, "--html", *more)
            assert (page.exit_code, "0 rows." in "".join(Elements(page.stdout).text)) == (0, True)
    assert run("-", given="").stdout.splitlines() == ["-", "  no messages"]


def test_rows_are_chosen(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"id": f"r{at}", "text": BAD}) + "\n" for at in range(1, 8)) + "{\n")

    def places(*options: str) -> list[str]:
        return re.findall(r"rows\.jsonl:(\d+)", run(file, *options).stdout)

    assert places() == list("12345678")
    assert places("--row", "3") == ["3"]
    assert places("--row", "3-5") == list("345")
    assert places("--limit", "2") == list("12")
    assert places("--row", "7-99", "--limit", "1") == ["7"]
    assert "(id r3)" in run(file, "--row", "3").stdout
    assert "unreadable-row" in run(file, "--row", "8").stdout
    missing = run(file, "--row", "9")
    assert (missing.exit_code, "no row 9; the last row is 8" in missing.stderr) == (2, True)
    for wrong in ("0", "5-3", "x", "1-", "-1", "²"):
        assert run(file, "--row", wrong).exit_code == 2
    assert run(file, "-o", "x.html").exit_code == 2
    assert run(tmp_path / "missing.txt").exit_code == 2


def test_options_of_validate_apply(tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"name": "f", "parameters": {"type": "object", "properties": {}}}]))
    call = "<|start|>assistant<|channel|>commentary to=functions.g <|constrain|>json<|message|>{}<|call|>"
    assert "undeclared-tool" in run("--tools", tools, "-", given=call).stdout
    assert "undeclared-tool" not in run("-", given=call).stdout
    rest = "<|channel|>final<|message|>Hi.<|return|>"
    assert "H1" not in run("--start", "completion", "-", given=rest).stdout


def test_advice_is_that_of_validate(tmp_path: Path) -> None:
    """For stripped texts, for prompts and completions, in the terminal and in the page."""
    file = tmp_path / "rows.jsonl"
    prompt = "<|start|>user<|message|>Hi.<|end|><|start|>assistant"
    rest = "<|channel|>final<|message|>Hi.<|return|>"
    for value, advice in (
        ({"text": "analysisHm.assistantfinalHi."}, "if they were stripped, pass --stripped"),
        ({"text": prompt}, "--start prompt"),
        ({"text": rest}, "--start completion"),
    ):
        file.write_text(json.dumps(value) + "\n")
        found = run(file).stdout
        assert [advice in line for line in found.splitlines()].count(True) == 1, found
        checked = CliRunner().invoke(main, ["validate", "--isolated", str(file)]).output
        assert advice in checked
        assert advice in blocks_of(run(file, "--html").stdout)[0]
    file.write_text(json.dumps({"prompt": prompt, "completion": rest}) + "\n")
    assert "several columns can be validated" in run(file).stdout


def test_flags_are_shown_once() -> None:
    call = "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
    assert "1 role assistant, recipient functions.f, channel commentary, constrain, content_type json" in (
        run("-", given=call).stdout
    )


def test_a_page_is_not_written_to_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(BAD)
    command = [str(Path(sys.executable).parent / "harmony-spec"), "show", "--html", str(file)]
    main_end, terminal = os.openpty()
    found = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, text=True, check=False)
    os.close(terminal)
    os.close(main_end)
    assert (found.returncode, "pass -o page.html" in found.stderr) == (2, True)
    assert run("--html", file, "-o", "-").stdout.startswith("<!DOCTYPE html>")


def test_a_closed_row_separates_id_and_count() -> None:
    (cards,) = blocks_of(page_of(BAD))
    assert re.search(r'id 0</span> · <span class="count">2 messages', cards)


def test_fields_of_any_grammar_are_shown(tmp_path: Path) -> None:
    """Nothing here knows a field by name."""
    folder = dialect.grammar_of("priority_field", tmp_path)
    shown = run("--codec", folder, "-", given="<|start|>user priority=high<|message|>Hi.<|end|>")
    assert "1 role user, priority high" in shown.stdout.splitlines(), shown
    assert run("--codec", folder, "--html", "-", given=BAD).exit_code == 0


@pytest.mark.parametrize("name", sorted(dialect.EDITS))
def test_examples_of_dialects_are_shown_whole(name: str) -> None:
    module = codec_of(name)
    if module.FORMAT.recovery is not None:
        row = shown_report(module.validate(module.EXAMPLE), has_tokens=True)
        assert "".join(piece.text for piece in pieces_of(row)) == module.EXAMPLE
        assert html_fragment(row, [kind.name for kind in module.FORMAT.turn])


def test_what_training_learns_is_marked() -> None:
    text = (
        "<|start|>user<|message|>Hi.<|end|><|start|>assistant<|channel|>final<|message|>Ho.<|end|>"
        "<|start|>user<|message|>And?<|end|><|start|>assistant<|channel|>final<|message|>So.<|return|>"
    )
    shown = run("--training", "-", given=text).stdout.splitlines()
    learned = ["  <|start|>assistant", "+ <|channel|>final<|message|>", "+ So.", "+ <|return|>"]
    assert shown[-4:] == learned
    assert [line for line in shown if line.startswith("+ ")] == learned[1:]
    both = run("--training", "--tokens", "-", given=text).stdout.splitlines()
    assert len([line for line in both if line.startswith("+ ")]) == 3
    page = run("--training", "--html", "-", given=text).stdout
    assert blocks_of(page)[0].count(" trained") == 3


def test_what_continues_a_turn_is_marked_whole() -> None:
    """After thoughts, the model writes the next header from its first token."""
    text = (
        "<|start|>user<|message|>Hi.<|end|><|start|>assistant<|channel|>analysis<|message|>Hm.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>Ho.<|return|>"
    )
    for source in (text, json.dumps(encode(text, allowed_special="all"))):
        shown = run("--training", "-", given=source).stdout.splitlines()
        assert shown.count("  <|start|>assistant") == 1
        assert "+ <|start|>assistant<|channel|>final<|message|>" in shown


@examples(120)
@given(mutated(), st.data())
def test_a_mask_is_shown_token_by_token(source: str | list[int], data: st.DataObject) -> None:
    tokens = (
        source if isinstance(source, list) else encode(re.sub("[\ud800-\udfff]", "", source), allowed_special="all")
    )
    mask = data.draw(st.lists(st.booleans(), min_size=len(tokens), max_size=len(tokens)))
    pieces = pieces_of(shown_report(validate(tokens), has_tokens=True, learned=mask))
    shown = [(token, piece.is_trained) for piece in pieces for token, _ in piece.tokens]
    assert shown == list(zip(tokens, mask, strict=True))


def test_the_mask_of_a_row_is_shown(tmp_path: Path) -> None:
    """Not what training on the last turn would learn."""
    text = "<|start|>user<|message|>Hi.<|end|><|start|>assistant<|channel|>final<|message|>Ho.<|return|>"
    tokens = encode(text, allowed_special="all")
    row = {"id": "a", "input_ids": tokens, "assistant_masks": [int(token == encode("Hi")[0]) for token in tokens]}
    files = [tmp_path / name for name in ("rows.jsonl", "rows.parquet")]
    files[0].write_text(json.dumps(row) + "\n" + json.dumps(row | {"assistant_masks": [1]}) + "\n")
    parquet.write_table(pyarrow.Table.from_pylist([row]), files[1])
    for file in files:
        shown = run(file, "--training", "--row", "1").stdout
        assert [line for line in shown.splitlines() if line.startswith("+ ")] == ["+ Hi"]
        assert "(id a)" in shown
        assert "+ " not in run(file, "--row", "1").stdout
        page = run(file, "--training", "--html", "--row", "1").stdout
        assert blocks_of(page)[0].count(" trained") == 1
    assert "the column 'assistant_masks' is not a list of" in run(files[0], "--training", "--row", "2").stdout


def test_statistics_are_a_page(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(BAD[:at]) + "\n" for at in (34, 34, 34, len(BAD))) + "{\n")
    page = run(file, "--statistics", "--html").stdout
    shown = "".join(Elements(page).text)
    assert "5 rows." in shown
    rows = [re.findall(r"<td[^>]*>([^<]*)", row) for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)]
    cells = {tuple(cell.strip() for cell in row) for row in rows}
    assert ("H136 misspelt-channel", "1", "") in cells
    assert ("50", str(len(encode(BAD[:34], allowed_special="all"))), "") in cells
    assert ("user", "", str(4 * len(encode(BAD[:34], allowed_special="all"))), "") in cells
    assert run(file, "--statistics").exit_code == 2
    assert "<script" not in page


def test_results_have_a_form_for_notebooks() -> None:
    good = BAD[: BAD.index("x<")]
    for result in (parse(good), recover(BAD), validate(BAD), recover(""), validate(""), recover("x", "prompt")):
        html = result._repr_html_()
        assert html
        assert '<div class="harmony notebook">' in html
        assert "<script" not in html
    assert "H136" in str(recover(BAD)._repr_html_())
    assert "no messages" in str(validate("")._repr_html_())
    for half in (validate(BAD + "\ud800"), recover("<|start|>\udfff<|message|>")):
        assert str(half._repr_html_()).encode()
    assert ":root{" not in str(recover(BAD)._repr_html_()).replace(" ", ""), "a cell does not style the notebook"
    assert "&lt;b&gt;" in str(parse("<|start|>user<|message|><b><|end|>")._repr_html_())


def test_prompts_and_gaps_are_shown() -> None:
    prompt = shown_report(validate("<|start|>user<|message|>Hi.<|end|><|start|>assistant", "prompt"))
    assert [(each.kind, each.fields) for each in prompt.sections][-1] == (OPEN_HEADER_SECTION, {"role": "assistant"})
    assert [each.kind for each in shown_report(validate(BAD)).sections].count(GAP_SECTION) == 1
    assert html_fragment(prompt, ()).count("open header") == 1


def test_the_page_of_the_docs_shows_what_is_printed() -> None:
    page = (Path(__file__).parent.parent / "docs" / "show.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```console\n\$ printf '([^']*)' \| harmony-spec (.*)\n((?:.*\n)*?)```", page, re.MULTILINE)
    given, command, shown = block
    assert command == "show -"
    assert run("-", given=given).stdout == shown
