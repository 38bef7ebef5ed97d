"""A bento runs outside of the checkout, with nothing of it but what was packed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPO
from tests.server import Server
from tests.slim import LOCK, slim_python


@pytest.fixture(scope="module")
def bento(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bento as `bentoml build` leaves it."""
    place = tmp_path_factory.mktemp("bentoml")
    environment = os.environ | {"BENTOML_HOME": str(place), "BENTOML_DO_NOT_TRACK": "True"}
    command = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    tag = done.stdout.strip().removeprefix("__tag__:")
    return place / "bentos" / tag.replace(":", "/")


@pytest.mark.long
def test_a_bento_scores_away_from_the_checkout_with_what_it_installs(bento: Path, tmp_path: Path) -> None:
    python = slim_python(tmp_path / "environment")
    moved = shutil.copytree(bento, tmp_path / "bento")
    docs = moved / "src" / "serving" / "docs.py"
    docs.write_text(docs.read_text().replace('"title": "leadheat"', '"title": "the bento"'))
    empty = tmp_path / "empty"
    empty.mkdir()

    def start(port: int, _workers: int) -> list[str]:
        return [str(python), "-m", "bentoml", "serve", str(moved), "--host", "127.0.0.1", "--port", str(port)]

    environment = {"PYTHONPATH": "", "BENTOML_HOME": str(tmp_path / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    with Server(tmp_path / "home", environment, cwd=empty, start=start) as server:
        visit = {"type": "page_view", "occurred_at": "2026-01-01T08:00:00Z"}
        assert server.post("/score", {"lead": {"lead_id": "a"}, "interactions": [visit]}).status == 200
        assert server.post("/interactions", {"interactions": [visit | {"lead_id": "a"}]}).json["stored"] == 1
        assert server.get("/docs.json").json["info"]["title"] == "the bento"
    assert not list(empty.iterdir())


@pytest.mark.long
def test_a_bento_installs_the_lock_of_the_service(bento: Path) -> None:
    installed = (bento / "env" / "python" / "requirements.txt").read_text()
    assert installed.startswith(LOCK.read_text().strip())
