"""The places of the values in a TOML or JSON text, which the parsers of both do not tell.

The text has been parsed before, so all that is needed is to find where each key and each item begins.
"""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator

from .problems import Place

ValuePath = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""

_TOKEN = re.compile(
    r"""
    (?P<blank> [ \t\r]+ | \#[^\n]* )
  | (?P<sign> [][{}=:,\n] )
  | \"{3} (?: \\[\s\S] | [^\\"] | "(?!"") )* "{3,5}
  | '{3} (?: [^'] | '(?!'') )* '{3,5}
  | " (?: \\. | [^"\\] )* " | '[^']*'
  | \.
  | [^][{}=:,\s"'.#]+
    """,
    re.VERBOSE,
)


def value_places(file: str, text: str) -> dict[ValuePath, Place]:
    """The place of each key of a table, and of each item of a list; of a repeated one the last."""
    is_toml = file.endswith(".toml")
    places = _Places(text, is_toml)
    places.document() if is_toml else places.value(())
    lines = [0, *(match.end() for match in re.finditer("\n", text))]
    found = {}
    for path, at in places.found.items():
        line = bisect_right(lines, at)
        found[path] = Place(file, line, at - lines[line - 1] + 1)
    return found


class _Places:
    """Reads a text token by token. `found` are the offsets, `counts` the tables in each list `[[name]]`."""

    def __init__(self, text: str, is_toml: bool) -> None:
        self.is_toml = is_toml
        self.tokens = list(_tokens(text))
        self.at = 0
        self.found: dict[ValuePath, int] = {}
        self.counts: dict[ValuePath, int] = {}

    @property
    def next(self) -> str:
        return self.tokens[self.at][0]

    def skip(self, *signs: str) -> None:
        while self.next in signs:
            self.at += 1

    def document(self) -> None:
        """A TOML text: tables with a heading, and keys with values."""
        table: ValuePath = ()
        self.skip("\n")
        while self.next:
            if self.next == "[":
                first = self.at
                self.skip("[")
                is_list = self.tokens[first + 1][0] == "[" and self.tokens[first + 1][1] == self.tokens[first][1] + 1
                table = self.key((), is_list)
                self.skip("]")
            else:
                self.member(table)
            self.skip("\n")

    def member(self, table: ValuePath) -> None:
        path = self.key(table)
        self.skip("=", ":")
        self.value(path)

    def key(self, table: ValuePath, is_list: bool = False) -> ValuePath:
        """A key, which may have dots; each part leads into the last table of its list."""
        path = table
        while self.next not in ("=", ":", "]", ""):
            token, start = self.tokens[self.at]
            self.at += 1
            if token in (".", "\n"):
                continue
            path = (*path, self.spelled(token))
            is_last = self.next in ("=", ":", "]")
            self.found[path] = start
            if is_last and is_list:
                self.counts[path] = self.counts.get(path, 0) + 1
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
                self.found[path] = start
        return path

    def spelled(self, token: str) -> str:
        if token[0] not in "\"'":
            return token
        return str(tomllib.loads(f"key = {token}")["key"] if self.is_toml else json.loads(token))

    def value(self, path: ValuePath) -> None:
        self.skip("\n")
        if self.next == "[":
            self.at += 1
            index = 0
            while self.inside("]"):
                self.found[(*path, index)] = self.tokens[self.at][1]
                self.value((*path, index))
                index += 1
        elif self.next == "{":
            self.at += 1
            while self.inside("}"):
                self.member(path)
        else:
            while self.next not in (",", "]", "}", "\n", ""):
                self.at += 1

    def inside(self, close: str) -> bool:
        """Whether another item comes before the end of a list or table, whose sign is skipped."""
        self.skip("\n", ",")
        if self.next != close:
            return True
        self.at += 1
        return False


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """The tokens with their offsets, without blanks and comments; at the end an empty one."""
    for match in _TOKEN.finditer(text):
        if not match["blank"]:
            yield match[0], match.start()
    yield "", len(text)
