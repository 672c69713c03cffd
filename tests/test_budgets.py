"""A file is one idea, a function one thought, and a name stands for one thing.

A file is cut where a second idea begins, never for its length; so the bounds are wide, and hold for all.
The checks are functions of source text, so that they can be shown to fail.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median

import pytest

from .test_layers import modules

MAX_LINES, MAX_MEAN_LINES, MIN_LINES = 400, 200, 40
"""Lines of a file, of the files of a folder on average, and of a file that needs no reason."""
REASON = "A file of its own: "
"""How the docstring of a file below `MIN_LINES` says why it is one."""
MAX_FUNCTION_LINES, MEDIAN_FUNCTION_LINES = 50, 8
MAX_METHODS = 15

FILES = [pytest.param(path, id=name) for name, path in modules()]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def too_small(source: str) -> bool:
    """A file that is hardly one, and does not say why it is."""
    return len(source.splitlines()) < MIN_LINES and REASON not in (ast.get_docstring(ast.parse(source)) or "")


def too_large(source: str) -> list[str]:
    """The functions and classes of a file that are."""
    tree = ast.parse(source)
    found = [f"{f.name}: {length(f)} lines" for f in functions(tree) if length(f) > MAX_FUNCTION_LINES]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            methods = sum(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in node.body)
            found += [f"{node.name}: {methods} methods"] if methods > MAX_METHODS else []
    return found


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_one_idea(path: Path) -> None:
    assert lines(path) <= MAX_LINES
    assert path.name in ("__init__.py", "__main__.py") or not too_small(path.read_text())
    assert too_large(path.read_text()) == []


def test_files_are_short_on_average() -> None:
    folders: dict[Path, list[int]] = {}
    for _, path in modules():
        if path.name != "__init__.py":
            folders.setdefault(path.parent, []).append(lines(path))
    assert {folder: mean(sizes) for folder, sizes in folders.items() if mean(sizes) > MAX_MEAN_LINES} == {}


def test_functions_are_short() -> None:
    sizes = [length(each) for _, path in modules() for each in functions(ast.parse(path.read_text()))]
    assert median(sizes) <= MEDIAN_FUNCTION_LINES


def test_a_name_stands_for_one_thing() -> None:
    """Within a package; what begins with an underscore belongs to its file."""
    homes: dict[tuple[str, str], list[str]] = {}
    for name, path in modules():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault((name.split(".")[0], node.name), []).append(name)
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


# ---------------------------------------------------------------- the checks can fail


@pytest.mark.parametrize("source", ["", '"""Adds."""\n\nX = 1\n'])
def test_a_file_without_a_reason_is_found(source: str) -> None:
    assert too_small(source)
    assert not too_small(f'"""Adds. {REASON}everybody needs it."""\n')


def test_what_is_too_large_is_found() -> None:
    long = "def f():\n" + "    g()\n" * MAX_FUNCTION_LINES
    wide = "class A:\n" + "".join(f"    def f{i}(self): ...\n" for i in range(MAX_METHODS + 1))
    assert too_large(long)
    assert too_large(wide)
    assert too_large("def f():\n    g()\nclass A:\n    def f(self): ...\n") == []
