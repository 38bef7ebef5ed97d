"""Workers that die, and a service that is asked to end, under load."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import bentoml.serving
import pytest
from bentoml._internal.utils import circus

from serving.supervisor import EVERY, Supervisor
from serving.vigil import BEAT_EVERY
from tests.server import Server, ask

BODY = json.dumps({"lead": {"lead_id": "a"}, "interactions": [{"type": "page_view", "occurred_at": "2026-01-01T08:00:00Z"}]}).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers, where BentoML takes itself to be in a container."""
    with Server(tmp_path_factory.mktemp("home"), {"BENTOML_CONTAINERIZED": "1", "LEADHEAT_WORKER_SILENCE": "5"}, workers=2) as running:
        running.wait_until(lambda: len(workers(running)) == 2)
        yield running


def workers(server: Server) -> set[int]:
    """The ids of the processes that score."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return {int(one) for one in children if b"_bentoml_impl.worker.service" in Path(f"/proc/{one}/cmdline").read_bytes()}


def answers(server: Server, tries: int = 20) -> list[int]:
    return [server.post("/score", json.loads(BODY)).status for _ in range(tries)]


@pytest.mark.slow
def test_a_killed_worker_is_replaced_while_the_other_answers(server: Server) -> None:
    dead = min(workers(server))
    os.kill(dead, signal.SIGKILL)
    assert set(answers(server)) == {200}
    server.wait_until(lambda: len(workers(server) - {dead}) == 2, 3 * EVERY)
    assert set(answers(server)) == {200}


@pytest.mark.slow
def test_a_service_whose_workers_are_all_killed_recovers_by_itself(server: Server) -> None:
    for one in workers(server):
        os.kill(one, signal.SIGKILL)
    server.wait_until(lambda: server.post("/score", json.loads(BODY)).status == 200, 30)


@pytest.mark.slow
def test_a_worker_that_hangs_is_replaced(server: Server) -> None:
    server.wait_until(lambda: len(workers(server)) == 2 and set(answers(server)) == {200}, 30)
    time.sleep(2 * BEAT_EVERY)  # until both have given a sign of life
    stuck = min(workers(server))
    os.kill(stuck, signal.SIGSTOP)
    server.wait_until(lambda: len(workers(server) - {stuck}) == 2, 30)
    assert not Path(f"/proc/{stuck}").exists()
    assert "gives no sign of life" in (server.home / "service.log").read_text()


@pytest.mark.slow
def test_what_is_in_work_is_answered_when_the_service_is_asked_to_end(server: Server) -> None:
    leads = [{"lead": {"lead_id": str(number)}, "interactions": json.loads(BODY)["interactions"] * 20} for number in range(1000)]
    batch = json.dumps({"leads": leads}).encode()
    got: list[int] = []
    clients = [threading.Thread(target=lambda: got.append(ask(server.connect(), "POST", "/score_batch", batch).status)) for _ in range(3)]
    for client in clients:
        client.start()
    time.sleep(0.3)  # until the batches are in work, which takes seconds
    server.process.terminate()
    for client in clients:
        client.join()
    assert got == [200, 200, 200]
    assert server.process.wait(20) == 0


def test_left_alone_bentoml_looks_every_ten_seconds_and_never_in_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a release has mended it: ``serving.supervisor`` goes."""
    monkeypatch.setenv("BENTOML_CONTAINERIZED", "1")
    bentoml.serving.running_inside_container.cache_clear()
    watcher = bentoml.serving.create_watcher("service", ["-m", "none"])
    bentoml.serving.running_inside_container.cache_clear()
    stock = circus.create_standalone_arbiter([watcher])
    assert (watcher.respawn, watcher.graceful_timeout, stock.check_delay) == (False, 86400, 10)
    monkeypatch.setattr(circus, "Arbiter", Supervisor)
    cured = circus.create_standalone_arbiter([watcher])
    assert (watcher.respawn, watcher.graceful_timeout, cured.check_delay) == (True, 40, 1)
