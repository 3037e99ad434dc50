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
            self.found[file] = _PlaceReader(file, self.texts[file]).found if file in self.texts else {}
        while inner and inner not in self.found[file]:
            inner = inner[:-1]
        return self.found[file][inner] if inner else Place(file)


@cache
def _syntax() -> Lark:
    return Lark(SYNTAX, parser="lalr", start=["toml", "value"], propagate_positions=True)


class _PlaceReader:
    """Reads a text.

    Attributes:
        found: the place of each key of a table, and of each item of a list; of a repeated one the last.
        counts: the number of tables in each list `[[name]]`.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file, self.is_toml = file, file.endswith(".toml")
        self.found: dict[ValuePath, Place] = {}
        self.counts: dict[ValuePath, int] = {}
        self.value(_syntax().parse(text, start="toml" if self.is_toml else "value"), ())

    def add(self, path: ValuePath, node: Any) -> None:
        where: Any = node if isinstance(node, Token) else node.meta
        self.found[path] = Place(self.file, where.line, where.column)

    def value(self, node: Any, path: ValuePath) -> None:
        """What is in a value, or in a TOML text, which is a table whose headings lead to the tables below them."""
        table = path
        for index, item in enumerate(node.children if isinstance(node, Tree) else ()):
            match item:
                case Tree("member", [key, value]):
                    self.value(value, self.key(key, table))
                case Tree("heading" | "list_heading" as kind, [key]):
                    table = self.key(key, (), kind == "list_heading")
                case _:
                    self.add((*path, index), item)
                    self.value(item, (*path, index))

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
