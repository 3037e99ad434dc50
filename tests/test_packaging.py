"""The wheel: every source file is in it, it needs nothing from the tree, and the tests of the laws pass against it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
AGAINST_THE_WHEEL = ["test_laws.py", "test_corpus.py", "test_conversation.py", "test_contents.py"]


def run(*command: object, cwd: Path) -> str:
    found = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing left over in the tree gets in."""
    copy = tmp_path_factory.mktemp("copy") / "tree"
    ignored = shutil.ignore_patterns(
        ".git", ".venv*", "*.egg-info", "__pycache__", "build", "dist", ".*_cache", ".hypothesis"
    )
    shutil.copytree(ROOT, copy, ignore=ignored)
    target = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", target, ".", cwd=copy)
    (found,) = target.glob("*.whl")
    return found


def test_every_source_file_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    folders = {"harmony_spec": "harmony_spec", "codegen": "harmony_spec/codegen", "grammar": "harmony_spec/grammar"}
    expected = {}
    for folder, installed in folders.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                expected[f"{installed}/{path.relative_to(ROOT / folder).as_posix()}"] = path.read_bytes()
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


def test_the_wheel_works_without_the_tree(wheel: Path, tmp_path: Path) -> None:
    """A codec is generated with the wheel alone, and the laws hold for what is installed.

    They need few examples here: its files are those of the tree, for which the same run has the others.
    """
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path / "site", wheel, cwd=tmp_path)
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    environment = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); "
    imports = "import harmony_spec; print(harmony_spec.__file__, {'lark', 'harmony_spec.codegen'} & set(sys.modules))"
    said = run(sys.executable, "-c", environment + imports, cwd=tmp_path).strip()
    assert said.startswith(str(tmp_path))
    assert said.endswith("set()")
    generate = (
        "from pathlib import Path; from harmony_spec.codegen import GRAMMAR, generate; "
        "import harmony_spec.codec as c; assert generate(GRAMMAR) == Path(c.__file__).read_text(encoding='utf-8'); "
        f"assert str(GRAMMAR).startswith({str(tmp_path)!r})"
    )
    run(sys.executable, "-c", environment + generate, cwd=tmp_path)
    tests = [tmp_path / "tests" / name for name in AGAINST_THE_WHEEL]
    program = environment + "import pytest, harmony_spec; sys.exit(pytest.main(sys.argv[1:]))"
    said = run(
        sys.executable,
        "-c",
        program,
        "-q",
        "-p",
        "no:cacheprovider",
        "--hypothesis-profile",
        "few",
        *tests,
        cwd=tmp_path,
    )
    assert " passed" in said
