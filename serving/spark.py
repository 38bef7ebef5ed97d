"""Batch on Spark: a data set scored on a cluster, share by share, with the code and the bits of one machine."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark import StorageLevel

import features
import models
import serving
from features.buckets.hashing import deal
from features.contract import now
from features.data_settings import DataSettings
from features.dataset import Dataset
from features.notes import merged
from features.sources import Tables
from features.spark.checking import Beside, CheckedShares, check
from features.spark.matrix import pour_frames
from features.spark.parcels import read, written
from features.spark.session import readable, session, ship
from features.spark.sources import read_files
from models.score_log import batch_log
from models.scorer import LeadScorer
from models.table import FOR_LATER, SCHEMA
from serving.batch import SHARD, Done, score_share
from serving.output import Output, Write, write_scores

if TYPE_CHECKING:
    from pyspark import Broadcast
    from pyspark.sql import DataFrame

_SCORED = pa.schema([("group", pa.int32()), ("notes", pa.binary()), ("scores", pa.binary()), ("log", pa.binary())])

FRAME = pa.schema([field for field in SCHEMA if field.name not in FOR_LATER])
"""The columns of a DataFrame of scores: those of ``models.table.SCHEMA`` without what a later run starts from."""


@dataclass(frozen=True)
class ModelFiles:
    """A model folder as it travels: its files by name, and the version that is told with every score."""

    files: tuple[tuple[str, bytes], ...]
    version: str | None = None

    @classmethod
    def of(cls, folder: Path, version: str | None = None) -> ModelFiles:
        """The files of a folder."""
        return cls(tuple((file.name, file.read_bytes()) for file in sorted(folder.iterdir())), version)

    @lru_cache(maxsize=1)  # noqa: B019 - a worker scores with one model, and loads it once
    def scorer(self) -> LeadScorer:
        """The scorer that they hold."""
        with tempfile.TemporaryDirectory() as folder:
            for name, content in self.files:
                (Path(folder) / name).write_bytes(content)
            return LeadScorer.load(Path(folder), self.version)


def score_data(
    settings: DataSettings, root: Path, model: ModelFiles, out: Output, as_of: int | None = None, *, explain: bool = True
) -> Done:
    """Score all leads of a data set that are open at a moment, and into the score log; both are whole, or as they were.

    Args:
        settings: the ``[data]`` part of ``leadheat.toml``.
        root: the folder that relative paths start from; the workers must see the files at the same place.
        model: which is broadcast to the workers.
        out: where the scores go.
        as_of: microseconds UTC, nothing at or after it is seen; by default right after all that was observed.
        explain: with reasons for warm and hot leads.

    Raises:
        DataError: as for ``features.sources.read_tables``.
        LeadheatError: Spark is not installed, the cluster cannot be reached, or a task failed.
    """
    with session() as spark:
        ship(spark, features, models, serving)
        checked = check(read_files(spark, settings, root), settings)
        moment = checked.observed_until + 1 if as_of is None else as_of
        scored = _scored(checked, settings, spark.sparkContext.broadcast(model), moment, explain=explain).persist(StorageLevel.DISK_ONLY)
        try:
            with readable():
                told = {row["group"]: pickle.loads(row["notes"]) for row in scored.select("group", "notes").collect()}  # noqa: S301 - ours
                groups = max(told, default=0) + 1
                with batch_log(model.version, model.scorer().fingerprint, moment, checked.fingerprint) as log:
                    bands = write_scores(_in_shards(_collected(scored, groups, log)), out)
        finally:
            scored.unpersist()
            checked.release()
    return Done(model.version, bands, moment, checked.observed_until, (*checked.findings, *merged(told.values()).findings))


def score_frames(
    settings: DataSettings, frames: Mapping[str, DataFrame], model: ModelFiles, as_of: int | None = None, *, explain: bool = True
) -> DataFrame:
    """The scores of all open leads of DataFrames, as a DataFrame with the columns of ``FRAME``; they are not logged.

    Args:
        settings: the ``[data]`` part of ``leadheat.toml``; its paths are not looked at.
        frames: leads, interactions and outcomes, as far as the settings name them.
        model: as of ``score_data``.
        as_of: likewise.
        explain: likewise.

    Raises:
        DataError, LeadheatError: as for ``score_data``.
    """
    spark = frames["leads"].sparkSession
    ship(spark, features, models, serving)
    checked = check(pour_frames(settings, frames), settings)
    moment = checked.observed_until + 1 if as_of is None else as_of
    broadcast = spark.sparkContext.broadcast(model)

    def run(_: int, tables: Tables, _beside: Beside) -> Iterator[pa.Table]:
        scorer = broadcast.value.scorer()
        yield score_share(scorer, _dataset(settings, tables, scorer), moment, 0, explain=explain)[0].select(FRAME.names)

    return checked.map(run, FRAME)


def _scored(checked: CheckedShares, settings: DataSettings, model: Broadcast[ModelFiles], as_of: int, *, explain: bool) -> DataFrame:
    """Scores, rows of the log and notes of every share."""
    scored_at, buckets = now(), checked.buckets

    def run(group: int, tables: Tables, _: Beside) -> Iterator[pa.Table]:
        scorer = model.value.scorer()
        dataset = _dataset(settings, tables, scorer)
        scores, log = score_share(scorer, dataset, as_of, scored_at, explain=explain)
        parts = [written(_ordered(rows, buckets)) for rows in (scores, log)]
        yield pa.table([[group], [pickle.dumps(dataset.notes)], *([part] for part in parts)], schema=_SCORED)

    return checked.map(run, _SCORED)


def _dataset(settings: DataSettings, tables: Tables, scorer: LeadScorer) -> Dataset:
    return Dataset.from_tables(
        settings.name, tables, repeatable=settings.repeatable, schema=scorer.schema, consent=settings.consent, threads=1
    )


def _ordered(rows: pa.Table, buckets: int) -> pa.Table:
    """A share's rows, which are in the order of their leads, bucket by bucket: over all shares the same, however large they are."""
    batches = rows.combine_chunks().to_batches()
    return pa.Table.from_batches([deal(batch, "lead_id", buckets)[0] for batch in batches], rows.schema)


def _collected(scored: DataFrame, groups: int, log: Write) -> Iterator[pa.Table]:
    """The scores of the groups, in their order, a few of them in memory at a time; their rows of the log are logged."""
    parts = scored.select("group", "scores", "log").repartitionById(groups, "group")
    for row in parts.toLocalIterator(prefetchPartitions=True):
        log(read(row["log"]))
        yield read(row["scores"])


def _in_shards(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows, so many at a time as are written at once: what is written does not depend on the groups."""
    held = SCHEMA.empty_table()
    for table in tables:
        held = pa.concat_tables([held, table])
        while len(held) >= SHARD:
            yield held.slice(0, SHARD).combine_chunks()
            held = held.slice(SHARD)
    yield held.combine_chunks()
