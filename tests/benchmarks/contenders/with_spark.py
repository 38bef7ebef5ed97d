"""Spark on this machine's processors, from Parquet files to rows that nobody keeps."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import FeatureSet, FeatureSettings
from features.contract import DAY
from features.data_settings import DataSettings
from features.history import History
from features.vocabulary import fit_features
from tests.benchmarks.contenders.windows import COUNTS, LONGEST
from tests.benchmarks.contenders.with_leadheat import tables
from tests.benchmarks.limits import THREADS
from tests.benchmarks.world import KINDS, WINDOW_DAYS, World

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_CELLS = [(f"`count({kind}, {days}d)`", kind, days) for kind in KINDS for days in WINDOW_DAYS]
_SETTINGS = DataSettings.model_validate({name: {"path": f"{name}.parquet"} for name in ("leads", "interactions")})


class Given(NamedTuple):
    """A session, its frames of the world by name, and the fitted catalogue."""

    spark: SparkSession
    frames: dict[str, DataFrame]
    features: FeatureSet


def ready(world: World) -> Given:
    """Start Spark and write the world's files; snapshots are numbered."""
    from pyspark.sql import SparkSession

    os.environ |= {
        "PYSPARK_SUBMIT_ARGS": "--driver-memory 4g pyspark-shell",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
    }
    quiet: dict[str, bool | float | int | str | None] = {
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": "8",
    }
    spark = SparkSession.builder.master(f"local[{THREADS}]").config(map=quiet).getOrCreate()
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    numbered = world.snapshots.append_column("number", pa.array(np.arange(world.snapshots.num_rows)))
    for name, table in {"interactions": world.interactions, "leads": world.leads, "snapshots": numbered}.items():
        pq.write_table(table, folder / f"{name}.parquet")
    frames = {name: spark.read.parquet(str(folder / f"{name}.parquet")) for name in ("interactions", "leads", "snapshots")}
    for name, frame in frames.items():
        frame.createOrReplaceTempView(name)
    features = fit_features(History.from_tables(tables(world), threads=THREADS), FeatureSettings(), {})
    return Given(spark, frames, features)


def filtered_join(given: Given) -> DataFrame:
    """The definition as a query."""
    counts = ", ".join(f"count_if(type = '{kind}' AND age <= {days * DAY}) AS {name}" for name, kind, days in _CELLS)
    query = f"""
        WITH looks AS (SELECT number, lead_id, unix_micros(as_of) AS moment FROM snapshots),
        history AS (SELECT lead_id, type, unix_micros(occurred_at) AS occurred FROM interactions),
        pairs AS (
            SELECT number, type, moment - occurred AS age FROM looks LEFT JOIN history
            ON looks.lead_id = history.lead_id AND occurred < moment AND moment - occurred <= {LONGEST}
        )
        SELECT number, {counts} FROM pairs GROUP BY number
        """  # noqa: S608 - of constants
    return _computed(given.spark.sql(query))


def window_functions(given: Given) -> DataFrame:
    """No join: sums over ranges of time among the interactions and the looks of a lead together."""
    counts = ", ".join(f"coalesce(sum(int(type = '{kind}')) OVER days_{days}, 0) AS {name}" for name, kind, days in _CELLS)
    own = "PARTITION BY lead_id ORDER BY moment"
    windows = ", ".join(f"days_{days} AS ({own} RANGE BETWEEN {days * DAY}L PRECEDING AND 1L PRECEDING)" for days in WINDOW_DAYS)
    query = f"""
        WITH both AS (
            SELECT lead_id, unix_micros(occurred_at) AS moment, type, NULL AS number FROM interactions
            UNION ALL SELECT lead_id, unix_micros(as_of), NULL, number FROM snapshots
        )
        SELECT * EXCEPT (lead_id, moment, type) FROM (SELECT *, {counts} FROM both WINDOW {windows}) WHERE number IS NOT NULL
        """  # noqa: S608 - of constants
    return _computed(given.spark.sql(query))


def whole_catalogue(given: Given) -> DataFrame:
    """What ``features.spark`` gives a training."""
    from features.spark.matrix import training_features

    frames = dict(given.frames)
    return _computed(training_features(given.features, _SETTINGS, frames, frames.pop("snapshots")))


def counts(result: DataFrame) -> np.ndarray:
    """Its counts, int64[snapshots, 24]."""
    table = result.select("number", *(f"`{name}`" for name in COUNTS)).toArrow().sort_by("number")
    return np.stack([table[name].to_numpy() for name in COUNTS], axis=1).astype(np.int64)


def columns(result: DataFrame) -> int:
    """How many there are, besides what tells the look."""
    return len(set(result.columns) - {"number", "lead_id", "as_of"})


def _computed(frame: DataFrame) -> DataFrame:
    """All its rows, for a sink that keeps none."""
    frame.write.format("noop").mode("overwrite").save()
    return frame
