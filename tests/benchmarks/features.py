"""The whole catalogue beside 24 windowed counts by others, each in a process of its own, so that its peak memory is its own.

A process is told what to do: ``make FOLDER INTERACTIONS SNAPSHOTS WORLD`` or ``time FOLDER WORLD CONTENDER REPEATS MOST_SECONDS``.
"""

from __future__ import annotations

import hashlib
import json
import math
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.contract import DAY
from tests.benchmarks.contenders.registry import ALL
from tests.benchmarks.limits import Limits, Outcome, limited, peak_memory, processor_seconds
from tests.benchmarks.oracle import naive_counts
from tests.benchmarks.world import SECOND, Looks, World, make_world

SMALL = (100_000, 10_000)
"""Interactions and snapshots of the world on which a contender's counts must be those of plain loops before it is timed."""
SAMPLE = 200
GRAIN = DAY // 2
"""Of that world's moments, so that many lie on the edges of windows."""
ENOUGH_SECONDS = 10.0
"""A contender is not run again once its runs have taken so long."""
TIMES_OURS = 10.0
"""A run that takes so many times longer than leadheat's is stopped."""
LEAST_SECONDS = 10
"""But never sooner."""
WEEKLY_SHARE = 0.1
"""Worlds with a weekly grid are so much smaller, for the sake of the whole run's time."""


@dataclass(frozen=True)
class Kind:
    """A kind of world."""

    title: str
    per_lead: int
    looks: Looks
    skewed: bool = False

    def make(self, interactions: int, snapshots: int, seed: int = 0, grain: int = SECOND) -> World:
        """A world of this kind."""
        return make_world(interactions, snapshots, self.per_lead, self.looks, skewed=self.skewed, seed=seed, grain=grain)


KINDS_OF_WORLD = {
    "50-each": Kind("50 interactions a lead, each look at a moment of its own", 50, "each"),
    "50-weekly": Kind("50 interactions a lead, looks on a weekly grid", 50, "weekly"),
    "500-each": Kind("500 interactions a lead, each look at a moment of its own", 500, "each"),
    "500-weekly": Kind("500 interactions a lead, looks on a weekly grid", 500, "weekly"),
    "skewed-each": Kind("skewed, each look at a moment of its own, busy leads more often", 50, "each", skewed=True),
    "skewed-weekly": Kind("skewed, looks on a weekly grid", 50, "weekly", skewed=True),
}


@dataclass(frozen=True)
class Timed:
    """What one contender needed: median seconds, of the clock and of all processors, and its processes' peak memory with the input."""

    contender: str
    title: str
    seconds: float | None = None
    processor_seconds: float | None = None
    peak_gb: float | None = None
    columns: int | None = None
    runs: int = 0
    digest: str | None = None
    failure: str | None = None


def measure(
    interactions: int, snapshots: int, worlds: Sequence[str], contenders: Sequence[str], repeats: int, most: Limits
) -> Iterator[dict[str, Any]]:
    """Time the contenders on worlds of some kinds, one contender at a time.

    Args:
        interactions: of each world; of those with a weekly grid ``WEEKLY_SHARE`` of them.
        snapshots: alike; a weekly grid may have fewer.
        worlds: of ``KINDS_OF_WORLD``.
        contenders: of ``registry.ALL``; the others are measured by the first, which is leadheat's.
        repeats: runs, the median of which counts; fewer of a slow contender.
        most: of each contender; a run is also stopped at ``TIMES_OURS`` leadheat's time.

    Yields:
        Again and again what is in the world and a row for each contender so far; one that failed or miscounted has a ``failure`` and
        no time.
    """
    for world in worlds:
        with tempfile.TemporaryDirectory() as folder:
            share = WEEKLY_SHARE if KINDS_OF_WORLD[world].looks == "weekly" else 1
            made = limited(__name__, "make", folder, int(share * interactions), int(share * snapshots), world, limits=most)
            if made.failure:
                yield {"world": world, "title": KINDS_OF_WORLD[world].title, "failure": made.failure, "rows": []}
                continue
            for rows in _rows(folder, world, contenders, repeats, most):
                yield {"world": world, "title": KINDS_OF_WORLD[world].title, **made.answers[-1], "rows": rows}


def _rows(folder: str, world: str, names: Sequence[str], repeats: int, most: Limits) -> Iterator[list[dict[str, Any]]]:
    timed: list[Timed] = []
    longest = int(most.seconds)
    for name in names:
        one = _outcome(name, limited(__name__, "time", folder, world, name, repeats, longest, limits=most), longest)
        timed.append(one)
        if name == names[0] and one.seconds is not None:
            longest = max(LEAST_SECONDS, math.ceil(TIMES_OURS * one.seconds))
        yield [asdict(one) for one in agreed(timed)]


def _outcome(name: str, outcome: Outcome, longest: int) -> Timed:
    """The medians of the runs that came to their end; a contender stopped in its first run has none."""
    title, runs = ALL[name].title, [answer for answer in outcome.answers if "seconds" in answer]
    facts = next((answer for answer in outcome.answers if "digest" in answer), None)
    if not runs or facts is None:
        alarmed = outcome.failure == f"ended with {-signal.SIGALRM}"
        return Timed(name, title, failure=f"stopped after {longest} s" if alarmed else outcome.failure or "printed no result")
    medians = {what: statistics.median(run[what] for run in runs) for what in ("seconds", "processor_seconds")}
    peak = max(outcome.peak_gb, *(run["peak_gb"] for run in runs))
    return Timed(name, title, **medians, peak_gb=peak, columns=facts["columns"], runs=len(runs), digest=facts["digest"])


def agreed(timed: Sequence[Timed]) -> list[Timed]:
    """The same rows; who counts otherwise than leadheat loses its time, and if leadheat has none nobody is compared with it."""
    own = timed[0].digest
    return [
        one
        if own is None or one.digest in (None, own)
        else Timed(one.contender, one.title, failure="counts otherwise than leadheat", digest=one.digest)
        for one in timed
    ]


def check(world: str, name: str, counted: Callable[[World], np.ndarray]) -> None:
    """A contender's counts of a small world of the same kind are those of plain loops, on a sample.

    Raises:
        AssertionError: they are not.
    """
    small = KINDS_OF_WORLD[world].make(*SMALL, seed=1, grain=GRAIN)
    rows = np.random.default_rng(0).choice(small.snapshots.num_rows, SAMPLE, replace=False)
    np.testing.assert_array_equal(counted(small)[rows], naive_counts(small, rows), err_msg=f"{name} counts otherwise than plain loops")


def _time(folder: Path, world: str, name: str, repeats: int, longest: int) -> None:
    """Check, which also warms up, then time; a line for each run as it comes. A run longer than ``longest`` ends the process."""
    contender = ALL[name]
    check(world, name, lambda small: contender.counts(contender.run(contender.prepared(small))))
    given = contender.prepared(World.read(folder))
    spent = 0.0
    for number in range(repeats):
        signal.alarm(longest)
        started, used = time.perf_counter(), processor_seconds()
        result = contender.run(given)
        signal.alarm(0)
        seconds = time.perf_counter() - started
        _tell({"seconds": seconds, "processor_seconds": processor_seconds() - used, "peak_gb": peak_memory()})
        if number == 0:
            digest = hashlib.sha256(contender.counts(result).tobytes()).hexdigest()
            _tell({"digest": digest, "columns": contender.columns(result)})
        del result
        spent += seconds
        if spent > ENOUGH_SECONDS:
            break


def _make(folder: Path, interactions: int, snapshots: int, world: str) -> None:
    made = KINDS_OF_WORLD[world].make(interactions, snapshots)
    made.write(folder)
    busiest = int(np.max(np.unique(made.interactions["lead_id"].combine_chunks().dictionary_encode().indices, return_counts=True)[1]))
    _tell(
        {"interactions": made.interactions.num_rows, "snapshots": made.snapshots.num_rows, "leads": made.leads.num_rows, "busiest": busiest}
    )


def _tell(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _main(action: str, folder: str, *arguments: str) -> None:
    if action == "make":
        interactions, snapshots, world = arguments
        _make(Path(folder), int(interactions), int(snapshots), world)
    else:
        world, name, repeats, longest = arguments
        _time(Path(folder), world, name, int(repeats), int(longest))


if __name__ == "__main__":
    _main(*sys.argv[1:])
