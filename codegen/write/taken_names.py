"""Names that no field may have, since the codec uses them for something else. They are read from generated code."""

from __future__ import annotations

import ast
from dataclasses import replace

from ..model.format_model import Format
from .codec_module import emit_imports
from .library_source import stream_attributes
from .message_types import emit_class
from .public_functions import emit_functions, emit_json_functions
from .source_text import Writer


def taken_names(format: Format) -> frozenset[str]:
    """The names in every scope that has the names of fields, and the attributes of streaming parsers."""
    bare = replace(format, fields={}, drops=())  # only the names that every codec has remain
    writer = Writer()
    emit_imports(writer)
    emit_class(bare, writer)
    emit_functions(bare, writer)
    emit_json_functions(bare, writer)
    bound: set[str] = set()
    used: set[str] = set()
    for node in ast.walk(ast.parse(writer.text())):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.alias(name=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
    contents = {format.contents.class_name(rule) for rule in format.contents.rules}
    attributes = stream_attributes() if format.recovery is not None else frozenset()
    of_classes = {name for name in dir(type) if not name.startswith("_")}  # a dataclass would take one as a default
    return attributes | bound | of_classes | (used - contents)
