"""The shortest faults of ``make chaos``: under steady traffic nothing that was acknowledged is lost, or there twice."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from features.contract import from_micros
from tests.benchmarks.chaos import scenarios
from tests.benchmarks.chaos.place import Place, workers_of
from tests.benchmarks.chaos.verdict import problems
from tests.bodies import bodies
from tests.postgres import Postgres
from tests.server import Server
from tests.small_world import SmallWorld


@pytest.fixture
def place(world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in ("BEFORE", "DURING", "AFTER"):
        monkeypatch.setattr(scenarios, name, 0.7)
    shutil.copytree(world.folder / "model", tmp_path / "home" / "versions" / "1-world")
    (tmp_path / "home" / "champion").symlink_to(Path("versions") / "1-world")
    leads = world.dataset.history.lead_ids.slice(0, 10).to_pylist()
    asked = bodies(world.folder / "data", leads, from_micros(world.now) + timedelta(days=1))
    return Place(tmp_path, {}, [json.dumps(body | {"explain": False}) for body in asked.values()])


@pytest.mark.long
@pytest.mark.parametrize("scenario", [scenarios.worker_killed, scenarios.database_killed], ids=["worker", "database"])
def test_what_was_acknowledged_is_there_once_whatever_is_killed(scenario: scenarios.Scenario, place: Place, postgres: Postgres) -> None:
    outcome = scenario(place, postgres)
    assert problems(outcome.told, outcome.store, place.home) == []
    assert outcome.silence < scenarios.PATIENCE
    assert outcome.told.refused, "the fault was not even noticed"


@pytest.mark.slow
def test_workers_end_with_the_process_that_keeps_them(tmp_path: Path) -> None:
    with Server(tmp_path / "home") as server:
        workers = workers_of(server)
        psutil.Process(server.process.pid).kill()
        gone, left = psutil.wait_procs(workers, timeout=20)
    assert (len(gone), left) == (1, [])
