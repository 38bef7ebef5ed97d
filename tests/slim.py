"""The environment that a bento brings along: what ``requirements-serving.lock`` names, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPO

LOCK = REPO / "requirements-serving.lock"


def slim_python(place: Path) -> Path:
    """The interpreter of an environment in this folder, made anew unless the same lock made it."""
    python, made = place / "bin" / "python", place / "made"
    if not made.exists() or made.read_text() != LOCK.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        install = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "install", "--requirement", str(LOCK)]
        subprocess.run(install, check=True, stdout=sys.stderr)
        made.write_text(LOCK.read_text())
    return python
