"""Spark: ``leadheat score --engine spark`` beside the same command on one machine, and training features beside Spark's SQL."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.benchmarks.batch import prepared
from tests.benchmarks.limits import THREADS, Limits
from tests.clusters import Cluster

LOCAL = "local"
"""The contender that the others are measured by."""
LOCAL_SPARK = {"MASTER": f"local[{THREADS}]", "SPARK_LOCAL_IP": "127.0.0.1"}
WORKERS = (1, 2)
WORLD = "50-each"
"""Whose features are computed."""


def lacking() -> str | None:
    """What is not installed here; None where nothing is missing."""
    if importlib.util.find_spec("pyspark") is None:
        return "Spark is not installed (make spark)"
    return None if shutil.which("java") else "there is no Java"


def measure(interactions: int, trained_on: int, most: Limits) -> Iterator[dict[str, Any]]:
    """Score one data set on one machine, on Spark on the same processors, and on clusters of one and two worker processes.

    Args:
        interactions: of the data set.
        trained_on: leads of the world that the champion is trained on.
        most: of each run.

    Yields:
        A row for each: wall and processor seconds and peak memory, or a ``failure``; who scores otherwise than one machine has one.
    """
    with prepared(interactions, trained_on, most) as place:
        if place.failure:
            yield place.lacking(LOCAL)
            return
        yield place.row(LOCAL, "one machine, 2 threads", place.scored("local.parquet", most, "--no-reasons"))
        for workers in (None, *WORKERS):
            title = f"Spark, {LOCAL_SPARK['MASTER']}" if workers is None else f"Spark, a cluster of workers with one core each: {workers}"
            with tempfile.TemporaryDirectory() as folder, nullcontext() if workers is None else Cluster(Path(folder), workers) as cluster:
                extra = LOCAL_SPARK if cluster is None else cluster.environment
                row = place.scored("spark.parquet", most, "--no-reasons", "--engine", "spark", extra=extra)
            if not row["failure"] and not _same(place.folder):
                row = {"failure": "scores otherwise than one machine"}
            name = "spark" if workers is None else f"cluster_{workers}"
            yield place.row(name, title, row)


def _same(folder: Path) -> bool:
    here, there = (pq.read_table(folder / f"{name}.parquet").sort_by("lead_id") for name in ("local", "spark"))
    return bool(here.equals(there))
