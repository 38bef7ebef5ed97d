"""The whole catalogue beside 24 windowed counts by Polars, each in a process of its own, so that its peak memory is its own.

A process is told what to do: ``agree PER_LEAD``, ``make FOLDER INTERACTIONS SNAPSHOTS PER_LEAD``, ``time FOLDER CONTENDER REPEATS``.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from features.contract import DAY
from features.history import micros
from tests.benchmarks.contenders import CONTENDERS, THREADS
from tests.benchmarks.world import KINDS, WINDOW_DAYS, World, make_world

SMALL = (200_000, 20_000)
"""Interactions and snapshots of the world on which all must agree first; it also warms up."""
SAMPLE = 300


@dataclass(frozen=True)
class Timed:
    """What one contender needed: median seconds, of the clock and of all processors, and its process's peak memory with the input."""

    contender: str
    seconds: float
    processor_seconds: float
    peak_gb: float
    columns: int
    digest: str


def compare(interactions: int, snapshots: int, per_lead: int, repeats: int) -> list[Timed]:
    """Check that all agree, then time each on the same data.

    Raises:
        CalledProcessError: they count differently in the small world, or one of them failed.
        AssertionError: they count differently in the large one.
    """
    _child("agree", str(per_lead))
    with tempfile.TemporaryDirectory() as folder:
        _child("make", folder, str(interactions), str(snapshots), str(per_lead))
        timed = [Timed(**json.loads(_child("time", folder, name, str(repeats)))) for name in CONTENDERS]
    if len({one.digest for one in timed}) > 1:
        raise AssertionError(f"the contenders count differently: {timed}")
    return timed


def agree(world: World) -> None:
    """Every contender's counts equal those of plain loops on a sample, and each other's everywhere."""
    counts = {name: contender.counts(contender.run(world)) for name, contender in CONTENDERS.items()}
    rows = np.random.default_rng(0).choice(world.snapshots.num_rows, SAMPLE, replace=False)
    np.testing.assert_array_equal(counts["leadheat"][rows], naive_counts(world, rows))
    for name, counted in counts.items():
        np.testing.assert_array_equal(counted, counts["leadheat"], err_msg=name)


def naive_counts(world: World, rows: np.ndarray) -> np.ndarray:
    """The definition in plain loops, int64[rows, 24]."""
    wanted = set(world.snapshots["lead_id"].take(rows).to_pylist())
    history: dict[str, list[tuple[int, str]]] = {lead: [] for lead in wanted}
    columns = (
        world.interactions["lead_id"].to_pylist(),
        micros(world.interactions["occurred_at"]).tolist(),
        world.interactions["type"].to_pylist(),
    )
    for lead, moment, kind in zip(*columns, strict=True):
        if lead in wanted:
            history[lead].append((moment, kind))
    leads, as_of = world.snapshots["lead_id"].to_pylist(), micros(world.snapshots["as_of"]).tolist()
    return np.array([[_count(history[leads[row]], as_of[row], kind, days) for kind in KINDS for days in WINDOW_DAYS] for row in rows])


def _count(events: list[tuple[int, str]], as_of: int, kind: str, days: int) -> int:
    return sum(name == kind and as_of - days * DAY <= moment < as_of for moment, name in events)


def _child(*arguments: str) -> str:
    environment = os.environ | {"POLARS_MAX_THREADS": str(THREADS)}
    command = [sys.executable, "-m", __spec__.name, *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def _time(folder: Path, name: str, repeats: int) -> Timed:
    contender = CONTENDERS[name]
    contender.run(make_world(*SMALL, per_lead=50))
    world = World.read(folder)
    seconds, processor = [], []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        result = contender.run(world)
        seconds.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    digest = hashlib.sha256(contender.counts(result).tobytes()).hexdigest()
    return Timed(name, statistics.median(seconds), statistics.median(processor), peak, contender.columns(result), digest)


def _main(action: str, *arguments: str) -> None:
    if action == "agree":
        agree(make_world(*SMALL, int(arguments[0])))
    elif action == "make":
        folder, *sizes = arguments
        make_world(*map(int, sizes)).write(Path(folder))
    else:
        folder, name, repeats = arguments
        print(json.dumps(asdict(_time(Path(folder), name, int(repeats)))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
