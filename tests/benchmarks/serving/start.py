"""``make bench-start``: from the command to the first score, and the memory of the processes, here and in the bento's own environment."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.table import Column, Table

from tests.benchmarks.serving.world import Served, prepare
from tests.conftest import REPO
from tests.server import Server
from tests.slim import slim_python

ASKED = 200
"""Scores after which memory is read."""
SECONDS, MEGABYTES = 4.0, 220.0
"""What is asked of the start, and of a worker in the bento's environment."""


@dataclass(frozen=True)
class Started:
    """Seconds to the first score; megabytes that keeper and worker hold, all (RSS) and of their own (USS)."""

    seconds: float
    keeper: tuple[float, float]
    worker: tuple[float, float]


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--leads", default=5_000, show_default=True, help="Of the world that the champion is trained on.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for world and champion, to be used again.")
@click.option("--environment", type=click.Path(path_type=Path), default=REPO / "build" / "serving", help="Where the slim environment lies.")
def main(rounds: int, leads: int, keep: Path | None, environment: Path) -> None:
    """Start the service again and again, in turns in this environment and in the bento's."""
    pythons = {"this environment": Path(sys.executable), "the bento's environment": slim_python(environment.absolute())}
    seen: dict[str, list[Started]] = {name: [] for name in pythons}
    with tempfile.TemporaryDirectory() as scratch:
        served = prepare((keep or Path(scratch)).absolute(), leads)
        for number in range(rounds + 1):  # the first fills the caches of files and of what was compiled
            for name, python in pythons.items():
                started = start(python, served)
                seen[name] += [started] if number else []
    Console(width=125).print(_table(seen))


def start(python: Path, served: Served) -> Started:
    """Start the service, wait for a score by the model, and look at its processes after some more."""
    home = Path(served.environment["LEADHEAT_HOME"])

    def command(port: int, _workers: int) -> list[str]:
        return [str(python), "-m", "leadheat", "serve", "--port", str(port)]

    began = time.perf_counter()
    with Server(home, {**served.environment, "LEADHEAT_SCORE_LOG": "off"}, start=command) as server:
        body = served.bodies[0].encode()
        server.wait_until(lambda: server.post("/score", body).json["model"]["name"] == "leadheat")
        seconds = time.perf_counter() - began
        for _ in range(ASKED):
            server.post("/score", body)
        keeper = psutil.Process(server.process.pid)
        (worker,) = keeper.children()
        return Started(seconds, _megabytes(keeper), _megabytes(worker))


def _megabytes(process: psutil.Process) -> tuple[float, float]:
    held = process.memory_full_info()
    return held.rss / 1e6, held.uss / 1e6


def _table(seen: dict[str, list[Started]]) -> Table:
    numbers = (Column(name, justify="right") for name in ("first score", "worker, all", "of its own", "keeper, all", "of its own"))
    table = Table(Column(f"start of the service (asked: {SECONDS:g} s, {MEGABYTES:g} MB a worker)"), *numbers)
    for name, runs in seen.items():
        table.add_row(name, f"{statistics.median(run.seconds for run in runs):.2f} s", *_sizes(runs))
    return table


def _sizes(runs: list[Started]) -> Iterator[str]:
    for held in (*zip(*(run.worker for run in runs), strict=True), *zip(*(run.keeper for run in runs), strict=True)):
        yield f"{statistics.median(held):.0f} MB"


if __name__ == "__main__":
    main()
