r"""Whole leads on a cluster: the rows of several tables, brought together lead by lead, many leads at a time.

Engines cut rows into chunks as they like, and a group for each lead costs far more than its arithmetic. So rows travel in parcels, one
for each of many hash buckets (``features.spark.parcels``); neighbouring buckets become groups of about one size, and a function
sees all rows of the leads of one group at once::

    interactions --\                                         group 0: buckets 0 to 4
    leads        ----> parcels by the hash of the lead id -> group 1: bucket 5, a heavy one -> function(tables) -> rows
    outcomes     --/                                        group 2: buckets 6 to 9
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import count

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel, TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as sql
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from features.spark.parcels import SCHEMA, conform, pack, unpack
from features.spark.session import readable, told

Tables = dict[str, pa.Table]
BUCKETS = 1024
GROUP_BYTES = 64 << 20
"""A group holds no more than this, in memory and before it is worked on, unless a single bucket does."""
CHUNK_BYTES = 64 << 20
"""So much of a table is cut into parcels at a time."""
GROUPS_PER_TASK = 4
"""Where there is less, there are at least so many groups for each task that can run at once, so that none waits long for the last."""


@dataclass(frozen=True, eq=False)
class Shares:
    """Poured tables.

    Attributes:
        parcels: all parcels, kept on the workers' disks until ``release``.
        group_of: int32[buckets], ascending.
        schemas: of each table.
    """

    parcels: DataFrame
    group_of: np.ndarray
    schemas: dict[str, pa.Schema]

    def map(self, function: Callable[[Tables], Iterable[pa.Table]], schema: pa.Schema) -> DataFrame:
        """What a function gives for all rows of some leads; every lead is seen by exactly one call.

        Args:
            function: gets a table of each name, its rows in no promised order; runs on the cluster.
            schema: of the tables that it gives.
        """
        schemas, source = self.schemas, self.parcels
        spark = source.sparkSession
        groups = spark.createDataFrame(pa.table({"bucket": pa.array(np.arange(len(self.group_of)), pa.int32()), "group": self.group_of}))

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for table in function(unpack(batches, schemas)):
                yield from conform([table], schema).to_batches()

        together = source.join(sql.broadcast(groups), "bucket").repartitionById(int(self.group_of[-1]) + 1, "group")
        return together.groupBy("group").applyInArrow(told(run), from_arrow_schema(schema))

    def release(self) -> None:
        """Free the disks; what ``map`` has given and is not kept elsewhere cannot be read any more."""
        self.parcels.unpersist()


def pour(frames: Mapping[str, DataFrame], lead_ids: Mapping[str, str], buckets: int = BUCKETS) -> Shares:
    """Bring DataFrames together by lead.

    Args:
        frames: by name.
        lead_ids: the column of each that holds the id, a text or a number.
        buckets: a power of two from 2 to 65,536; more of them split skewed data finer.

    Raises:
        LeadheatError: a task failed.
    """
    packed = []
    for name, frame in frames.items():

        def run(batches: Iterator[pa.RecordBatch], name: str = name) -> Iterator[pa.RecordBatch]:
            places = count(_partition() << 32)
            for rows in _chunks(batches):
                yield pack(name, rows, lead_ids[name], buckets, next(places))

        packed.append(frame.mapInArrow(told(run), from_arrow_schema(SCHEMA)))
    schemas = {name: to_arrow_schema(frame.schema, timezone="UTC") for name, frame in frames.items()}
    return gather(reduce(DataFrame.unionAll, packed), schemas, buckets)


def gather(parcels: DataFrame, schemas: dict[str, pa.Schema], buckets: int) -> Shares:
    """Keep parcels and divide their buckets into groups."""
    kept = parcels.persist(StorageLevel.DISK_ONLY)
    with readable():
        rows = kept.where(sql.col("bucket") >= 0).groupBy("bucket").agg(sql.sum("size")).collect()
    sizes = np.zeros(buckets, np.int64)
    for bucket, size in rows:
        sizes[bucket] = size
    tasks = kept.sparkSession.sparkContext.defaultParallelism
    return Shares(kept, groups(sizes, min(GROUP_BYTES, int(sizes.sum()) // (GROUPS_PER_TASK * tasks) + 1)), schemas)


def groups(sizes: np.ndarray, limit: int) -> np.ndarray:
    """int32[buckets]: neighbouring buckets (int64[buckets], bytes) in groups of no more than ``limit``, but for single larger ones."""
    group_of = np.zeros(len(sizes), np.int32)
    group, held = 0, 0
    for bucket, size in enumerate(sizes.tolist()):
        if held and held + size > limit:
            group, held = group + 1, 0
        group_of[bucket] = group
        held += size
    return group_of


def _chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches put together to tables of about ``CHUNK_BYTES``, so that parcels are not tiny."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.nbytes for one in held) >= CHUNK_BYTES:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _partition() -> int:
    context = TaskContext.get()
    return context.partitionId() if context else 0
