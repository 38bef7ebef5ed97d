"""Batch: ``leadheat score`` from Parquet files to scores with bands, beside DuckDB reading and sorting the same files.

Called as a process with the folder that DuckDB is to read.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tests.benchmarks.limits import THREADS, Limits, Outcome, limited, limited_command

PER_LEAD = 50
MEMORY = "4GB"
SORTED_BY = "duckdb"
"""The contender that the others are measured by."""
SCORES = {
    "bands": ("leadheat score, without reasons", ("--no-reasons",)),
    "reasons": ("leadheat score, with reasons for warm and hot leads", ()),
}


def measure(interactions: int, trained_on: int, most: Limits) -> Iterator[dict[str, Any]]:
    """Sort and score one data set of ``PER_LEAD`` interactions a lead.

    Args:
        interactions: of the data set.
        trained_on: leads of the world that the champion is trained on.
        most: of each run.

    Yields:
        A row for each contender: wall and processor seconds and the peak memory of its processes, or a ``failure``.
    """
    with prepared(interactions, trained_on, most) as place:
        if place.failure:
            yield place.lacking(SORTED_BY)
            return
        yield place.row(SORTED_BY, "DuckDB, read and sort alone", timed(lambda: limited(__name__, place.folder, limits=most)))
        for name, (title, options) in SCORES.items():
            yield place.row(name, title, place.scored(f"{name}.parquet", most, "--memory", MEMORY, *options))


@dataclass(frozen=True)
class Place:
    """A data set to score in ``folder``, with a champion that ``environment`` tells of; or why there is none.

    ``facts`` are its size.
    """

    folder: Path
    environment: dict[str, str]
    facts: dict[str, int]
    failure: str | None

    def row(self, contender: str, title: str, measured: Mapping[str, Any]) -> dict[str, Any]:
        """What is told of a contender."""
        return {"contender": contender, "title": title, **self.facts, **measured}

    def lacking(self, contender: str) -> dict[str, Any]:
        """The one row where there is nothing to score."""
        return self.row(contender, "no champion, or no data", {"failure": self.failure})

    def scored(self, out: str, most: Limits, *options: str, extra: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What ``leadheat score`` into a file of the folder took, with nothing left of an earlier run."""
        command = [sys.executable, "-m", "leadheat", "score", str(self.folder), "--out", str(self.folder / out), "--json", *options]
        with tempfile.TemporaryDirectory() as cache:
            environment = self.environment | {"LEADHEAT_CACHE": cache} | dict(extra or {})
            return timed(lambda: limited_command(command, most, environment))


@contextmanager
def prepared(interactions: int, trained_on: int, most: Limits) -> Iterator[Place]:
    """A champion and a data set, as of ``measure``, for as long as the block lasts."""
    facts = {"interactions": interactions, "leads": max(interactions // PER_LEAD, 1)}
    with tempfile.TemporaryDirectory() as scratch:
        folder, champion = Path(scratch) / "data", Path(scratch) / "champion"
        folder.mkdir()
        trained = limited("tests.benchmarks.scaling", "champion", champion, trained_on, limits=most)
        environment: dict[str, str] = trained.answers[-1] if trained.answers else {}
        made = trained
        if not trained.failure:
            made = limited("tests.benchmarks.scaling", "make", folder, interactions, PER_LEAD, champion, limits=most)
        yield Place(folder, environment, facts, made.failure)


def timed(run: Callable[[], Outcome]) -> dict[str, Any]:
    """Wall and processor seconds and peak memory of processes, or a ``failure``."""
    started, before = time.perf_counter(), _processor_seconds()
    outcome = run()
    if outcome.failure:
        return {"failure": outcome.failure}
    return {
        "seconds": time.perf_counter() - started,
        "processor_seconds": _processor_seconds() - before,
        "peak_gb": outcome.peak_gb,
        "failure": None,
    }


def _processor_seconds() -> float:
    """Of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _sort(folder: Path) -> int:
    """Read all interactions in the order of leads and time, which is what any scoring needs; returns how many there are."""
    with tempfile.TemporaryDirectory(dir=folder) as spill:
        connection = duckdb.connect(config={"threads": THREADS, "temp_directory": spill})
        files = str(folder / "interactions-*.parquet")
        ordered = connection.sql("SELECT * FROM read_parquet(?) ORDER BY lead_id, occurred_at", params=[files])
        return sum(batch.num_rows for batch in ordered.to_arrow_reader(1_000_000))


if __name__ == "__main__":
    print(json.dumps({"rows": _sort(Path(sys.argv[1]))}))
