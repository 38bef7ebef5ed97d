"""The service's own log: written by a real process, replayed without a difference, and readable after the process was killed."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from features.contract import from_micros
from features.snapshots import open_leads
from models import score_log
from models.scorer import LeadScorer
from tests.bodies import bodies
from tests.conftest import missing
from tests.monitored import codes, watch
from tests.server import Server
from tests.small_world import SmallWorld

LEADS = 120
WEEKS_AGO = 8 * 7 * 86_400 * 1_000_000


@pytest.fixture(scope="module")
def asked(world: SmallWorld) -> list[dict[str, Any]]:
    """Bodies of open leads, eight weeks before the world ends."""
    as_of = world.now - WEEKS_AGO
    ids = world.dataset.history.lead_ids.take(pa.array(open_leads(world.dataset, as_of)[:LEADS])).to_pylist()
    return list(bodies(world.folder / "data", ids, from_micros(as_of).astimezone(UTC)).values())


@pytest.fixture(scope="module")
def server(world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers with the world's model as version 7."""
    place = tmp_path_factory.mktemp("home")
    shutil.copytree(world.folder / "model", place / "versions" / "7-abc")
    (place / "champion").symlink_to("versions/7-abc")
    with Server(place, workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def scorer(server: Server) -> LeadScorer:
    return LeadScorer.load(server.home / "versions" / "7-abc", "7")


def logged(server: Server, rows: int) -> pa.Table:
    """The log, when it has so many rows."""
    server.wait_until(lambda: (server.home / "scores").is_dir() and len(score_log.read(server.home / "scores")) >= rows)
    return score_log.read(server.home / "scores")


def test_what_the_service_logs_replays_without_a_difference(
    server: Server, scorer: LeadScorer, world: SmallWorld, asked: list[dict[str, Any]]
) -> None:
    answers = [server.post("/score", body | {"explain": number % 2 == 0}).json for number, body in enumerate(asked[:60])]
    together = [{name: value for name, value in body.items() if name != "as_of"} for body in asked[60:]]
    answers += server.post("/score_batch", {"leads": together, "as_of": asked[0]["as_of"], "explain": False}).json["scores"]
    rows = {row["lead_id"]: row for row in logged(server, LEADS).to_pylist()}
    assert len(rows) == LEADS
    for answer in answers:
        row = rows[answer["lead_id"]]
        assert (row["probability"], row["score"], row["temperature"]) == (answer["probability"], answer["score"], answer["temperature"])
        assert (row["version"], row["fingerprint"], row["source"]) == ("7", scorer.fingerprint, "service")
        assert row["points"] == answer["baseline"]["points"]
    assert len({file.name.split("-")[2] for file in score_log.files(server.home / "scores")}) <= 2
    result = watch(world.dataset, logged(server, LEADS), scorer)
    assert result.versions[0].skew.replayed == LEADS
    assert result.versions[0].skew.mismatched == 0
    assert "skew" not in codes(result)


def test_an_attribute_in_another_unit_is_found_by_name(
    server: Server, scorer: LeadScorer, world: SmallWorld, asked: list[dict[str, Any]]
) -> None:
    before = len(logged(server, 0))
    for body in asked:
        attributes = body["lead"]["attributes"]
        other = attributes | ({"employees": attributes["employees"] / 1_000} if "employees" in attributes else {})
        server.post("/score", body | {"lead": body["lead"] | {"attributes": other}, "explain": False})
    rows = logged(server, before + LEADS).slice(0)
    result = watch(world.dataset, rows, scorer)
    skew = result.versions[0].skew
    assert skew.mismatched == sum("employees" in body["lead"]["attributes"] for body in asked)
    assert set(skew.features) == {"lead.employees"}
    assert "skew" in codes(result)


def test_a_killed_service_leaves_a_log_that_can_be_read(
    scorer: LeadScorer, world: SmallWorld, asked: list[dict[str, Any]], server: Server, tmp_path: Path
) -> None:
    (tmp_path / "champion").symlink_to(server.home / "versions" / "7-abc")
    with Server(tmp_path, {"LEADHEAT_SCORE_LOG": str(tmp_path / "log")}) as other:
        started = time.monotonic()
        for body in asked[:40]:
            assert other.post("/score", body | {"explain": False}).status == 200
        other.wait_until(lambda: (tmp_path / "log").is_dir() and len(score_log.read(tmp_path / "log")) > 0)
        os.killpg(other.process.pid, signal.SIGKILL)
        other.process.wait(20)
    rows = score_log.read(tmp_path / "log")
    assert 0 < len(rows) <= 40, time.monotonic() - started
    assert watch(world.dataset, rows, scorer).versions[0].skew.mismatched == 0


def test_whatever_they_are_asked_workers_load_nothing_that_compiles(server: Server, asked: list[dict[str, Any]]) -> None:
    if shutil.which("cc") is None:
        missing("a C compiler", "apt-get install gcc")
    visit = {"lead_id": "ann", "type": "page_view", "occurred_at": "2026-01-01T08:00:00Z"}
    leads = [{name: body[name] for name in ("lead", "interactions")} for body in asked]
    posted = {"/score": asked[0] | {"explain": True}, "/score_batch": {"leads": leads}, "/interactions": {"interactions": [visit]}}
    pages = (
        "/",
        "/leads",
        "/lead/ann",
        "/leads/ann",
        "/leads/ann/export",
        "/funnel",
        "/reports/funnel",
        "/model",
        "/metrics",
        "/docs.json",
    )
    for _ in range(4):  # so that each of the workers has its share
        assert [server.post(path, body).status for path, body in posted.items()] == [200] * len(posted)
        assert [server.get(path).status for path in pages] == [200] * len(pages)
    for worker in psutil.Process(server.process.pid).children():
        assert not [one.path for one in worker.memory_maps() if "llvmlite" in one.path]


def test_a_log_that_cannot_be_written_never_stands_in_the_way(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Server(tmp_path / "home", {"LEADHEAT_SCORE_LOG": str(tmp_path / "file" / "log")}) as other:
        assert all(other.post("/score", body).status == 200 for body in asked[:5])
        lost = 'leadheat_score_log_rows_total{result="lost"} 5.0'
        other.wait_until(lambda: lost in other.get("/metrics").body.decode())
        assert "score log cannot be written" in other.read_log()
        (tmp_path / "file").unlink()
        assert all(other.post("/score", body).status == 200 for body in asked[:10])
    rows = score_log.read(tmp_path / "file" / "log")
    assert len(rows) == 10
    assert rows["version"].null_count == rows["probability"].null_count == 10
