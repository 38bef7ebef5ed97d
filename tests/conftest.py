"""What the tests share: where the research data lies, and a skip that CI turns into a failure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
DATASETS = REPO / "tests" / "datasets"


def missing(what: str, install: str) -> None:
    """Skip the test because ``what`` is not on this machine; with LEADHEAT_REQUIRE_ALL=1 fail instead."""
    message = f"{what} is not here: {install}"
    if os.environ.get("LEADHEAT_REQUIRE_ALL") == "1":
        pytest.fail(message)
    pytest.skip(message)


def shared_data(name: str) -> Path:
    """The folder of a real data set, which is kept beside the repository and never in it."""
    folder = REPO.parent / "shared" / "data" / name
    if not folder.is_dir():
        missing(f"the data set {name}", f"put its files into {folder}")
    return folder
