"""Pictures of a grammar: a railroad diagram of each rule, and the states of an input."""

from __future__ import annotations

import html
import io
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..model.format_model import Format
from ..model.frame_graph import framing, graph
from ..model.rule_nodes import RuleCall
from ..model.terminals import Special, is_terminal
from ..read.grammar_folder import CONTENTS_FILE, Sources
from ..read.lark_files import LarkAlternative, LarkDefinition, LarkGroup, LarkItem, LarkName, LarkRegex, LarkString

MAX_REGEX_CHARS = 40
"""Longer patterns are shown by the name of their terminal only."""

STYLE = """
.railroad-diagram { background: Canvas; color-scheme: light dark; }
.railroad-diagram path { stroke-width: 2; stroke: CanvasText; fill: none; }
.railroad-diagram text { font: bold 14px monospace; text-anchor: middle; fill: CanvasText; }
.railroad-diagram text.comment { font: italic 12px monospace; }
.railroad-diagram rect { stroke-width: 2; stroke: CanvasText; fill: Canvas; }
.railroad-diagram rect.group-box { stroke: GrayText; stroke-dasharray: 10 5; fill: none; }
"""
"""The colors of the system, so that the pictures also fit a dark page."""

STATES = ("between messages", "header", "content")


def diagrams(sources: Sources, format: Format) -> dict[str, str]:
    """Return the files of a folder with pictures: a page that shows them all, and an SVG for each."""
    found = {"states.svg": _states(format)}
    page = ["# The grammar in pictures", "", "<!-- Made by `harmony-spec diagrams`. Do not edit. -->", ""]
    page += ["The states of an input, and the special tokens that lead from one to the next.", "", "![](states.svg)"]
    for file, definitions in ((sources.lark, sources.definitions), (CONTENTS_FILE, sources.contents)):
        named = {definition.name: definition for definition in definitions}
        rules = [definition for definition in definitions if not is_terminal(definition.name)]
        page += ["", f"## {file}"] if rules else []
        for rule in rules:
            svg = f"{rule.name.lstrip('_')}.svg"
            while svg in found:
                svg = f"{file.removesuffix('.lark')}-{svg}"
            found[svg] = _railroad(rule, named)
            page += ["", f"### {rule.name}", "", *_prose(rule.doc), f"![{rule.name}]({svg})"]
    return {"index.md": "\n".join(page) + "\n", **found}


def _prose(doc: Iterable[str]) -> Iterator[str]:
    """The comments above a rule; what looks like HTML there is code."""
    lines = [re.sub(r"<[^>\s]*>", lambda match: f"`{match[0]}`", line) for line in doc]
    if lines:
        yield from ("  \n".join(lines), "")


def _railroad(rule: LarkDefinition, named: Mapping[str, LarkDefinition]) -> str:
    import railroad

    written = io.StringIO()
    diagram = railroad.Diagram(_alternatives(rule.alternatives, named), type="complex")
    diagram.writeStandalone(written.write, css=STYLE)
    return written.getvalue() + "\n"


def _alternatives(alternatives: tuple[LarkAlternative, ...], named: Mapping[str, LarkDefinition]) -> Any:
    import railroad

    drawn = []
    for alternative in alternatives:
        items = [_item(item, named) for item in alternative.items]
        row = railroad.Sequence(*items) if items else railroad.Skip()
        drawn.append(railroad.Group(row, alternative.name) if alternative.name else row)
    return drawn[0] if len(drawn) == 1 else railroad.Choice(0, *drawn)


def _item(item: LarkItem, named: Mapping[str, LarkDefinition]) -> Any:
    import railroad

    match item:
        case LarkString(text):
            return railroad.Terminal(_visible(text))
        case LarkRegex(source):
            return railroad.NonTerminal(f"/{source}/")
        case LarkName(name):
            return railroad.Terminal(fixed) if (fixed := _fixed(named.get(name))) else railroad.NonTerminal(name)
        case LarkGroup(alternatives, operator):
            inner = _alternatives(alternatives, named)
            if operator.startswith("~"):
                return railroad.OneOrMore(inner, railroad.Comment(f"{operator[1:].replace('..', ' to ')} times"))
            repeated = {"?": railroad.Optional, "*": railroad.ZeroOrMore, "+": railroad.OneOrMore}
            return repeated[operator](inner) if operator else inner


def _fixed(definition: LarkDefinition | None) -> str:
    """The text of a terminal that is one string or a short pattern; "" for others."""
    match definition and definition.alternatives:
        case (LarkAlternative((LarkString(text),)),):
            return _visible(text)
        case (LarkAlternative((LarkRegex(source),)),) if len(source) <= MAX_REGEX_CHARS and definition:
            return f"{definition.name} /{source}/"
    return ""


def _visible(text: str) -> str:
    """A text in which blanks can be seen."""
    return text.replace("\n", "⏎").replace(" ", "␣") or "␣"


def _states(format: Format) -> str:
    """The states of an input in a row: what leads forward is drawn above them, and what leads back below."""
    found = [framing(graph(format, name)) for name in format.frames if format.has_content(RuleCall(name))]
    edges: dict[tuple[int, int], dict[str, None]] = {}

    def add(source: int, target: int, spellings: Iterable[str]) -> None:
        if names := dict.fromkeys(sorted(spellings)):
            edges.setdefault((source, target), {}).update(names)

    begins = frozenset(edge.spelling for edge, _ in graph(format, format.message).steps[0] if isinstance(edge, Special))
    for each in found:
        add(0, 1, begins & each.inside)
        add(0, 2, begins & each.opens)
        add(1, 1, each.inside - begins)
        add(1, 2, each.opens - (begins - each.inside))
        add(2, 0, each.closes)
        add(2, 2, each.trails)
        if each.headless:
            add(0, 2, ["text"])
    width, x, height = 260, [130, 390, 650], 300
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 {height}" width="780" height="{height}" '
        'class="railroad-diagram">',
        "<style>" + STYLE + "</style>",
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M0 0 8 4 0 8" /></marker></defs>',
    ]
    for at, name in enumerate(STATES):
        lines.append(f'<rect x="{x[at] - 85}" y="130" width="170" height="40" rx="10" />')
        lines.append(f'<text x="{x[at]}" y="155">{name}</text>')
    for (source, target), names in sorted(edges.items()):
        a, b, far = x[source], x[target], abs(target - source)
        place = (a + b) // 2
        if source == target:
            path, label = f"M{a - 30} 130C{a - 60} 70 {a + 60} 70 {a + 30} 130", 72
        elif source < target:
            bend = 100 - 50 * far
            path, label = f"M{a + 40} 130C{a + 80} {bend} {b - 80} {bend} {b - 40} 130", 104 - 40 * far
        else:
            bend = 200 + 40 * far
            path, label = f"M{a - 40} 170C{a - 80} {bend} {b + 80} {bend} {b + 40} 170", 214 + 28 * far
        lines.append(f'<path d="{path}" marker-end="url(#tip)" />')
        columns = width // 9 * far if far else 24
        words = textwrap.wrap(" ".join(names), columns, break_long_words=False, break_on_hyphens=False)
        step = 16 if source > target else -16
        for row, line in enumerate(words if step > 0 else words[::-1]):
            lines.append(f'<text x="{place}" y="{label + row * step}">{html.escape(line)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
