"""Tables as streams of record batches, with the place that every row came from: what need not fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from features.data_settings import InteractionsSettings, TableSettings
from features.files import expand, in_duckdb, place_of
from features.formats import (
    as_finding,
    csv_options,
    duckdb_table,
    is_csv,
    name_within,
    refuse_other_encodings,
    refuse_repeated,
    types_differ,
    validate,
)
from features.raw import RawTable

BATCH = 200_000
"""Rows of a batch at most."""
_BLOCK = 8 << 20
_INFLATED = {".gz": 6, ".parquet": 3, ".pq": 3, ".duckdb": 4, ".db": 4}
"""How many bytes of memory a byte of a file becomes; one of a CSV becomes one and a half."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of one part of a table: ``numbers`` int64[n] are theirs in the part, ``read`` the bytes of the source that they took."""

    rows: pa.RecordBatch
    part: int
    numbers: np.ndarray
    read: int

    def placed(self, schema: pa.Schema) -> pa.RecordBatch:
        """The rows with where they came from, in the types of a schema ``with_places``."""
        places = [pa.array(np.full(len(self.rows), self.part, np.int32)), pa.array(self.numbers)]
        columns = zip([*self.rows.columns, *places], schema.types, strict=True)
        return pa.RecordBatch.from_arrays([column.cast(kind) for column, kind in columns], schema=schema)


@dataclass(frozen=True, eq=False)
class Stream:
    """A table that is read once, batch by batch.

    Attributes:
        schema: of all batches.
        batches: in the order of the parts; raises a ``DataError`` where one cannot be read.
        place: of a row, by its part and number.
        size: bytes that are read in all, for progress.
        untyped: as of ``RawTable``.
        skipped: the rows that could not be read, known at the end: part and number.
    """

    schema: pa.Schema
    batches: Iterator[Batch]
    place: Callable[[int, int], str]
    size: int
    untyped: bool = False
    skipped: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def of_table(cls, raw: RawTable) -> Stream:
        """The stream of a table that is in memory."""

        def batches() -> Iterator[Batch]:
            low = 0
            for rows in raw.rows.to_batches(max_chunksize=BATCH):
                yield Batch(rows, 0, np.arange(low, low + len(rows)), rows.nbytes)
                low += len(rows)

        skipped = [(-1, 0)] * raw.skipped
        return cls(raw.rows.schema, batches(), lambda _, row: raw.place(row), raw.rows.nbytes, raw.untyped, skipped)

    @classmethod
    def of_ranges(cls, ranges: Iterable[tuple[str, Iterator[pa.RecordBatch]]]) -> Stream:
        """The stream of a database's table, which comes in ranges, each with its name; its rows have no numbers."""
        parts = list(ranges)
        first = next(parts[0][1])

        def batches() -> Iterator[Batch]:
            for part, (_, rows) in enumerate(parts):
                for one in chain([first], rows) if part == 0 else rows:
                    yield Batch(_in(first.schema, one), part, np.zeros(len(one), np.int64), one.nbytes)

        return cls(first.schema, batches(), lambda part, _: parts[part][0], 0)


@dataclass(frozen=True, eq=False)
class TableFiles:
    """The files of a table, of which nothing but the columns is read yet; ``coded`` are columns of few different texts."""

    table: str
    files: list[Path]
    names: list[str]
    schema: pa.Schema
    coded: list[str]

    @property
    def untyped(self) -> bool:
        """Whether no file tells the types of its columns."""
        return all(map(is_csv, self.files))

    def place(self, part: int, row: int) -> str:
        """Where a row came from."""
        return f"{self.names[part]}, row {row}"

    def read(self, part: int, skipped: list[tuple[int, int]], row_groups: Sequence[int] | None = None) -> Iterator[Batch]:
        """The rows of one file, or of some row groups of one in Parquet; rows that cannot be read are added to ``skipped``.

        Raises:
            DataError: the file cannot be read.
        """
        file = self.files[part]
        with as_finding(self.table, self.names[part]):
            for rows, numbers, read in _csv(file, part, skipped) if is_csv(file) else _parquet(file, self.coded, row_groups):
                validate(rows)
                yield Batch(_in(self.schema, rows), part, numbers, read)


def table_files(settings: TableSettings, root: Path, table: str) -> TableFiles:
    """The files of a table that lies in files of its own.

    Raises:
        DataError: as for ``features.files.load``.
    """
    path = place_of(settings, root)
    files = expand(path, table)
    names = [name_within(file, path, table) for file in files]
    coded = _coded(settings)
    schemas = []
    for file, name in zip(files, names, strict=True):
        with as_finding(table, name):
            schema = _csv_schema(file) if is_csv(file) else _open(file, coded).schema_arrow
        refuse_repeated(schema.names, table, name)
        schemas.append(schema)
    try:
        return TableFiles(table, files, names, pa.unify_schemas(schemas, promote_options="permissive"), coded)
    except pa.ArrowException as error:
        raise types_differ(settings.path, table, error) from error


def stream_files(settings: TableSettings, root: Path, table: str) -> Stream:
    """The stream of a table in files.

    Raises:
        DataError: as for ``features.files.load``.
    """
    path = place_of(settings, root)
    if in_duckdb(settings, path):
        return _duckdb(path, settings.table, table)
    whole = table_files(settings, root, table)
    skipped: list[tuple[int, int]] = []
    batches = (batch for part in range(len(whole.files)) for batch in whole.read(part, skipped))
    size = sum(file.stat().st_size for file in whole.files)
    return Stream(whole.schema, batches, whole.place, size, whole.untyped, skipped)


def size_in_memory(settings: TableSettings, root: Path, table: str) -> int:
    """About how many bytes a table in files takes in memory as it comes; errors as of ``stream_files``."""
    path = place_of(settings, root)
    files = [path] if in_duckdb(settings, path) else expand(path, table)
    return int(sum(file.stat().st_size * _INFLATED.get(file.suffix, 1.5) for file in files if file.is_file()))


def _coded(settings: TableSettings) -> list[str]:
    """The columns of few different texts."""
    if not isinstance(settings, InteractionsSettings):
        return []
    return [*settings.type_columns(), settings.columns.get("direction", "direction")]


def _in(schema: pa.Schema, rows: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with all columns of the schema."""
    if rows.schema.equals(schema):
        return rows
    names = set(rows.schema.names)
    columns = [rows[one.name].cast(one.type) if one.name in names else pa.nulls(len(rows), one.type) for one in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _open(file: Path, coded: list[str]) -> pa.parquet.ParquetFile:
    opened = pa.parquet.ParquetFile(file)
    return pa.parquet.ParquetFile(file, read_dictionary=[one for one in coded if one in opened.schema_arrow.names])


def _parquet(file: Path, coded: list[str], row_groups: Sequence[int] | None = None) -> Iterator[tuple[pa.RecordBatch, np.ndarray, int]]:
    opened = _open(file, coded)
    each = file.stat().st_size / max(opened.metadata.num_rows, 1)
    low = 1 + sum(opened.metadata.row_group(group).num_rows for group in range(row_groups[0] if row_groups else 0))
    for rows in opened.iter_batches(BATCH, row_groups=row_groups):
        yield rows, np.arange(low, low + len(rows)), int((low + len(rows) - 1) * each) - int((low - 1) * each)
        low += len(rows)


def _csv_schema(file: Path) -> pa.Schema:
    refuse_other_encodings(file)
    with pa.csv.open_csv(file, pa.csv.ReadOptions(use_threads=False), *csv_options(file, [])) as reader:
        return reader.schema


def _csv(file: Path, part: int, skipped: list[tuple[int, int]]) -> Iterator[tuple[pa.RecordBatch, np.ndarray, int]]:
    """Rows are counted as a spreadsheet would; the header is row 1."""
    ragged: list[int] = []
    low, told, size = 2, 0, file.stat().st_size
    share = 1 / _INFLATED.get(file.suffix, 1)
    with pa.csv.open_csv(file, pa.csv.ReadOptions(use_threads=False, block_size=_BLOCK), *csv_options(file, ragged)) as reader:
        for rows in reader:
            before = np.array(ragged, np.int64) - np.arange(len(ragged))
            numbers = np.arange(low, low + len(rows))
            read = min(int(rows.nbytes * share), size - told)
            yield rows, numbers + np.searchsorted(before, numbers, side="right"), read
            low, told = low + len(rows), told + read
    skipped += [(part, number) for number in ragged]


def _duckdb(path: Path, wanted: str | None, table: str) -> Stream:
    name = f"{path.name}:{wanted}"
    with duckdb_table(path, wanted, table) as relation:
        schema, count = relation.limit(0).to_arrow_table().schema, relation.aggregate("count(*)").fetchall()[0][0]

    def batches() -> Iterator[Batch]:
        with duckdb_table(path, wanted, table) as relation, as_finding(table, name):
            low = 1
            for rows in relation.to_arrow_reader(BATCH):
                validate(rows)
                yield Batch(rows, 0, np.arange(low, low + len(rows)), len(rows))
                low += len(rows)

    return Stream(schema, batches(), lambda _, row: f"{name}, row {row}", count)
