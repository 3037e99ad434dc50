"""The places of the values in a TOML or JSON text, which the parsers of both do not tell.

The text has been parsed before. So the grammar only needs to find where each key and each item begins, and reads some
texts that are neither TOML nor JSON.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from lark import Lark, Token, Tree

from .problems import Place

ValuePath = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""

SYNTAX = r"""
    toml: (heading | member)*
    heading: "[" key "]"
        | "[[" key "]]" -> list_heading
    member: key ("=" | ":") value
    key: PART ("." PART)*
    ?value: list | table | SCALAR
    list: "[" (value ("," value)*)? ","? "]"
    table: "{" (member ("," member)*)? ","? "}"
    PART: /"(\\.|[^"\\])*"|'[^']*'|[\w-]+/
    SCALAR: /"{3}(\\[\s\S]|[^\\"]|"(?!""))*"{3,5}|'{3}([^']|'(?!''))*'{3,5}/
        | /"(?!"")(\\.|[^"\\])*"|'(?!'')[^']*'|[^][{},\s"'#][^][{},\n#]*/
    %ignore /\s+|#[^\n]*/
"""


class ValuePlaces:
    """The places of the values in the data files with these texts. Only a file with a problem is read for them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts, self.found = texts, dict[str, dict[ValuePath, Place]]()

    def of(self, *path: str | int) -> Place:
        """The place of a value in a file, or of the innermost one around it that the file has."""
        file, inner = str(path[0]), path[1:]
        if inner and file not in self.found:
            self.found[file] = _value_places(file, self.texts[file]) if file in self.texts else {}
        while inner and inner not in self.found[file]:
            inner = inner[:-1]
        return self.found[file][inner] if inner else Place(file)


def _value_places(file: str, text: str) -> dict[ValuePath, Place]:
    """The place of each key of a table, and of each item of a list; of a repeated one the last."""
    is_toml = file.endswith(".toml")
    reader = _PlaceReader(file, is_toml)
    tree: Any = _syntax().parse(text, start="toml" if is_toml else "value")
    reader.document(tree) if is_toml else reader.value(tree, ())
    return reader.found


@cache
def _syntax() -> Lark:
    return Lark(SYNTAX, parser="lalr", start=["toml", "value"], propagate_positions=True)


class _PlaceReader:
    """Reads a syntax tree. `counts` are the tables in each list `[[name]]`."""

    def __init__(self, file: str, is_toml: bool) -> None:
        self.file, self.is_toml = file, is_toml
        self.found: dict[ValuePath, Place] = {}
        self.counts: dict[ValuePath, int] = {}

    def add(self, path: ValuePath, node: Any) -> None:
        where: Any = node if isinstance(node, Token) else node.meta
        self.found[path] = Place(self.file, where.line, where.column)

    def document(self, tree: Tree[Token]) -> None:
        """A TOML text: tables with a heading, and keys with values."""
        table: ValuePath = ()
        for part in tree.children:
            assert isinstance(part, Tree)
            if part.data == "member":
                self.member(part, table)
            else:
                table = self.key(part.children[0], (), part.data == "list_heading")

    def member(self, node: Any, table: ValuePath) -> None:
        key, value = node.children
        self.value(value, self.key(key, table))

    def key(self, node: Any, table: ValuePath, is_list: bool = False) -> ValuePath:
        """A key, which may have dots; each part leads into the last table of its list."""
        path = table
        for part in node.children:
            path = (*path, self.spelled(part))
            self.add(path, part)
            if is_list and part is node.children[-1]:
                self.counts[path] = self.counts.get(path, 0) + 1
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
                self.add(path, part)
        return path

    def spelled(self, part: Token) -> str:
        if part[0] not in "\"'":
            return str(part)
        return str(tomllib.loads(f"key = {part}")["key"] if self.is_toml else json.loads(part))

    def value(self, node: Any, path: ValuePath) -> None:
        for index, item in enumerate(node.children if isinstance(node, Tree) else ()):
            if node.data == "table":
                self.member(item, path)
            else:
                self.add((*path, index), item)
                self.value(item, (*path, index))
