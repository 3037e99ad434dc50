"""Pictures of a grammar: a railroad diagram of each rule, and one of the special tokens of all messages."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

import railroad

from ..model.format_model import Format
from ..model.frame_graph import framing, graph
from ..model.terminals import is_terminal
from ..read.grammar_folder import CONTENTS_FILE, Sources
from ..read.grammar_nodes import RuleCall, Special
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


def diagrams(sources: Sources, format: Format) -> dict[str, str]:
    """Return the files of a folder with pictures: a page that shows them all, and an SVG for each."""
    found = {"messages.svg": _messages(format)}
    page = ["# The grammar in pictures", "", "<!-- Made by `harmony-spec diagrams`. Do not edit. -->", ""]
    page += ["The special tokens of messages, in their order around the content.", "", "![](messages.svg)"]
    for file, definitions in ((sources.lark, sources.definitions), (CONTENTS_FILE, sources.contents)):
        named = {definition.name: definition for definition in definitions}
        rules = [definition for definition in definitions if not is_terminal(definition.name)]
        page += ["", f"## {file}"] if rules else []
        for rule in rules:
            svg = f"{rule.name.lstrip('_')}.svg"
            while svg in found:
                svg = f"{file.removesuffix('.lark')}-{svg}"
            found[svg] = _written(_alternatives(rule.alternatives, named))
            page += ["", f"### {rule.name}", "", *_prose(rule.doc), f"![{rule.name}]({svg})"]
    return {"index.md": "\n".join(page) + "\n", **found}


def _prose(doc: Iterable[str]) -> Iterator[str]:
    """The comments above a rule; what looks like HTML there is code."""
    lines = [re.sub(r"<[^>\s]*>", lambda match: f"`{match[0]}`", line) for line in doc]
    if lines:
        yield from ("  \n".join(lines), "")


def _written(drawn: Any) -> str:
    """The SVG file of a drawing."""
    written = io.StringIO()
    railroad.Diagram(drawn, type="complex").writeStandalone(written.write, css=STYLE)
    return written.getvalue() + "\n"


def _alternatives(alternatives: tuple[LarkAlternative, ...], named: Mapping[str, LarkDefinition]) -> Any:
    drawn = []
    for alternative in alternatives:
        items = [_item(item, named) for item in alternative.items]
        row = railroad.Sequence(*items) if items else railroad.Skip()
        drawn.append(railroad.Group(row, alternative.name) if alternative.name else row)
    return drawn[0] if len(drawn) == 1 else railroad.Choice(0, *drawn)


def _item(item: LarkItem, named: Mapping[str, LarkDefinition]) -> Any:
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


def _messages(format: Format) -> str:
    """The special tokens of messages, in their order around the content."""
    found = [framing(graph(format, name)) for name in format.frames if format.has_content(RuleCall(name))]
    begins = {edge.spelling for edge, _ in graph(format, format.message).steps[0] if isinstance(edge, Special)}
    inside, opens, closes, trails = (
        frozenset[str]().union(*(getattr(each, side) for each in found))
        for side in ("inside", "opens", "closes", "trails")
    )

    def some(spellings: Set[str], many: bool = False) -> list[Any]:
        if not spellings:
            return []
        one = railroad.Choice(0, *map(railroad.Terminal, sorted(spellings)))
        return [railroad.ZeroOrMore(one) if many else one]

    row = [*some(begins), *some(inside - begins, many=True), *some(opens - begins), railroad.NonTerminal("content")]
    return _written(railroad.ZeroOrMore(railroad.Sequence(*row, *some(closes), *some(trails, many=True))))
