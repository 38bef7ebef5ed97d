"""Batch: every open lead of a data set into one file of scores, which is whole or absent."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from features.contract import SettingsError, to_micros
from features.dataset import Dataset
from features.progress import progress
from features.snapshots import open_leads
from models.score_log import batch_log, rows_of
from models.scorer import LeadScorer
from models.table import SCHEMA, table_of
from models.whole_file import check_place, whole_file

SHARD = 20_000
"""Leads that are scored and written at a time."""


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...


def score_to_file(scorer: LeadScorer, dataset: Dataset, as_of: int, out: Path, *, explain: bool = True) -> dict[str, int]:
    """Score all leads that are open at a moment into a file and into the score log; both are whole, or as they were.

    Arguments and errors as for ``score_shards`` and ``write_scores``.

    Returns:
        How many leads are in each band.
    """
    with batch_log(scorer.version, scorer.fingerprint, as_of, dataset.fingerprint) as log:
        return write_scores(score_shards(scorer, dataset, as_of, explain=explain, log=log), out)


def score_shards(
    scorer: LeadScorer, dataset: Dataset, as_of: int, *, explain: bool = True, log: Callable[[pa.Table], None] | None = None
) -> Iterator[pa.Table]:
    """The scores of all leads that are open at ``as_of`` (microseconds UTC), in the order of the leads table, shard by shard.

    Args:
        scorer: the model.
        dataset: of any schema.
        as_of: nothing at or after it is seen.
        explain: with reasons for warm and hot leads.
        log: takes the rows of each shard for the score log.

    Raises:
        DataError: an attribute is not of the kind that the model has learnt.
    """
    leads, now = open_leads(dataset, as_of), to_micros(datetime.now(UTC))
    history, threads = dataset.history.with_schema(scorer.schema), os.cpu_count() or 1
    with progress("scoring", len(history)) as advance:
        for low in range(0, len(history), SHARD):
            high = min(low + SHARD, len(history))
            some = leads[(leads >= low) & (leads < high)] - low
            part, moments = history.slice(low, high), np.full(len(some), as_of)
            scored = scorer.numbers(part, some, moments, threads)
            scores = table_of(scorer, part, some, moments, scored, threads, explain=explain)
            if log is not None:
                log(rows_of(scores, scored.X, now, "batch"))
            yield scores
            advance(high - low)


def check_out(out: Path) -> None:
    """Refuse early what could not be written in the end.

    Raises:
        SettingsError: the name says no known format, or no file can be made there.
    """
    if out.suffix not in (".parquet", ".csv"):
        raise SettingsError(f"{out.name} is neither Parquet nor CSV.", "Let the name end with .parquet or .csv.")
    check_place(out)


def write_scores(tables: Iterable[pa.Table], out: Path) -> dict[str, int]:
    """Write scores to a file that appears at its place when it is whole; what was there before stays until then.

    Returns:
        How many leads are in each band.

    Raises:
        SettingsError: as ``check_out``.
        LeadheatError: the disk is full, or fails.
    """
    check_out(out)
    bands: Counter[str] = Counter(cold=0, warm=0, hot=0)
    with whole_file(out.resolve(), "The scores") as unfinished, _writer(unfinished, out.suffix) as writer:
        for table in tables:
            writer.write_table(_flat(table) if out.suffix == ".csv" else table)
            bands.update(table["temperature"].to_pylist())
    return dict(bands)


def _writer(file: Path, suffix: str) -> _Writer:
    writer: _Writer = pc.CSVWriter(file, _flat(SCHEMA.empty_table()).schema) if suffix == ".csv" else pq.ParquetWriter(file, SCHEMA)
    return writer


def _flat(table: pa.Table) -> pa.Table:
    """For CSV: reasons as JSON, moments as ISO 8601 in UTC."""
    reasons = [None if one is None else json.dumps(one, ensure_ascii=False) for one in table["reasons"].to_pylist()]
    moments = [None if one is None else one.isoformat() for one in table["as_of"].to_pylist()]
    plain = table.set_column(table.column_names.index("reasons"), "reasons", pa.array(reasons, pa.string()))
    return plain.set_column(plain.column_names.index("as_of"), "as_of", pa.array(moments, pa.string()))
