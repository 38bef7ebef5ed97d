"""Spark on a cluster of several processes, by configuration alone: the result is that of one machine, whatever is killed on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pyarrow.parquet as pq
import pytest

from features.contract import DAY, iso
from tests.clusters import Cluster, kill
from tests.command import Place
from tests.small_world import SmallWorld

SECONDS = 120.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster"), workers=2) as running:
        yield running


def python_workers(worker: int) -> list[psutil.Process]:
    """The Python processes in which the tasks of a worker of the cluster run."""
    found = []
    for one in psutil.Process(worker).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it may end while it is looked at
            found += [one] if "python" in one.name() else []
    return found


def until(found: object) -> None:
    """Wait until something, a function, gives what is true."""
    end = time.monotonic() + SECONDS
    while not found():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.long
def test_a_worker_killed_in_the_middle_changes_nothing(
    cluster: Cluster, champion_place: Place, world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_of = ("--as-of", iso(world.now - DAY))
    place = champion_place
    alone = place.run("score", str(world.folder / "data"), "--out", "local.parquet", *as_of, "--json")
    assert alone.code == 0, alone.err
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    command = ("score", str(world.folder / "data"), "--out", "spark.parquet", *as_of, "--engine", "spark", "--json")
    process = place.start(*command)
    lost = cluster.workers[0].pid
    until(lambda: python_workers(lost) or process.poll() is not None)
    assert process.poll() is None, process.communicate()[1]
    kill(lost)
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    on_spark, local = (pq.read_table(place.folder / name).sort_by("lead_id") for name in ("spark.parquet", "local.parquet"))
    assert on_spark.equals(local)
    assert len(local) > 100
