"""The files of a data set, read on a cluster by the code that reads them on one machine, so that every value is the same.

Spark's own readers would take some CSV files, times and numbers otherwise. A task reads one file, or some row groups of a large Parquet
file; the paths must lead to the same files on every worker.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from features.contract import DataError, Finding, SettingsError
from features.data_settings import STORE, DataSettings, TableSettings
from features.files import in_duckdb
from features.formats import is_csv
from features.raw import RawTable, with_places, without_places
from features.spark.parcels import NO_LEAD, SCHEMA, chunks, pack, parcels, plain
from features.spark.session import told
from features.spark.shares import Shares, gather
from features.streams import TableFiles, table_files

_SPLIT_BYTES = 128 << 20
"""Of a larger Parquet file, a task reads row groups of about this size."""
_BUCKET_BYTES = 4 << 20
_CHUNKS = 20
"""Bits of a parcel's place that number the chunks of a unit."""

Place = Callable[[int, int], str]


@dataclass(frozen=True, eq=False)
class Unit:
    """What one task reads: a file of a table, or some of its row groups."""

    files: TableFiles
    lead_id: str
    part: int
    row_groups: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Origin:
    """A table beside its rows: ``nothing`` has none of them, but what holds for all; ``place`` is of a row's part and number."""

    nothing: RawTable
    place: Place | None = None

    def share(self, rows: pa.Table) -> RawTable:
        """Some of the rows; those that could not be read are in no share."""
        place = self.place
        if place is None:
            return RawTable(rows, lambda _: "", self.nothing.untyped)
        return RawTable(*without_places(rows, place), self.nothing.untyped)


@dataclass(frozen=True, eq=False)
class Sources:
    """The tables of a data set, poured; ``failures`` say why some are not among them."""

    shares: Shares
    origins: Mapping[str, Origin]
    failures: tuple[Finding, ...] = ()


def read_files(spark: SparkSession, settings: DataSettings, root: Path) -> Sources:
    """Pour the files of a data set.

    Raises:
        SettingsError: a table lies in a database.
        LeadheatError: a task failed.
    """
    units: list[Unit] = []
    failures: list[Finding] = []
    for name, table in settings.tables.items():
        try:
            units += _units(table, root, name)
        except DataError as error:
            failures += error.findings
    buckets = _buckets(units)

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in (number for batch in batches for number in batch["id"].to_pylist()):
            yield from _packed(units[number], number, buckets)

    numbers = spark.range(0, len(units), 1, max(len(units), 1))
    shares = gather(numbers.mapInArrow(told(run), from_arrow_schema(SCHEMA)), buckets)
    said = {place >> _CHUNKS: pickle.loads(content) for place, content in shares.notes()}  # noqa: S301 - what _packed has written
    failures += dict.fromkeys(finding for _, findings in said.values() for finding in findings)
    broken = {failure.table for failure in failures}
    files = {unit.files.table: unit.files for unit in units if unit.files.table not in broken}
    skipped = {name: [one for number, unit in enumerate(units) if unit.files.table == name for one in said[number][0]] for name in files}
    origins = {name: Origin(_nothing(one, skipped[name]), one.place) for name, one in files.items()}
    return Sources(replace(shares, schemas={name: _travelling(one.schema) for name, one in files.items()}), origins, tuple(failures))


def _units(table: TableSettings, root: Path, name: str) -> list[Unit]:
    if table.on_server or table.path == STORE or in_duckdb(table, Path(table.path)):
        hint = "Leave out --engine spark, or write the table as Parquet files."
        raise SettingsError(f"The {name} lie in a database; on Spark, a data set lies in CSV or Parquet files.", hint)
    files, lead_id = table_files(table, root, name), table.source().get("lead_id", "lead_id")
    return [Unit(files, lead_id, part, groups) for part, file in enumerate(files.files) for groups in _row_groups(file)]


def _row_groups(file: Path) -> list[tuple[int, ...] | None]:
    """How the tasks share a file."""
    if is_csv(file) or file.stat().st_size <= _SPLIT_BYTES:
        return [None]
    metadata = pq.read_metadata(file)
    sizes = [metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)]
    share = np.cumsum(sizes) // _SPLIT_BYTES
    return [tuple(np.flatnonzero(share == one).tolist()) for one in np.unique(share)]


def _buckets(units: list[Unit]) -> int:
    """A power of two, so that a bucket holds about ``_BUCKET_BYTES`` of the files."""
    size = sum(file.stat().st_size for file in {unit.files.files[unit.part] for unit in units})
    return min(max(1 << (size // _BUCKET_BYTES).bit_length(), 64), 1 << 16)


def _packed(unit: Unit, number: int, buckets: int) -> Iterator[pa.RecordBatch]:
    """A unit in parcels; the last says which rows could not be read, or why none could."""
    place = number << _CHUNKS
    findings: tuple[Finding, ...] = ()
    skipped: list[tuple[int, int]] = []
    schema = _travelling(unit.files.schema)
    batches = (batch.placed(schema) for batch in unit.files.read(unit.part, skipped, unit.row_groups))
    try:
        for chunk, rows in enumerate(chunks(batches, schema)):
            yield pack(unit.files.table, rows, unit.lead_id, buckets, place + chunk)
    except DataError as error:
        findings = error.findings
    yield parcels(unit.files.table, [NO_LEAD], place, [0], [pickle.dumps((skipped, findings))])


def _travelling(schema: pa.Schema) -> pa.Schema:
    return with_places(plain(schema.remove_metadata()))


def _nothing(files: TableFiles, skipped: list[tuple[int, int]]) -> RawTable:
    at = files.place(*skipped[0]) if skipped else ""
    return RawTable(plain(files.schema).empty_table(), lambda _: "", files.untyped, len(skipped), at)
