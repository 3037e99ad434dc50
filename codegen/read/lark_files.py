"""`.lark` files as definitions with places. Their syntax is read by Lark's own grammar of itself (`lark.lark`)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Any

from lark import Lark, Token, Tree, UnexpectedInput
from lark.exceptions import LarkError

from .problems import Place, Problem


@dataclass(frozen=True)
class LarkName:
    """A reference to a rule or terminal."""

    name: str
    place: Place


@dataclass(frozen=True)
class LarkString:
    text: str
    place: Place


@dataclass(frozen=True)
class LarkRegex:
    source: str
    flags: str
    place: Place


@dataclass(frozen=True)
class LarkGroup:
    """Alternatives in brackets, or an item with `?`, `*`, `+`, or another operator of Lark."""

    alternatives: tuple[LarkAlternative, ...]
    operator: str
    place: Place


LarkItem = LarkName | LarkString | LarkRegex | LarkGroup


@dataclass(frozen=True)
class LarkAlternative:
    items: tuple[LarkItem, ...]
    name: str | None
    place: Place


@dataclass(frozen=True)
class LarkDefinition:
    """A rule or a terminal; `doc` are the comment lines above it, `collapses` is Lark's `?` before its name."""

    name: str
    alternatives: tuple[LarkAlternative, ...]
    place: Place
    doc: tuple[str, ...]
    source: str
    collapses: bool = False


def names_in(alternatives: tuple[LarkAlternative, ...]) -> Iterator[str]:
    """The names of the rules and terminals that alternatives refer to."""
    for alternative in alternatives:
        for item in alternative.items:
            if isinstance(item, LarkName):
                yield item.name
            elif isinstance(item, LarkGroup):
                yield from names_in(item.alternatives)


@cache
def _lark_syntax() -> Lark:
    options = {"parser": "lalr", "lexer": "basic", "propagate_positions": True}  # one lexer, not one a state
    return Lark.open_from_package("lark", "lark.lark", ["grammars"], **options)


def definitions_in(file: str, text: str, problems: list[Problem]) -> tuple[LarkDefinition, ...]:
    try:
        tree = _lark_syntax().parse(text + "\n")
    except UnexpectedInput as error:
        line, column = max(error.line, 1), max(error.column, 1)
        near = error.get_context(text).strip().splitlines()[0] if error.pos_in_stream is not None else "end of file"
        problems.append(Problem(Place(file, line, column), f"not Lark syntax near `{near}`", LARK_SYNTAX))
        return ()
    reader = _TreeReader(file, text, problems)
    return tuple(found for child in tree.children if isinstance(child, Tree) and (found := reader.statement(child)))


LARK_SYNTAX = (
    "Write `name: parts`: rules in lower case, terminals in upper case, `|` before alternatives, and close quotes and "
    "brackets."
)

SHOWN = {"template_usage": "a template (`name{…}`)", "literal_range": 'a range of strings (`"a".."z"`)'}
"""Parts of Lark's language that are not supported, as its documentation names them."""

MAX_LARK_CHARS = 300
"""Code points of an error of Lark that are shown: it quotes rules and patterns."""


def lark_refusal(error: LarkError, file: str, definitions: Iterable[LarkDefinition]) -> Problem:
    """The problem for a grammar that Lark does not load, at the first rule or terminal that Lark names."""
    text = " ".join(str(error).split())
    places = {each.name: each.place for each in definitions}
    place = next((places[name] for name in re.findall(r"\w+", text) if name in places), Place(file))
    remedy = "Correct it for Lark."
    if "defined twice" in text:
        remedy = "Two alternatives are equal without their optional parts: let only one of them match then."
    shown = text if len(text) <= MAX_LARK_CHARS else f"{text[:MAX_LARK_CHARS]}\u2026"
    return Problem(place, f"Lark refuses the grammar: {shown}", remedy)


class _TreeReader:
    """Lark's syntax tree of a grammar, turned into definitions."""

    def __init__(self, file: str, text: str, problems: list[Problem]) -> None:
        self.file, self.text, self.problems = file, text, problems
        self.lines = text.split("\n")

    def place(self, node: Tree[Token] | Token, around: Place | None = None) -> Place:
        """The place of a node; of one without tokens, such as an empty alternative, that of what is around it."""
        where = node if isinstance(node, Token) else node.meta
        if around and getattr(where, "line", None) is None:
            return around
        return Place(self.file, getattr(where, "line", 1) or 1, getattr(where, "column", 1) or 1)

    def refuse(self, node: Tree[Token] | Token, reason: str, remedy: str) -> None:
        self.problems.append(Problem(self.place(node), reason, remedy))

    def statement(self, tree: Tree[Token]) -> LarkDefinition | None:
        if tree.data not in ("rule", "token"):
            self.refuse(tree, f"`%{tree.data}` is not supported", "Write the rules and terminals into this file.")
            return None
        name, params, priority, body = (
            tree.children if len(tree.children) == 4 else (*tree.children[:2], None, tree.children[-1])
        )
        assert isinstance(name, Token)
        if priority is not None or (isinstance(params, Tree) and any(params.children)):
            self.refuse(
                tree, f"`{name}` has a priority or parameters", "Remove them; order decides between alternatives."
            )
        above = reversed(self.lines[: self.place(tree).line - 1])
        comments = takewhile(lambda line: line.startswith(("//", "#")), map(str.lstrip, above))
        doc = [line.lstrip("/#").removeprefix(" ") for line in comments][::-1]
        source = self.text[tree.meta.start_pos : tree.meta.end_pos].rstrip()
        alternatives = self.alternatives(body, self.place(tree))
        collapses = str(name).startswith("?")
        return LarkDefinition(str(name).lstrip("?!"), alternatives, self.place(tree), tuple(doc), source, collapses)

    def alternatives(self, node: Any, around: Place) -> tuple[LarkAlternative, ...]:
        branches = node.children if node.data == "expansions" else [node]
        return tuple(self.alternative(branch, around) for branch in branches)

    def alternative(self, node: Any, around: Place) -> LarkAlternative:
        inner, name = node.children if node.data == "alias" else (node, None)
        items = inner.children if inner.data == "expansion" else [inner]
        place = self.place(inner if items else node, around)
        return LarkAlternative(tuple(map(self.item, items)), name and str(name), place)

    def item(self, node: Any) -> LarkItem:
        place = self.place(node)
        match node.data:
            case "name":
                return LarkName(str(node.children[0]), place)
            case "literal":
                return self.literal(node.children[0], place)
            case "maybe":
                return LarkGroup(self.alternatives(node.children[0], place), "?", place)
            case "expansions" | "alias":
                return LarkGroup(self.alternatives(node, place), "", place)
            case "expr":
                inner, *operators = node.children
                operator = "..".join(str(part) for part in operators if part is not None)
                if not operator:
                    return self.item(inner)
                return LarkGroup(
                    self.alternatives(inner, place), f"~{operator}" if operator[0].isdigit() else operator, place
                )
        self.refuse(
            node,
            f"{SHOWN.get(node.data, f'`{node.data}`')} is not supported",
            "Write it out with literals, patterns and alternatives.",
        )
        return LarkString("", place)

    def literal(self, token: Token, place: Place) -> LarkItem:
        if token.type == "REGEXP":
            end = token.rindex("/")
            return LarkRegex(token[1:end].replace(r"\/", "/"), token[end + 1 :], place)
        if token.endswith("i"):
            self.refuse(token, "strings that ignore case are not supported", "List the spellings.")
        if "\0" in token:
            self.refuse(token, "a string holds the character U+0000, which Python code cannot", r"Write it as `\x00`.")
            return LarkString("", place)
        try:
            text = ast.literal_eval(token.removesuffix("i").replace("\n", r"\n"))
            text.encode()
            if not text:
                self.refuse(token, "an empty text", "Remove it, and write `?` where the part may be absent.")
            return LarkString(text, place)
        except (SyntaxError, ValueError):
            self.refuse(
                token,
                f"the string {token} is not text: an escape that Python does not know, or a surrogate",
                "Double the backslash.",
            )
            return LarkString("", place)
