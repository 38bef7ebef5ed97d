"""Time and memory by size: ``leadheat score`` from Parquet files to scores, and the features alone from tables in memory.

A process is told what to do: ``champion FOLDER LEADS``, ``make FOLDER INTERACTIONS PER_LEAD CHAMPION`` or ``features FOLDER``.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import FeatureSettings
from features.compute import compute
from features.contract import DAY
from features.history import History
from features.sources import Tables
from features.vocabulary import fit_features
from models.scorer import LeadScorer
from tests.benchmarks.cost import exponent, fit_cost, sizes_of
from tests.benchmarks.limits import THREADS, Limits, limited, limited_command, peak_memory
from tests.benchmarks.scaled import START, write_scaled
from tests.benchmarks.serving.world import prepare
from tests.benchmarks.world import OBSERVED_DAYS

DENSITIES = (50, 500)
"""Interactions a lead: the curve is drawn for the first, the second parts the cost of interactions from that of leads."""
WHATS = ("score", "features")
SCORE = ("--no-reasons", "--memory", "4GB", "--json")
PREDICTED, MACHINES = 10_000_000_000, 20


def measure(sizes: Sequence[int], trained_on: int, most: Limits) -> Iterator[dict[str, Any]]:
    """Score data sets of these sizes, smallest first.

    Args:
        sizes: interactions; all but the largest are also made with the second density.
        trained_on: leads of the world that the champion is trained on.
        most: of each run.

    Yields:
        A row for each run: ``what`` (one of ``WHATS``), size, seconds and peak memory, or a ``failure``.
    """
    with tempfile.TemporaryDirectory() as scratch:
        champion = Path(scratch) / "champion"
        trained = limited(__name__, "champion", champion, trained_on, limits=most)
        if trained.failure:
            yield {"what": "score", "failure": f"no champion: {trained.failure}"}
            return
        environment = trained.answers[-1]
        for size in sorted(sizes):
            for per_lead in DENSITIES[: 1 if size == max(sizes) else 2]:
                with tempfile.TemporaryDirectory(dir=scratch) as folder:
                    yield from _both(Path(folder), size, per_lead, champion, environment, most)


def _both(folder: Path, size: int, per_lead: int, champion: Path, environment: dict[str, str], most: Limits) -> Iterator[dict[str, Any]]:
    made = limited(__name__, "make", folder, size, per_lead, champion, limits=most)
    facts = {"interactions": size, "per_lead": per_lead, "leads": max(size // per_lead, 1)}
    if made.failure:
        yield {"what": "score", **facts, "failure": f"no data: {made.failure}"}
        return
    command = [sys.executable, "-m", "leadheat", "score", str(folder), "--out", str(folder / "scores.parquet"), *SCORE]
    started = time.perf_counter()
    scored = limited_command(command, most, environment)
    yield _row("score", facts, {"seconds": time.perf_counter() - started, "peak_gb": scored.peak_gb}, scored.failure)
    computed = limited(__name__, "features", folder, limits=most)
    yield _row("features", facts, computed.answers[-1] if computed.answers else {}, computed.failure)


def _row(what: str, facts: dict[str, Any], measured: dict[str, Any], failure: str | None) -> dict[str, Any]:
    return {"what": what, **facts, **(measured if failure is None else {}), "failure": failure}


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """For each of ``WHATS`` the exponent at the first density and the model of the cost, with what it says of ``PREDICTED``."""
    found: dict[str, Any] = {}
    for what in WHATS:
        mine = [row for row in rows if row["what"] == what]
        slope = exponent(sizes_of([row for row in mine if row.get("per_lead") == DENSITIES[0]]))
        found[what] = {"exponent": slope}
        try:
            cost = fit_cost(sizes_of(mine))
        except ValueError as reason:
            found[what]["no_model"] = str(reason)
            continue
        leads = PREDICTED / DENSITIES[0]
        found[what] |= {
            "fixed": cost.fixed,
            "per_interaction": cost.per_interaction,
            "per_lead": cost.per_lead,
            "residuals": cost.residuals,
            "predicted_alone": cost.seconds(PREDICTED, leads),
            "predicted_cluster": cost.on_cluster(PREDICTED, leads, MACHINES),
        }
    return found


def _make(folder: Path, size: int, per_lead: int, champion: Path) -> None:
    scorer = LeadScorer.load((champion / "home" / "champion").resolve(), "1")
    write_scaled(folder, size, per_lead, scorer.features.types)


def _features(folder: Path) -> dict[str, Any]:
    """From unsorted tables in memory to the whole default catalogue, one look at each lead."""
    interactions, leads = pq.read_table(sorted(folder.glob("interactions-*.parquet"))), pq.read_table(folder / "leads.parquet")
    interactions = interactions.append_column("direction", pa.nulls(len(interactions), pa.string()))
    started, used = time.perf_counter(), time.process_time()
    history = History.from_tables(Tables(interactions, leads, interactions.slice(0, 0), 0, (), ""), threads=THREADS)
    features = fit_features(history, FeatureSettings(), {})
    compute(features, history, np.arange(len(leads)), np.full(len(leads), START + OBSERVED_DAYS * DAY), THREADS)
    return {
        "seconds": time.perf_counter() - started,
        "processor_seconds": time.process_time() - used,
        "peak_gb": peak_memory(),
    }


def _main(action: str, where: str, *arguments: str) -> None:
    folder = Path(where)
    if action == "champion":
        folder.mkdir()
        print(json.dumps(prepare(folder, int(arguments[0])).environment))
    elif action == "make":
        size, per_lead, champion = arguments
        _make(folder, int(size), int(per_lead), Path(champion))
    else:
        print(json.dumps(_features(folder)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
