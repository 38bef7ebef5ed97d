"""The notebooks run from top to bottom anywhere, use the public API alone, and are stored without output."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.notebooks import NOTEBOOKS, PICTURES, REPORT, named, picture, read, run
from tests.paged import SHOTS
from tests.source_tree import PACKAGES

LIBRARIES = {"dataclasses", "itertools", "numpy", "os", "pandas", "pathlib", "pyarrow", "sklearn", "tempfile", "warnings"}
LARGEST = 250_000

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.mark.slow
@each
def test_a_notebook_runs(path: Path, tmp_path: Path) -> None:
    notebook = run(path, tmp_path)
    shown = [kind for cell in notebook.cells for output in cell.get("outputs", ()) for kind in output.get("data", ())]
    assert {"image/png", "text/html"} <= set(shown)
    assert not [output for cell in notebook.cells for output in cell.get("outputs", ()) if output.get("name") == "stderr"]
    assert all(picture(cell).startswith(b"\x89PNG") for cell in named(notebook).values())
    assert not list(tmp_path.iterdir())


@each
def test_a_notebook_is_stored_without_output(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert cells
    assert not any(cell.outputs or cell.execution_count for cell in cells)


@each
def test_a_notebook_uses_the_public_api_alone(path: Path) -> None:
    code = "\n".join(line for cell in read(path).cells if cell.cell_type == "code" for line in cell.source.splitlines() if line[:1] != "%")
    nodes = list(ast.walk(ast.parse(code)))
    modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert {module.partition(".")[0] for module in modules} <= LIBRARIES | set(PACKAGES)
    names = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert not [name for name in (*modules, *names) if name.startswith("_") or "._" in name]


def test_every_picture_is_made_anew_with_the_others() -> None:
    stored = {path.stem: path.stat().st_size for path in PICTURES.iterdir()}
    assert sorted(stored) == sorted([REPORT, *SHOTS, *(name for path in NOTEBOOKS for name in named(read(path)))])
    assert max(stored.values()) <= LARGEST
