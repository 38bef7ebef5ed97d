"""Batch: every open lead of a data set into one file of scores, which is whole or absent."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from features.contract import LeadheatError, SettingsError
from features.dataset import Dataset
from features.progress import progress
from features.snapshots import open_leads
from models.scorer import LeadScorer
from models.table import SCHEMA

SHARD = 20_000
"""Leads that are scored and written at a time."""


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...


def score_shards(scorer: LeadScorer, dataset: Dataset, as_of: int, *, explain: bool = True) -> Iterator[pa.Table]:
    """The scores of all leads that are open at ``as_of`` (microseconds UTC), in the order of the leads table, shard by shard.

    Args:
        scorer: the model.
        dataset: of any schema.
        as_of: nothing at or after it is seen.
        explain: with reasons for warm and hot leads.

    Raises:
        DataError: an attribute is not of the kind that the model has learnt.
    """
    leads = open_leads(dataset, as_of)
    history, threads = dataset.history.with_schema(scorer.schema), os.cpu_count() or 1
    with progress("scoring", len(history)) as advance:
        for low in range(0, len(history), SHARD):
            high = min(low + SHARD, len(history))
            some = leads[(leads >= low) & (leads < high)] - low
            yield scorer.score_many(history.slice(low, high), some, np.full(len(some), as_of), threads, explain=explain)
            advance(high - low)


def check_out(out: Path) -> None:
    """Refuse early what could not be written in the end.

    Raises:
        SettingsError: the name says no known format, or no file can be made there.
    """
    if out.suffix not in (".parquet", ".csv"):
        raise SettingsError(f"{out.name} is neither Parquet nor CSV.", "Let the name end with .parquet or .csv.")
    folder = out.resolve().parent
    if not folder.is_dir():
        raise SettingsError(f"There is no folder {folder}.", "Make it first, or write elsewhere.")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SettingsError(f"No file can be written in {folder}: {error.strerror}.", "Write elsewhere.") from error


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
    with _whole(out.resolve()) as unfinished, _writer(unfinished, out.suffix) as writer:
        for table in tables:
            writer.write_table(_flat(table) if out.suffix == ".csv" else table)
            bands.update(table["temperature"].to_pylist())
    return dict(bands)


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A file beside ``out`` that takes its place when the block ends, and goes when it fails."""
    _remove_left_behind(out)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}.unfinished")
    try:
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(out)
    except OSError as error:
        reason = error.strerror or os.strerror(error.errno or errno.EIO)
        raise LeadheatError(f"The scores cannot be written to {out}: {reason}.", "Make room, or write elsewhere.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _remove_left_behind(out: Path) -> None:
    """Remove what killed processes left beside ``out``."""
    for file in out.parent.iterdir():
        process = file.name.removeprefix(f".{out.name}.").removesuffix(".unfinished")
        if file.name == f".{out.name}.{process}.unfinished" and process.isdecimal() and not _runs(int(process)):
            file.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return error.errno == errno.EPERM
    return True


def _writer(file: Path, suffix: str) -> _Writer:
    writer: _Writer = pc.CSVWriter(file, _flat(SCHEMA.empty_table()).schema) if suffix == ".csv" else pq.ParquetWriter(file, SCHEMA)
    return writer


def _flat(table: pa.Table) -> pa.Table:
    """For CSV: reasons as JSON, moments as ISO 8601 in UTC."""
    reasons = [None if one is None else json.dumps(one, ensure_ascii=False) for one in table["reasons"].to_pylist()]
    moments = [None if one is None else one.isoformat() for one in table["as_of"].to_pylist()]
    plain = table.set_column(table.column_names.index("reasons"), "reasons", pa.array(reasons, pa.string()))
    return plain.set_column(plain.column_names.index("as_of"), "as_of", pa.array(moments, pa.string()))
