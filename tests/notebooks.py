"""Running the notebooks. ``python -m tests.notebooks`` runs them all, trains once, and refreshes the pictures that the README shows."""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.browser import picture_of
from tests.command import Place
from tests.conftest import REPO

FOLDER = REPO / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PICTURES = FOLDER / "pictures"
REPORT = "report"
"""The picture that no notebook makes: a report's first screen."""


def read(path: Path) -> nbformat.NotebookNode:
    """A notebook as it is stored."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-any-return, no-untyped-call]


def run(path: Path, place: Path) -> nbformat.NotebookNode:
    """The notebook with its output, run in a folder that has nothing to do with the project."""
    notebook = read(path)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(place)}})
    client.execute(env={**os.environ, "PYTHONPATH": str(REPO)})
    return notebook


def named(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    """The cells whose metadata name the picture that they show."""
    return {cell.metadata["picture"]: cell for cell in notebook.cells if "picture" in cell.metadata}


def picture(cell: nbformat.NotebookNode) -> bytes:
    """The PNG that a cell showed."""
    (shown,) = (output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {}))
    return base64.b64decode(shown)


def refresh() -> None:
    """Run all notebooks and write the pictures that they name."""
    for path in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as scratch:
            for name, cell in named(run(path, Path(scratch))).items():
                (PICTURES / f"{name}.png").write_bytes(picture(cell))
    with tempfile.TemporaryDirectory() as scratch:
        (PICTURES / f"{REPORT}.png").write_bytes(picture_of(trained_report(Path(scratch))))


def trained_report(folder: Path) -> Path:
    """The report on a model of 5,000 simulated leads."""
    place = Place(folder)
    for command in ("simulate world --leads 5000 --seed 1", "train world", "evaluate world --report report.html"):
        done = place.run(*command.split())
        assert done.code == 0, done.err
    return folder / "report.html"


if __name__ == "__main__":
    refresh()
