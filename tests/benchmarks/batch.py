"""Batch: ``leadheat score`` from Parquet files to scores with bands, beside DuckDB reading and sorting the same files.

Called as a process with the folder that DuckDB is to read.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
    with tempfile.TemporaryDirectory() as scratch:
        folder, champion = Path(scratch) / "data", Path(scratch) / "champion"
        folder.mkdir()
        trained = limited("tests.benchmarks.scaling", "champion", champion, trained_on, limits=most)
        made = trained if trained.failure else _made(folder, interactions, champion, most)
        facts = {"interactions": interactions, "leads": max(interactions // PER_LEAD, 1)}
        if made.failure:
            yield {"contender": SORTED_BY, "title": "no champion, or no data", **facts, "failure": made.failure}
            return
        sort = _timed(lambda: limited(__name__, folder, limits=most))
        yield {"contender": SORTED_BY, "title": "DuckDB, read and sort alone", **facts, **sort}
        for name, (title, options) in SCORES.items():
            out = folder / f"{name}.parquet"
            command = [sys.executable, "-m", "leadheat", "score", str(folder), "--out", str(out), "--memory", MEMORY, "--json", *options]
            scored = _timed(lambda command=command: limited_command(command, most, trained.answers[-1]))  # type: ignore[misc]
            yield {"contender": name, "title": title, **facts, **scored}


def _made(folder: Path, interactions: int, champion: Path, most: Limits) -> Outcome:
    return limited("tests.benchmarks.scaling", "make", folder, interactions, PER_LEAD, champion, limits=most)


def _timed(run: Callable[[], Outcome]) -> dict[str, Any]:
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
