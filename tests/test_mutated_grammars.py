"""Mutated grammar folders: each is refused with places, or generates a codec that imports and keeps round trips."""

from __future__ import annotations

import copy
import json
import os
import shutil
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import GRAMMAR, GrammarError, generate
from harmony_spec import RenderError

from . import dialect
from .strategies import messages_of

FILES = sorted(path.name for path in GRAMMAR.iterdir() if path.suffix in (".lark", ".toml", ".json"))
EXAMPLES = int(os.environ.get("MUTATIONS", "25"))

VALUES = [0, -1, 1.5, 10**30, "", "x", "a.b", "$", True, None, [], {}, [None], {"x": []}, "#/$defs/x", "\n"]
"""Values that a key or an item may have instead of its own."""

TEXTS = ["", "x", "\n", '"', "[", "]", "{", "}", "=", "/", "?", "(", "nan", "1979-05-27", "\x00", "é", "#", "|", ":"]
"""Texts that a part of a file may become."""

Steps = tuple[str | int, ...]


def toml_of(value: Any) -> str:
    """A value in TOML, which is like JSON but for tables; what is None is left out."""
    if isinstance(value, dict):
        items = (f"{json.dumps(k, ensure_ascii=False)} = {toml_of(v)}" for k, v in value.items() if v is not None)
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list):
        return f"[{', '.join(toml_of(item) for item in value if item is not None)}]"
    return json.dumps(value, ensure_ascii=False)


def saved(name: str, tree: dict[str, Any]) -> str:
    if name.endswith(".json"):
        return json.dumps(tree, ensure_ascii=False, indent=2)
    items = (f"{json.dumps(k, ensure_ascii=False)} = {toml_of(v)}\n" for k, v in tree.items() if v is not None)
    return "".join(items)


def paths_in(value: Any, path: Steps = ()) -> list[Steps]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in children for found in ((*path, key), *paths_in(item, (*path, key)))]


@st.composite
def mutated_tree(draw: st.DrawFn, tree: dict[str, Any]) -> dict[str, Any]:
    """A tree with a key or an item dropped, renamed, of another type, or twice."""
    tree = copy.deepcopy(tree)
    *outer, key = draw(st.sampled_from(paths_in(tree)))
    holder: Any = tree
    for step in outer:
        holder = holder[step]
    keys = sorted({str(path[-1]) for path in paths_in(tree)})
    change = draw(st.sampled_from(["drop", "rename", "retype", "duplicate"]))
    if change == "drop":
        del holder[key]
    elif change == "retype":
        holder[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    elif isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        name = draw(st.sampled_from([*keys, f"{key}s", "", "x y"]))
        holder[name] = holder[key] if change == "rename" else copy.deepcopy(holder[key])
        if change == "rename" and name != key:
            del holder[key]
    return tree


@st.composite
def mutated_text(draw: st.DrawFn, text: str) -> str:
    """A text with a line dropped or twice, or a short part of it replaced."""
    lines = text.splitlines(keepends=True)
    change = draw(st.sampled_from(["drop", "duplicate", "replace"]))
    if change == "replace" or not lines:
        start = draw(st.integers(0, len(text)))
        return text[:start] + draw(st.sampled_from(TEXTS)) + text[start + draw(st.integers(0, 3)) :]
    at = draw(st.integers(0, len(lines) - 1))
    return "".join([*lines[:at], *([lines[at]] * 2 if change == "duplicate" else []), *lines[at + 1 :]])


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, str | None]:
    """Some files of the folder with other texts; None for a file that is gone."""
    found: dict[str, str | None] = {}
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(FILES))
        text = found.get(name, (GRAMMAR / name).read_text(encoding="utf-8"))
        kind = draw(st.sampled_from(["tree", "tree", "tree", "text", "file"]))
        if text is None or kind == "file":
            found[name] = None
            continue
        try:
            tree = {"toml": tomllib.loads, "json": json.loads}[name.rpartition(".")[2]](text) if kind == "tree" else {}
        except (KeyError, ValueError):
            tree = {}
        found[name] = saved(name, draw(mutated_tree(tree))) if paths_in(tree) else draw(mutated_text(text))
    return found


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutations(), st.data())
def test_a_mutated_grammar_is_refused_or_keeps_the_laws(mutated: dict[str, str | None], data: st.DataObject) -> None:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "grammar"
        shutil.copytree(GRAMMAR, folder, ignore=shutil.ignore_patterns("__pycache__"))
        for name, text in mutated.items():
            (folder / name).unlink() if text is None else (folder / name).write_text(text, encoding="utf-8")
        try:
            source = generate(folder)
        except GrammarError as error:
            assert error.problems
            for problem in error.problems:
                assert problem.place.file in (*FILES, folder.name), problem
                assert problem.place.line >= 1, problem
                assert problem.place.column >= 1, problem
                assert problem.reason, problem
                assert problem.reason.isprintable(), problem
                assert problem.remedy.isprintable(), problem
                assert problem.remedy.endswith("."), problem
            return
        module = dialect.module_of("mutated", source, Path(temporary))
    conversation = data.draw(st.lists(messages_of(module), max_size=2))
    try:
        text = module.render_text(conversation)
    except RenderError:
        return
    assert module.parse(text).messages == conversation
