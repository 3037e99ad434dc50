"""What the generator knows of the library that codecs run on, read from its source.

Importing the library would import its codec, which may be the one that is broken.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

STREAM_PARSER = "StreamParser"
"""The class of `harmony_spec.streaming` that codecs inherit from."""


def api_version() -> tuple[int, int]:
    """The version of `harmony_spec.runtime` that codecs are generated for."""
    for node in _module("runtime").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "API_VERSION":
            major, minor = ast.literal_eval(node.value)
            return major, minor
    raise AssertionError("harmony_spec.runtime has no API_VERSION")


def stream_attributes() -> frozenset[str]:
    """The methods, properties and attributes of the class that streaming parsers inherit from."""
    (made,) = (node for node in _module("streaming/stream_parser").body if getattr(node, "name", None) == STREAM_PARSER)
    inside = list(ast.walk(made))
    methods = {node.name for node in inside if isinstance(node, ast.FunctionDef)}
    stored = {n.attr for n in inside if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "self"}
    return frozenset(methods | stored)


@cache
def _module(name: str) -> ast.Module:
    spec = find_spec("harmony_spec")
    assert spec is not None
    assert spec.origin is not None
    return ast.parse((Path(spec.origin).parent / f"{name}.py").read_text(encoding="utf-8"))
