"""Rows as one self-contained HTML page, and results of parsers as a part of a page, for notebooks.

The page fetches nothing, and runs no script but its own: its Content-Security-Policy allows that by hash.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import Code, any_of
from ..format.tables import Format
from ..parsing.strict_parsing import Parsed
from ..validation.report import Report
from .shown_row import ShownRow, shown_messages, shown_report

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

ROWS_PER_BLOCK = 200
"""Rows that are compressed together: a block of short rows takes a browser a few milliseconds to expand."""

MAX_PAGE_BYTES = 50 << 20
"""A larger page is refused: browsers take seconds to load it, and mail and review tools do not show it."""

MAX_FILTER_VALUES = 30
"""The values of a field that a filter lists; rarer ones are one entry. Malformed rows may have a channel each."""

OTHERS = "others"


class PageTooLarge(Exception):
    """The rows do not fit into one page.

    Args:
        rows: how many fit.
    """

    def __init__(self, rows: int) -> None:
        super().__init__(f"the page would have more than {MAX_PAGE_BYTES >> 20} MB; {rows} rows fit")


def html_page(rows: Iterable[ShownRow], names: str, turns: Iterable[str]) -> bytes:
    """Return a page with rows.

    Args:
        rows: the rows.
        names: the names of their files.
        turns: the names of the kinds of messages, which get a color each.

    Raises:
        PageTooLarge: the page would have more than `MAX_PAGE_BYTES`.
    """
    cards = _cards()
    colors = {name: number for number, name in enumerate(turns)}
    codes: dict[Code, int] = {}
    fields: dict[str, Counter[str]] = {}
    blocks: list[dict[str, Any]] = []
    index: list[tuple[list[int], dict[str, list[str]]]] = []
    size, each = 0, iter(rows)
    while block := list(islice(each, ROWS_PER_BLOCK)):
        data = _packed("".join(str(cards.row(row, colors)) for row in block))
        size += len(data)
        if size > MAX_PAGE_BYTES:
            raise PageTooLarge(len(index))
        blocks.append({"first": len(index), "rows": len(block), "data": data})
        index += [_index_entry(row, codes, fields) for row in block]
    listed = {name: _listed(counts) for name, counts in fields.items() if len(counts) > 1}
    entries = [
        (found, [_numbers(numbers, values.get(name, ())) for name, numbers in listed.items()])
        for found, values in index
    ]
    return render_page(
        "page.html.j2",
        names=names,
        total=len(index),
        codes=list(codes),
        fields={name: [*numbers, *[OTHERS] * (len(fields[name]) > len(numbers))] for name, numbers in listed.items()},
        blocks=blocks,
        index=_packed(json.dumps(entries, separators=(",", ":"))),
    )


def render_page(template: str, **values: Any) -> bytes:
    """Return a page with the style and the script of this folder, and their hashes for its policy."""
    style, script = _asset("page.css"), _asset("page.js")
    assets = {"style": style, "script": script, "style_hash": _hash(style), "script_hash": _hash(script)}
    return _valid(_environment().get_template(template).render(**values, **assets))


def html_fragment(row: ShownRow, turns: Iterable[str]) -> str:
    """Return the cards of a row with their style, without a script."""
    colors = {name: number for number, name in enumerate(turns)}
    style, cards = _asset("page.css"), _cards().cards(row, colors)
    return _valid(f'<style>{style}</style><div class="harmony notebook">{cards}</div>').decode()


def notebook(result: Parsed[Any] | Report[Any]) -> str:
    """Return what `parse`, `recover` or `validate` returned as HTML."""
    messages = result.messages
    format: Format | None = sys.modules[type(messages[0]).__module__].FORMAT if messages else None
    row = shown_report(result) if isinstance(result, Report) else shown_messages(format, result)
    return html_fragment(row, [kind.name for kind in format.turn] if format else ())


def _listed(counts: Counter[str]) -> dict[str, int]:
    """The most frequent values with their numbers."""
    return {value: number for number, (value, _) in enumerate(counts.most_common(MAX_FILTER_VALUES))}


def _numbers(listed: dict[str, int], values: Iterable[str]) -> list[int]:
    """The numbers of values; all that are not listed have one."""
    return sorted({listed.get(value, MAX_FILTER_VALUES) for value in values})


def _index_entry(
    row: ShownRow, codes: dict[Code, int], fields: dict[str, Counter[str]]
) -> tuple[list[int], dict[str, list[str]]]:
    """The numbers of the codes of a row, and the values of its fields; both are counted."""
    found = {codes.setdefault(finding.code, len(codes)) for finding in row.all_findings}
    values: dict[str, dict[str, None]] = {}
    for section in row.sections:
        for name, value in section.fields.items():
            values.setdefault(name, {})[str(value)] = None
    for name, each in values.items():
        fields.setdefault(name, Counter()).update(each.keys())
    return sorted(found), {name: list(each) for name, each in values.items()}


def _packed(text: str) -> str:
    """A text as gzip in base64; the same text is always the same bytes."""
    return b64encode(gzip.compress(_valid(text), 6, mtime=0)).decode()


def _valid(text: str) -> bytes:
    """A text as UTF-8, which cannot hold half a character."""
    return text.encode("utf-8", "replace")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(str(text).encode()).digest()).decode()


@cache
def _asset(name: str) -> Markup:
    """The text of a file of this folder. None of them holds anything of an input."""
    from markupsafe import Markup

    return Markup(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _cards() -> Any:
    """The macros of the template of cards."""
    return _environment().get_template("cards.html.j2").module


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(loader=PackageLoader("harmony_spec", "view"), autoescape=True, undefined=StrictUndefined)
    found.filters["any_of"] = any_of
    return found
