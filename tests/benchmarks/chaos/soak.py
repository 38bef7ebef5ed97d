"""``make soak``: a day of traffic in ten minutes, on a clock that runs as much faster; then memory and every logged score are looked at.

The service's clock is libfaketime's (``apt-get install faketime``), so what comes due within a day comes due.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from tests.benchmarks.chaos.place import Ground, workers_of
from tests.benchmarks.chaos.scenarios import FAKETIME
from tests.benchmarks.chaos.traffic import Traffic
from tests.benchmarks.chaos.verdict import log_problems, problems
from tests.postgres import Postgres, programs

EVERY = 2.0
"""Seconds between two looks at the memory."""
WARM_UP = 0.25
"""The share of the time in which a process may grow."""
FLAT = 0.05
"""By how much of its size a worker may grow from then on."""


@click.command()
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--hours", default=24.0, show_default=True, help="That pass on the service's clock.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for the trained versions, to be used again.")
def main(minutes: float, hours: float, keep: Path | None) -> None:
    """Let the service live through a day."""
    binaries = programs()
    if binaries is None or not FAKETIME.exists():
        raise click.ClickException("PostgreSQL's server and faketime are needed: apt-get install postgresql faketime")
    speed = 60 * hours / minutes
    clock = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": f"+0 x{speed:g}", "DONT_FAKE_MONOTONIC": "1"}
    with tempfile.TemporaryDirectory() as scratch, Postgres(binaries) as postgres:
        place = Ground((keep or Path(scratch)).absolute()).place("soak")
        store = postgres.database()
        with place.serve(store, clock) as server, Traffic([server.port], place.bodies, speed=speed) as traffic:
            sizes = watch(workers_of(server), 60 * minutes)
        wrong = problems(traffic.told, store, place.home)
        logged, differing = log_problems(store, place.home)
    table, growing = memory(sizes)
    if growing:
        wrong.append("memory grows")
    if differing or not logged:
        wrong.append(f"{differing} of {logged} logged scores do not replay")
    taken = f"{len(traffic.told.acknowledged):,} interactions were taken and {len(traffic.told.scored):,} bodies scored;"
    replayed = f"{logged:,} logged scores of stored leads were replayed in batch, {differing} of them to other bits."
    Console(width=125).print(table, taken, replayed, "; ".join(wrong) or "All holds.", sep="\n")
    sys.exit(1 if wrong else 0)


def watch(workers: list[psutil.Process], seconds: float) -> dict[int, list[tuple[float, float]]]:
    """(second, MB) of each process's resident memory."""
    began, sizes = time.monotonic(), {one.pid: list[tuple[float, float]]() for one in workers}
    while (passed := time.monotonic() - began) < seconds:
        for one in workers:
            sizes[one.pid].append((passed, one.memory_info().rss / 1e6))
        time.sleep(EVERY)
    return sizes


def memory(sizes: dict[int, list[tuple[float, float]]]) -> tuple[Table, bool]:
    """What each worker needed and by how much it grew, by a line through its later sizes; and whether one grew too much."""
    table, growing = Table("worker", "MB after warming up", "MB at the end", "slope, MB in the time that is left"), False
    for number, looks in enumerate(sizes.values(), 1):
        times, megabytes = np.array(looks).T
        later = times >= WARM_UP * times[-1]
        slope = float(np.polyfit(times[later], megabytes[later], 1)[0]) * float(times[-1] - times[later][0])
        growing |= slope > FLAT * float(megabytes[later][0])
        table.add_row(str(number), f"{megabytes[later][0]:.1f}", f"{megabytes[-1]:.1f}", f"{slope:+.2f}")
    return table, growing


if __name__ == "__main__":
    main()
