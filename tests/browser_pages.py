"""The pages of `harmony-spec show` in a real browser; `.ci/pages` runs this, with Chromium and axe."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from harmony_spec import codec, encode, validate
from harmony_spec.view.html_page import html_page
from harmony_spec.view.shown_row import shown_report
from harmony_spec.view.statistics import Statistics

from .test_show import BAD, HOSTILE

AXE, CHROMIUM, SHOTS = (Path(os.environ[name]) for name in ("AXE", "CHROMIUM", "SHOTS"))
GOOD = (
    "<|start|>user<|message|>Hi 😀.\n\nOne\ttwo.<|end|>"
    "<|start|>assistant<|channel|>final<|message|>Number {}.<|return|>"
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        yield play.chromium.launch(executable_path=CHROMIUM, args=["--disable-gpu"])


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 450 rows, of hostile ones, and of one row."""
    folder = tmp_path_factory.mktemp("pages")
    rows = [BAD if at % 7 == 3 else GOOD.replace("{}", str(at)) for at in range(450)]
    hostile = [f"<|start|>user<|message|>{text}<|end|>" for text in HOSTILE[:-2]]
    turns = [kind.name for kind in codec.FORMAT.turn]
    for name, sources in (("many", rows), ("hostile", hostile), ("one", [BAD])):
        found = (
            shown_report(validate(encode(source, allowed_special="all")), f"rows.jsonl:{at}", at, has_tokens=True)
            for at, source in enumerate(sources, 1)
        )
        (folder / f"{name}.html").write_bytes(html_page(found, "rows.jsonl", turns))
    (folder / "none.html").write_bytes(html_page([], "rows.jsonl", turns))
    counted = Statistics(("role", "channel"))
    for source in (*rows, "<|start|>" + "x" * 200):
        counted.add(shown_report(validate(source), has_tokens=True))
    (folder / "statistics.html").write_bytes(counted.page("rows.jsonl"))
    return folder


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(
        color_scheme=request.param, offline=True, permissions=["clipboard-read", "clipboard-write"]
    )
    page, problems = context.new_page(), []
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: r.url.startswith(("file:", "data:", "blob:")) or problems.append(r.url))
    yield page
    assert problems == []
    page.screenshot(path=SHOTS / f"{request.node.name}.png")


def opened(page: Page, path: Path) -> Page:
    page.goto(path.resolve().as_uri())
    page.wait_for_selector("body[data-ready]")
    return page


def violations(page: Page) -> list[Any]:
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    found = page.evaluate("axe.run()")["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in found]


def test_a_large_page(page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """10,000 rows; the figures are for docs/show.md."""
    rng, path, turns = Random(1), tmp_path / "large.html", [kind.name for kind in codec.FORMAT.turn]
    words = [f"word{at}" for at in range(2000)]
    texts = (" ".join(rng.choices(words, k=40)) for _ in range(10_000))
    started = perf_counter()
    rows = (shown_report(validate(GOOD.replace("{}", text)), f"rows:{at}") for at, text in enumerate(texts, 1))
    path.write_bytes(html_page(rows, "rows", turns))
    written = perf_counter()
    opened(page, path)
    shown = perf_counter()
    page.get_by_role("searchbox").fill("word7 ")
    expect(page.locator("#shown")).not_to_have_text("", timeout=60_000)
    filtered = perf_counter()
    heap = page.evaluate("performance.memory.usedJSHeapSize")
    with capsys.disabled():
        print(
            f"\n10,000 rows: {path.stat().st_size / 1e6:.1f} MB, written in {written - started:.1f} s, "
            f"first rows after {shown - written:.1f} s, filtered in {filtered - shown:.1f} s, heap {heap / 1e6:.0f} MB"
        )


def test_rows_open_and_are_accessible(page: Page, pages: Path) -> None:
    opened(page, pages / "many.html")
    summary = page.locator(".row summary").nth(3)
    summary.click()
    expect(page.locator("mark.error").nth(1)).to_have_text("finl")
    page.get_by_text("Why it matters").first.click()
    assert violations(page) == []


def test_one_row_is_open(page: Page, pages: Path) -> None:
    opened(page, pages / "one.html")
    expect(page.locator(".card")).to_have_count(3)
    assert violations(page) == []


def test_a_page_without_rows(page: Page, pages: Path) -> None:
    opened(page, pages / "none.html")
    expect(page.get_by_text("0 rows.")).to_be_visible()
    page.get_by_role("searchbox").fill("x")
    assert violations(page) == []


@pytest.mark.parametrize("name", ["many", "hostile", "statistics"])
def test_pages_fit_a_phone(page: Page, pages: Path, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((pages / f"{name}.html").resolve().as_uri())
    if name != "statistics":
        page.wait_for_selector("body[data-ready]")
        page.locator(".row summary").nth(3).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


def test_printing_has_what_is_open(page: Page, pages: Path) -> None:
    opened(page, pages / "one.html")
    page.emulate_media(media="print")
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator(".card pre.content").last).to_be_visible()
    page.emulate_media(media="screen")
    opened(page, pages / "many.html")
    expect(page.locator(".waiting").last).to_have_text("… 50 rows")
    page.emulate_media(media="print")
    height = "Math.max(...blocks.map(block => parseInt(getComputedStyle(block).minHeight)))"
    assert page.locator(".block").evaluate_all(f"blocks => {height}") == 0


def test_blocks_expand_when_they_come_into_view(page: Page, pages: Path) -> None:
    opened(page, pages / "many.html")
    expect(page.locator(".row")).to_have_count(200)
    page.keyboard.press("End")
    expect(page.locator(".row", has_text="rows.jsonl:450")).to_be_visible()


def test_filters(page: Page, pages: Path) -> None:
    opened(page, pages / "many.html")
    status, visible = page.locator("#shown"), page.locator(".row:not([hidden])")
    page.get_by_role("searchbox").fill("number 449.")
    expect(status).to_have_text("1 shown.")
    expect(visible).to_have_count(1)
    page.get_by_role("searchbox").fill("")
    page.locator("#code").select_option(label="H136 misspelt-channel")
    expect(status).to_have_text("64 shown.")
    page.locator("#code").select_option("none")
    expect(status).to_have_text("386 shown.")
    page.locator("#code").select_option("")
    page.locator(".by-field").first.select_option(label="user")
    expect(status).to_have_text("")
    page.get_by_role("searchbox").fill("it is shown to nobody")  # in the explanation of a code
    expect(status).to_have_text("0 shown.")
    page.get_by_role("searchbox").fill("no such text")
    expect(status).to_have_text("0 shown.")
    assert violations(page) == []


def test_tokens_and_raw_text(page: Page, pages: Path) -> None:
    opened(page, pages / "many.html")
    page.locator(".row summary").first.click()
    content = page.locator(".row").first.locator("pre.content").first
    before = content.text_content()
    page.get_by_label("Tokens").check()
    expect(page.locator(".token").first).to_have_attribute("data-id", "200006")
    assert content.text_content() == before
    ids = content.locator(".token").evaluate_all("each => each.map(token => Number(token.dataset.id))")
    assert ids == encode("Hi 😀.\n\nOne\ttwo.")
    assert violations(page) == []
    page.get_by_label("Tokens").uncheck()
    expect(page.locator(".token")).to_have_count(0)
    page.get_by_label("Raw text").check()
    expect(page.locator(".card h2").first).to_be_hidden()
    assert violations(page) == []


def test_keys_and_copying(page: Page, pages: Path) -> None:
    opened(page, pages / "many.html")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    first = page.locator(".row").first
    expect(first.locator("details").first).to_have_attribute("open", "")
    page.keyboard.press("t")
    expect(page.locator(".token").first).to_be_visible()
    first.get_by_role("button", name="Copy").first.click()
    expect(first.get_by_role("button", name="Copy").first).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "Hi 😀.\n\nOne\ttwo."
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_hostile_contents_are_text(page: Page, pages: Path) -> None:
    opened(page, pages / "hostile.html")
    page.evaluate("document.querySelectorAll('.row > details').forEach(each => each.open = true)")
    shown = page.locator("pre.content").all_text_contents()
    assert shown[: len(HOSTILE) - 2] == [json.loads(json.dumps(text)) for text in HOSTILE[:-2]]
    assert page.locator("script:not(.data):not(#index)").count() == 1
    assert page.locator("svg, img, b").count() == 0
