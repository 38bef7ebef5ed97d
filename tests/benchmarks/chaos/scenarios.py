"""The faults, one each, under steady traffic. Every scenario gives what it saw; ``run`` holds it against ``verdict``."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from tests.benchmarks.chaos.place import Place, workers_of
from tests.benchmarks.chaos.traffic import Told, Traffic
from tests.conftest import REPO
from tests.ports import free_port
from tests.postgres import Postgres
from tests.server import Server

BEFORE, DURING, AFTER = 3.0, 3.0, 4.0
"""Seconds of traffic before a fault, while it lasts, and after it is over."""
PATIENCE = 30.0
"""Seconds within which a service must be back by itself."""
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


class CannotBeTriedError(Exception):
    """This machine lacks what a scenario needs; the message says what."""


@dataclass(frozen=True)
class Outcome:
    """What a scenario saw.

    Attributes:
        store: where everything must be.
        silence: seconds from the fault's end (of a swap or a lasting change, from its beginning) to the next acknowledgement.
        wrong: what is wrong beside what ``verdict`` finds.
    """

    told: Told
    store: str
    silence: float
    wrong: tuple[str, ...] = ()


Scenario = Callable[[Place, Postgres], Outcome]


def _sqlite(place: Place) -> str:
    return f"sqlite:///{place.folder / 'store.db'}"


def _struck(
    place: Place,
    store: str,
    strike: Callable[[Server], object],
    end: Callable[[], object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Traffic to a service of two workers; ``strike`` gets the service, ``end`` ends what it did."""
    with place.serve(store, environment) as server, Traffic([server.port], place.bodies) as traffic:
        traffic.run(BEFORE)
        over = time.monotonic()
        strike(server)
        if end is not None:
            traffic.run(DURING)
            end()
            over = time.monotonic()
        silence = _await(traffic, over)
        traffic.run(AFTER)
    return Outcome(traffic.told, store, silence)


def _await(traffic: Traffic, since: float) -> float:
    while traffic.told.silence_after(since) == float("inf") and time.monotonic() < since + PATIENCE:
        time.sleep(0.05)
    return traffic.told.silence_after(since)


def worker_killed(place: Place, _: Postgres) -> Outcome:
    """kill -9 of a worker, the store in SQLite."""
    return _struck(place, _sqlite(place), lambda server: workers_of(server)[0].kill())


def database_killed(place: Place, postgres: Postgres) -> Outcome:
    """kill -9 of PostgreSQL with all its processes, and its restart."""
    return _struck(place, postgres.database(), lambda _: postgres.kill(), postgres.start)


def mlflow_killed(place: Place, postgres: Postgres) -> Outcome:
    """kill -9 of the MLflow server that is the registry."""
    with _mlflow(place) as (address, process):
        return _struck(place, postgres.database(), lambda _: os.killpg(process.pid, signal.SIGKILL), None, {"MLFLOW_TRACKING_URI": address})


def disk_full(place: Place, _: Postgres) -> Outcome:
    """No space left where SQLite's file lies, until there is again."""
    with _small_disk(place.folder / "disk") as disk:
        filler = disk / "filler"
        return _copied(place, _struck(place, f"sqlite:///{disk / 'store.db'}", lambda _: _fill(filler), filler.unlink))


def clock_set_back(place: Place, postgres: Postgres) -> Outcome:
    """The service's clock goes back by an hour, and stays there."""
    if not FAKETIME.exists():
        raise CannotBeTriedError("apt-get install faketime")
    told = place.folder / "clock"
    told.write_text("+0")
    clock = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(told), "FAKETIME_CACHE_DURATION": "1", "DONT_FAKE_MONOTONIC": "1"}
    struck: list[datetime] = []

    def set_back(_: Server) -> None:
        told.write_text("-1h")
        struck.append(datetime.now(UTC))

    outcome = _struck(place, postgres.database(), set_back, None, clock)
    latest = max(datetime.fromisoformat(one["as_of"]) for one in outcome.told.moved)
    wrong = () if latest < struck[0] + timedelta(seconds=2.5) else ("the clock did not go back",)
    return Outcome(outcome.told, outcome.store, outcome.silence, wrong)


def two_services(place: Place, postgres: Postgres) -> Outcome:
    """Two services on one store, every interaction sent to both; one is killed with all its workers."""
    store = postgres.database()
    with (
        place.serve(store) as one,
        place.serve(store) as other,
        Traffic([one.port, other.port], place.bodies, everywhere=True) as traffic,
    ):
        traffic.run(2 * BEFORE)
        since = time.monotonic()
        for process in (psutil.Process(other.process.pid), *workers_of(other)):
            process.kill()
        silence = _await(traffic, since)
        traffic.run(AFTER)
    return Outcome(traffic.told, store, silence)


def model_swapped(place: Place, postgres: Postgres) -> Outcome:
    """Another version is promoted: it is in service within 10 seconds, and no request fails."""
    done: list[float] = []

    def promote(_: Server) -> None:
        place.command("promote", "2", "--force", "--reason", "to see the swap")
        done.append(time.monotonic())

    def wait() -> None:
        time.sleep(max(0.0, done[0] + 10 - time.monotonic()))

    outcome = _struck(place, postgres.database(), promote, wait)
    versions = [answer["model"]["version"] for _, answer in outcome.told.scored]
    wrong = [] if set(versions) == {"1", "2"} and set(versions[-20:]) == {"2"} else [f"scored by {set(versions)}"]
    wrong += [f"{status}: {times} times" for status, times in outcome.told.refused.items()]
    return Outcome(outcome.told, outcome.store, outcome.silence, tuple(wrong))


SCENARIOS = {
    one.__name__: one for one in (worker_killed, database_killed, mlflow_killed, disk_full, clock_set_back, two_services, model_swapped)
}


@contextmanager
def _mlflow(place: Place) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    registry = place.environment["MLFLOW_TRACKING_URI"]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", registry, "--port", str(port), "--workers", "1"]
    with (place.folder / "mlflow.log").open("wb") as log:
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        process = subprocess.Popen(command, cwd=REPO, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _small_disk(at: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    at.mkdir(parents=True)
    made = subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(at)], capture_output=True, check=False)
    if made.returncode:
        raise CannotBeTriedError("a small file system needs root and mount")
    try:
        yield at
    finally:
        subprocess.run(["/bin/umount", "-l", str(at)], check=False)


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as handle:
        try:
            while True:
                handle.write(b"\0" * 4096)
        except OSError:
            return


def _copied(place: Place, outcome: Outcome) -> Outcome:
    """The same with the store where it stays when the small disk has gone."""
    for file in (place.folder / "disk").glob("store.db*"):
        shutil.copy(file, place.folder)
    return Outcome(outcome.told, _sqlite(place), outcome.silence)
