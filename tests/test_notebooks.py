"""The notebooks run from top to bottom anywhere, use the public API alone, and are stored without output."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import REPO
from tests.source_tree import PACKAGES

NOTEBOOKS = sorted((REPO / "notebooks").glob("*.ipynb"))
LIBRARIES = {"dataclasses", "itertools", "numpy", "os", "pandas", "pathlib", "pyarrow", "sklearn", "tempfile", "warnings"}

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.mark.slow
@each
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    notebook = read(path)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [kind for cell in notebook.cells for output in cell.get("outputs", ()) for kind in output.get("data", ())]
    assert {"image/png", "text/html"} <= set(shown)
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


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)  # type: ignore[no-any-return, no-untyped-call]
