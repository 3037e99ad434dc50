"""Lines of Python in the layout of `ruff format`: on one line if it fits, else one item a line.

Text from a grammar reaches the codec only through `literal`, `raw`, `comment`, `docstring` or `data`. So it can only
become a string or a comment there. `PythonCode` is for names and expressions of the generator.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace

from ..read.problems import TooLarge, visible

WIDTH = 120

MAX_CODE_DEPTH = 180
"""Python refuses 200 nested brackets, and a line has some of its own. Harmony's codec has 7 levels."""


@dataclass(frozen=True)
class Block:
    """Items between brackets."""

    open: str
    items: tuple[str | Block, ...]
    close: str
    single: bool = False

    def flat(self) -> str:
        inner = ", ".join(item if isinstance(item, str) else item.flat() for item in self.items)
        return f"{self.open}{inner}{',' if self.single else ''}{self.close}"


def prefixed(prefix: str, code: str | Block) -> str | Block:
    return prefix + code if isinstance(code, str) else replace(code, open=prefix + code.open)


def call(name: str, *items: str | Block) -> Block:
    return Block(f"{name}(", items, ")")


def group(items: Iterable[str | Block]) -> Block:
    found = tuple(items)
    return Block("(", found, ")", single=len(found) == 1)


def mapping(items: Mapping[str, str | Block]) -> Block:
    """A dict; keys are code."""
    return Block("{", tuple(prefixed(f"{key}: ", value) for key, value in items.items()), "}")


class PythonCode(str):
    """An expression."""


def data(value: object) -> str | Block:
    """A value as code: JSON, code itself, or a dataclass, whose class in the runtime has the same name and fields."""
    if isinstance(value, Block | PythonCode):
        return value
    if is_dataclass(value):
        return call(f"runtime.{type(value).__name__}", *(data(getattr(value, part.name)) for part in fields(value)))
    if isinstance(value, Mapping):
        return mapping({literal(str(key)): data(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        items = tuple(data(item) for item in value)
        return Block("[", items, "]") if isinstance(value, list) else group(items)
    return literal(value) if isinstance(value, str) else repr(value)


def arguments(**values: object) -> Iterator[str | Block]:
    """Arguments with keywords, see `data`."""
    for name, value in values.items():
        yield prefixed(f"{name}=", data(value))


def literal(text: str) -> str:
    """A string literal in ASCII, with the quotes that need fewer escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    escaped = text.encode("unicode_escape").decode("ascii")
    return f"{quote}{escaped.replace(quote, chr(92) + quote)}{quote}"


def raw(text: str) -> str:
    """A string literal for a regular expression: a raw one if that is the same string."""
    safe = text.isascii() and text.isprintable() and '"' not in text and not text.endswith("\\")
    return f'r"{text}"' if safe and "\\" in text else literal(text)


def ascii_line(text: str) -> str:
    """A line in ASCII without control characters, for comments and docstrings."""
    return visible(text).rstrip().encode("ascii", "backslashreplace").decode("ascii")


class Writer:
    """Collects lines at the current depth, and decides on the blank lines between them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = self.due = 0

    def line(self, text: str) -> None:
        """Write a line after the blank lines that are due."""
        self.lines += [*[""] * self.due, "    " * self.depth + text if text else ""]
        self.due = 0

    def space(self, count: int = 1) -> None:
        """Let at least so many blank lines come before the next line."""
        self.due = max(self.due, count)

    def heading(self, text: str) -> None:
        self.space(2)
        self.comment(text)
        self.space()

    def assign(self, name: str, code: str | Block, above: str = "", doc: str = "") -> None:
        """Write an assignment with a comment above it, and with a docstring and a blank line below it."""
        if above:
            self.comment(above)
        if isinstance(code, str):
            self.chain([code], "", prefix=f"{name} = ")
        else:
            self.block(code, prefix=f"{name} = ")
        if doc:
            self.line(f'"""{doc}"""')
        self.space()

    def comment(self, text: str) -> None:
        for line in text.split("\n"):
            self.line(f"# {ascii_line(line)}".rstrip())

    def docstring(self, paragraphs: Iterable[str]) -> None:
        """Write a docstring; a paragraph that begins with spaces keeps that indent.

        Backslashes and triple quotes are replaced, since wrapping could split an escape.
        """
        lines: list[str] = []
        for paragraph in paragraphs:
            safe = ascii_line(paragraph).replace("\\", "/").replace('"""', "'''")
            indent = " " * (len(safe) - len(safe.lstrip()))
            lines += textwrap.wrap(
                safe.lstrip(),
                WIDTH - 4 * self.depth - 4,
                initial_indent=indent,
                subsequent_indent=indent * 2,
                break_on_hyphens=False,
            ) or [""]
        lines = [line.replace('"""', "'''") for line in lines]
        if lines[-1].endswith('"'):
            lines[-1] += " "
        if len(lines) == 1:
            self.line(f'"""{lines[0]}"""')
            return
        self.line(f'"""{lines[0]}')
        for line in lines[1:]:
            self.line(line)
        self.line('"""')

    def block(self, code: str | Block, prefix: str = "", suffix: str = "") -> None:
        """Write a statement; if it ends in brackets, it may need several lines."""
        flat = prefix + (code if isinstance(code, str) else code.flat()) + suffix
        if isinstance(code, str) or self.fits(flat):
            self.line(flat)
            return
        with self.body(prefix + code.open, code.close + suffix):
            for item in code.items:
                self.block(item, suffix=",")

    def chain(self, terms: list[str], operator: str, prefix: str, suffix: str = "") -> None:
        """Write terms joined by an operator after `prefix`, in brackets if they need several lines.

        A single term is in brackets only if it is a string that fits then, as `ruff format` writes it.
        """
        flat = f" {operator} ".join(terms)
        is_kept = len(terms) == 1 and not (flat.endswith(('"', "'")) and self.fits(f"    {flat}"))
        if self.fits(prefix + flat + suffix) or is_kept:
            self.line(prefix + flat + suffix)
            return
        with self.body(f"{prefix}(", f"){suffix}"):
            for term in [flat] if self.fits(flat) else [terms[0], *(f"{operator} {term}" for term in terms[1:])]:
                self.line(term)

    @contextmanager
    def body(self, first: str = "", last: str = "") -> Iterator[None]:
        """Indent the lines of a block, between its first line and its last one."""
        if first:
            self.line(first)
        self.depth += 1
        if self.depth > MAX_CODE_DEPTH:
            raise TooLarge
        yield
        self.depth -= 1
        if last:
            self.line(last)

    @contextmanager
    def definition(self, first: str | Block, end: str = ":", decorator: str = "", above: str = "") -> Iterator[None]:
        """Write the first line of a class, function or method between blank lines, and indent its body."""
        self.space(1 if self.depth else 2)
        if above:
            self.comment(above)
        if decorator:
            self.line(f"@{decorator}")
        self.block(first, suffix=end)
        with self.body():
            yield
        self.space(1 if self.depth else 2)

    def function(
        self, name: str, parameters: list[str], result: str, decorator: str = "", above: str = ""
    ) -> AbstractContextManager[None]:
        return self.definition(Block(f"def {name}(", tuple(parameters), ")"), f" -> {result}:", decorator, above)

    def fits(self, text: str) -> bool:
        return 4 * self.depth + len(text) <= WIDTH

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"
