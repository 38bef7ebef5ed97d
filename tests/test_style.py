"""Ruff and mypy, with the settings of pyproject.toml, are part of the tests."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPO


@pytest.mark.slow
@pytest.mark.parametrize("check", ["ruff check", "ruff format --check", "mypy"])
def test_style(check: str) -> None:
    done = subprocess.run([sys.executable, "-m", *check.split()], cwd=REPO, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
