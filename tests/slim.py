"""Environments of what a lock names and nothing else: that which a bento brings along, and others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPO

LOCK = REPO / "requirements-serving.lock"


def slim_python(place: Path, lock: Path = LOCK) -> Path:
    """The interpreter of an environment in this folder, made anew unless the same lock made it."""
    python, made = place / "bin" / "python", place / "made"
    if not made.exists() or made.read_text() != lock.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        install = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "install", "--requirement", str(lock)]
        subprocess.run(install, check=True, stdout=sys.stderr)
        made.write_text(lock.read_text())
    return python
