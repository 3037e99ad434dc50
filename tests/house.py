"""Which module imports which, and what follows from it; `python -m tests.house` prints it.

An import counts wherever it stands: in a function and under `TYPE_CHECKING`, too. The packages that a module is in are
not counted as imported.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PACKAGES = ("codegen", "harmony_spec")
"""Where imports are read."""

TREE = (*PACKAGES, "tests", "benchmarks", "fuzz")
"""Where lines are counted and file names compared."""

SHARED = (*PACKAGES, "benchmarks")
"""Where a class or constant has one meaning. Each test file is read by itself."""

Edges = Mapping[str, Set[str]]


def files(root: Path, folders: tuple[str, ...]) -> list[str]:
    """The Python files in these folders and below, as paths from `root`."""
    return sorted(path.relative_to(root).as_posix() for folder in folders for path in (root / folder).rglob("*.py"))


def folder_of(file: str) -> str:
    return file.rpartition("/")[0]


def imports(root: Path) -> dict[str, set[str]]:
    """For each file of the packages the files that it imports."""
    return {file: set(_imported(root, file)) for file in files(root, PACKAGES)}


def _imported(root: Path, file: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8"))):
        dotted: list[list[str]] = []
        if isinstance(node, ast.Import):
            dotted = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = file.split("/")[: -node.level] if node.level else []
            base += node.module.split(".") if node.module else []
            dotted = [[*base, alias.name] for alias in node.names]
        for parts in dotted:
            if parts[:2] == ["harmony_spec", "codegen"]:
                parts = parts[1:]  # the name under which it is installed
            if found := _file_of(root, parts) or _file_of(root, parts[:-1]):
                yield found


def _file_of(root: Path, parts: list[str]) -> str | None:
    """The file of a module; None for a name in a module, and for modules of other projects."""
    if not parts or parts[0] not in PACKAGES:
        return None
    path = "/".join(parts)
    return next((file for file in (f"{path}.py", f"{path}/__init__.py") if (root / file).is_file()), None)


def room_of(file: str) -> str:
    """The folder of a file; of a module that stands in `harmony_spec` itself, the module."""
    folder = folder_of(file)
    return file.removesuffix(".py") if folder == "harmony_spec" else folder


def between_folders(modules: Edges) -> dict[str, set[str]]:
    """For each folder the other folders that its files import from; see `room_of`."""
    found: dict[str, set[str]] = {room_of(file): set() for file in modules}
    for file, imported in modules.items():
        found[room_of(file)] |= {room_of(other) for other in imported} - {room_of(file)}
    return found


def reached(edges: Edges, start: str) -> set[str]:
    """What is imported from here, directly or through others."""
    found: set[str] = set()
    todo = [start]
    while todo:
        for other in edges.get(todo.pop(), ()):
            if other not in found:
                found.add(other)
                todo.append(other)
    return found


def circles(edges: Edges) -> list[list[str]]:
    """Groups in which each imports each, directly or through others."""
    below = {name: reached(edges, name) for name in edges}
    groups = {frozenset(other for other in found if name in below[other]) for name, found in below.items()}
    return sorted(sorted(group) for group in groups if group)


def floors(edges: Edges) -> dict[str, int]:
    """How many steps the longest way down has; what is in one circle is on one floor."""
    below = {name: reached(edges, name) for name in edges}
    below = {name: {other for other in found if name not in below[other]} for name, found in below.items()}
    found: dict[str, int] = {}
    for name in sorted(below, key=lambda name: len(below[name])):
        found[name] = max((found[other] + 1 for other in below[name]), default=0)
    return found


def names_used_twice(root: Path) -> list[list[str]]:
    """Files of one name, apart from `__init__` and `__main__`."""
    named: dict[str, list[str]] = {}
    for file in files(root, TREE):
        named.setdefault(Path(file).stem, []).append(file)
    return [found for name, found in sorted(named.items()) if len(found) > 1 and not name.startswith("__")]


def defined_twice(root: Path) -> dict[str, list[str]]:
    """Public classes, constants and types that several files of `SHARED` define at their top, with those files.

    Type variables and `__all__` are left out: they mean nothing elsewhere.
    """
    named: dict[str, list[str]] = {}
    for file in files(root, SHARED):
        for name in _defined(ast.parse((root / file).read_text(encoding="utf-8")).body):
            named.setdefault(name, []).append(file)
    return {name: found for name, found in sorted(named.items()) if len(found) > 1}


def _defined(body: list[ast.stmt]) -> set[str]:
    found = set[str]()
    for node in body:
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.If | ast.Try):
            found |= _defined([*node.body, *node.orelse])
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not _is_type_variable(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return {name for name in found if name[0].isupper()}


def _is_type_variable(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) in ("TypeVar", "ParamSpec")


def report(root: Path) -> Iterator[str]:
    """Lines by folder, floors, circles, and names used twice."""
    lines = Counter[str]()
    for file in files(root, TREE):
        lines[room_of(file)] += len((root / file).read_text(encoding="utf-8").splitlines())
    modules = imports(root)
    between = between_folders(modules)
    floor = floors(between)
    yield "floor  lines  folder: what it imports from"
    for folder in sorted(lines, key=lambda folder: (-floor.get(folder, -1), folder)):
        below = f": {', '.join(sorted(between[folder]))}" if between.get(folder) else ""
        yield f"{floor.get(folder, '-'):>5} {lines[folder]:>6}  {folder}{below}"
    for title, groups in (
        ("circles of folders", circles(between)),
        ("circles of modules", circles(modules)),
        ("file names used twice", names_used_twice(root)),
        ("names defined twice", [[f"{name}: {found[0]}", *found[1:]] for name, found in defined_twice(root).items()]),
    ):
        yield f"\n{title}: {len(groups) or 'none'}"
        yield from (f"  {', '.join(group)}" for group in groups)


if __name__ == "__main__":
    print("\n".join(report(ROOT)))
