r"""Whole leads on a cluster: the rows of several tables, brought together lead by lead, many leads at a time.

Engines cut rows into chunks as they like, and a group for each lead costs far more than its arithmetic. So rows travel in parcels, one
for each of many hash buckets (``features.spark.parcels``); neighbouring buckets become groups of about one size, and a function
sees all rows of the leads of one group at once::

    interactions --\                                         group 0: buckets 0 to 4
    leads        ----> parcels by a hash of the lead id -> group 1: bucket 5, a heavy one -> function(tables) -> rows
    outcomes     --/                                        group 2: buckets 6 to 9
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain, count

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import StorageLevel, TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as sql
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from features.spark.parcels import NO_LEAD, SCHEMA, chunks, conform, pack, unpack
from features.spark.session import readable, told

Tables = dict[str, pa.Table]
Share = Callable[[int, Tables], Iterable[pa.Table]]
BUCKETS = 1024
GROUP_BYTES = 64 << 20
"""A group holds no more than this, in memory and before it is worked on, unless a single bucket does."""
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

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return int(self.group_of[-1]) + 1

    def notes(self) -> list[tuple[int, bytes]]:
        """Place and content of the parcels that hold no rows."""
        with readable():
            rows = self.parcels.where(sql.col("bucket") == NO_LEAD).select("place", "content").collect()
        return [(place, bytes(content)) for place, content in rows]

    def map(self, function: Share, schema: pa.Schema, only: Sequence[int] | None = None) -> DataFrame:
        """What a function gives for all rows of some leads; every lead is seen by exactly one call.

        Args:
            function: gets the number of a group and a table of each name, their rows in no promised order; runs on the cluster.
            schema: of the tables that it gives.
            only: the groups to go through; by default all.

        Returns:
            A DataFrame whose partitions are the groups, in their order.
        """
        schemas, spark = self.schemas, self.parcels.sparkSession
        table = pa.table({"bucket": pa.array(np.arange(len(self.group_of)), pa.int32()), "group": self.group_of})
        if only is not None:
            table = table.filter(pc.is_in(table["group"], pa.array(only, pa.int32())))

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            first = next(batches)
            for given in function(first["group"][0].as_py(), unpack(chain([first], batches), schemas)):
                yield from conform([given], schema).to_batches()

        together = self.parcels.join(sql.broadcast(spark.createDataFrame(table)), "bucket").repartitionById(self.groups, "group")
        return together.groupBy("group").applyInArrow(told(run), from_arrow_schema(schema))

    def release(self) -> None:
        """Free the disks; what ``map`` has given and is not kept elsewhere cannot be read any more."""
        self.parcels.unpersist()


def pour(frames: Mapping[str, DataFrame], lead_ids: Mapping[str, str], buckets: int = BUCKETS) -> Shares:
    """Bring DataFrames together by lead.

    Args:
        frames: by name.
        lead_ids: the column of each that holds the id, a text or a number.
        buckets: more of them split skewed data finer.

    Raises:
        LeadheatError: a task failed.
    """
    schemas = {name: to_arrow_schema(frame.schema, timezone="UTC") for name, frame in frames.items()}
    packed = []
    for name, frame in frames.items():

        def run(batches: Iterator[pa.RecordBatch], name: str = name) -> Iterator[pa.RecordBatch]:
            places = count(_partition() << 32)
            for rows in chunks(batches, schemas[name]):
                yield pack(name, rows, lead_ids[name], buckets, next(places))

        packed.append(frame.mapInArrow(told(run), from_arrow_schema(SCHEMA)))
    return replace(gather(reduce(DataFrame.unionAll, packed), buckets), schemas=schemas)


def gather(parcels: DataFrame, buckets: int) -> Shares:
    """Keep parcels and divide their buckets into groups; what the schemas are is for the caller to say.

    Raises:
        LeadheatError: a task failed.
    """
    kept = parcels.persist(StorageLevel.DISK_ONLY)
    with readable():
        rows = kept.where(sql.col("bucket") >= 0).groupBy("bucket").agg(sql.sum("size")).collect()
    sizes = np.zeros(buckets, np.int64)
    for bucket, size in rows:
        sizes[bucket] = size
    tasks = kept.sparkSession.sparkContext.defaultParallelism
    return Shares(kept, groups(sizes, min(GROUP_BYTES, int(sizes.sum()) // (GROUPS_PER_TASK * tasks) + 1)), {})


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


def _partition() -> int:
    context = TaskContext.get()
    return context.partitionId() if context else 0
