"""Training features computed on a cluster, and brought back as what LightGBM takes: the bits are those of ``features.compute``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as sql
from pyspark.sql.pandas.types import to_arrow_schema

from features.catalogue import FeatureSet
from features.compute import compute
from features.contract import DataError
from features.data_settings import DataSettings
from features.dataset import Dataset
from features.history import lead_positions, micros
from features.layout import as_text
from features.raw import RawTable
from features.sources import Tables
from features.spark.checking import Beside, check
from features.spark.session import readable
from features.spark.shares import BUCKETS, pour
from features.spark.sources import Origin, Sources
from features.times import UTC_MICROS, read_times

SNAPSHOTS = "snapshots"


def pour_frames(settings: DataSettings, frames: Mapping[str, DataFrame], buckets: int = BUCKETS) -> Sources:
    """Bring the tables of a data set together by lead, wherever Spark has them from.

    Args:
        settings: the ``[data]`` part of ``leadheat.toml``; its paths are not looked at.
        frames: leads, interactions and outcomes, as far as the settings name them; other tables with a ``lead_id`` are taken along.
        buckets: as of ``features.spark.shares.pour``.

    Raises:
        DataError: a table is missing.
        LeadheatError: a task failed.
    """
    named = settings.tables
    if missing := [name for name in named if name not in frames]:
        raise DataError(f"There is no DataFrame of the {', '.join(missing)}.", "Hand one over for each table that the settings name.")
    lead_ids = {name: named[name].source().get("lead_id", "lead_id") if name in named else "lead_id" for name in frames}
    shares = pour(frames, lead_ids, buckets)
    origins = {name: Origin(RawTable(shares.schemas[name].empty_table(), str)) for name in named}
    return Sources(shares, origins)


def training_features(
    features: FeatureSet, settings: DataSettings, frames: Mapping[str, DataFrame], snapshots: DataFrame, buckets: int = BUCKETS
) -> DataFrame:
    """The features of snapshots.

    Args:
        features: the fitted catalogue, F columns.
        settings: as of ``pour_frames``.
        frames: the tables of the data set.
        snapshots: ``lead_id``, ``as_of`` and any further columns, such as the label, which are kept.
        buckets: as of ``pour_frames``.

    Returns:
        A row a snapshot: ``lead_id`` string, ``as_of`` timestamp, the further columns, and F columns of float32, named as the features
        are; NaN where a measure has no value.

    Raises:
        DataError: the tables cannot be used, or when the rows are computed: a snapshot's lead is unknown, or its moment no moment.
        LeadheatError: a task failed.
    """
    checked = check(pour_frames(settings, {**frames, SNAPSHOTS: snapshots}, buckets), settings)
    kept = [field for field in to_arrow_schema(snapshots.schema, timezone="UTC") if field.name not in ("lead_id", "as_of")]
    own = [pa.field("lead_id", pa.string()), pa.field("as_of", UTC_MICROS)]
    schema = pa.schema([*own, *kept, *(pa.field(name, pa.float32()) for name in features.names)])

    def run(_: int, tables: Tables, beside: Beside) -> Iterator[pa.Table]:
        yield _features(features, settings, tables, beside[SNAPSHOTS]).cast(schema)

    return checked.map(run, schema)


def _features(features: FeatureSet, settings: DataSettings, tables: Tables, snapshots: pa.Table) -> pa.Table:
    dataset = Dataset.from_tables(settings.name, tables, repeatable=settings.repeatable, schema=features.schema)
    lead_id, moments = as_text(snapshots["lead_id"]), read_times(snapshots["as_of"], settings.timezone)
    lead = lead_positions(lead_id, pa.chunked_array([dataset.history.lead_ids]))
    lost = bool((lead < 0).any())
    if lost or moments.values.null_count:
        what = "leads that are not in the leads table" if lost else "moments without a zone, or none"
        raise DataError(f"There are snapshots of {what}.", "Leave them out, or mend lead_id and as_of.")
    history = dataset.history.with_schema(features.schema)
    as_of = pa.chunked_array([moments.values])
    X = compute(features, history, lead, micros(as_of))
    rest = snapshots.drop_columns(["lead_id", "as_of"])
    columns = {"lead_id": lead_id, "as_of": as_of} | {name: rest[name] for name in rest.column_names}
    return pa.table(columns | {name: pa.array(X[:, i]) for i, name in enumerate(features.names)})


@dataclass(frozen=True, eq=False)
class Matrix:
    """m snapshots: ``X`` float32[m, F] in C order, and ``about``, their other columns, sorted by lead and moment."""

    X: np.ndarray
    about: pa.Table


def sampled(snapshots: DataFrame, share: float, seed: int = 0) -> DataFrame:
    """A share of the rows by a hash of lead and moment: the same ones whatever the partitions, and best taken before features are."""
    chosen = sql.pmod(sql.xxhash64(sql.col("lead_id").cast("string"), "as_of", sql.lit(seed)), sql.lit(1 << 32))
    return snapshots.where(chosen < int(share * (1 << 32)))


def to_matrix(features: FeatureSet, frame: DataFrame) -> Matrix:
    """Bring what ``training_features`` gave to this process.

    Raises:
        DataError, LeadheatError: as of ``training_features``.
    """
    with readable():
        table = frame.toArrow()
    table = table.sort_by([("lead_id", "ascending"), ("as_of", "ascending")])
    X = np.empty((len(table), len(features.names)), np.float32)
    for i, name in enumerate(features.names):
        X[:, i] = table[name].to_numpy()
    return Matrix(X, table.drop_columns(list(features.names)))
