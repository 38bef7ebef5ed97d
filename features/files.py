"""A table in files: which they are, and all their rows at once, CSV as text and the others with their own types."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from features.contract import DataError, Finding
from features.data_settings import TableSettings
from features.formats import (
    CSV_SUFFIXES,
    DUCKDB_SUFFIXES,
    PARQUET_SUFFIXES,
    as_finding,
    csv_options,
    duckdb_table,
    is_csv,
    name_within,
    no_file,
    refusal,
    refuse_other_encodings,
    refuse_repeated,
    types_differ,
    validate,
)
from features.raw import Part, RawTable


def load(settings: TableSettings, root: Path, table: str) -> RawTable:
    """Read a table's files.

    Raises:
        DataError: nothing is there, or one of the files cannot be read; there is one finding for each such file.
    """
    path = place_of(settings, root)
    if in_duckdb(settings, path):
        return RawTable.of_parts([_duckdb(path, settings.table, table)])
    parts: list[Part] = []
    findings: list[Finding] = []
    for file in expand(path, table):
        try:
            parts.append(_part(file, path, table))
        except DataError as error:
            findings += error.findings
    if findings:
        raise refusal(*findings)
    try:
        return RawTable.of_parts(parts)
    except pa.ArrowException as error:
        raise types_differ(settings.path, table, error) from error


def place_of(settings: TableSettings, root: Path) -> Path:
    """Where a table lies."""
    return Path(os.path.normpath(root.absolute() / settings.path))


def reads(settings: TableSettings, root: Path, file: Path) -> bool:
    """Whether a file is one of a table's, or would be if it were there."""
    if not settings.in_files:
        return False
    path, asked = Path(os.path.realpath(place_of(settings, root))), Path(os.path.realpath(file))
    return asked == path or path in asked.parents or asked.match(str(path))


def in_duckdb(settings: TableSettings, path: Path) -> bool:
    """Whether a table lies in a DuckDB file."""
    return settings.table is not None or path.suffix in DUCKDB_SUFFIXES


def expand(path: Path, table: str) -> list[Path]:
    """The files of a table, in the order of their names.

    Raises:
        DataError: there is none.
    """
    known = CSV_SUFFIXES + PARQUET_SUFFIXES
    if path.is_dir():
        found = [file for file in path.rglob("*") if file.name.endswith(known) and not file.name.startswith(("_", "."))]
    elif path.exists():
        found = [path]
    else:
        found = _glob(path)
    if not found:
        raise no_file(path, table)
    return sorted(found)


def _glob(path: Path) -> list[Path]:
    try:
        return [file for file in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if file.is_file()]
    except ValueError:  # "**" beside other letters
        return []


def _part(file: Path, path: Path, table: str) -> Part:
    name = name_within(file, path, table)
    with as_finding(table, name):
        part = (_csv if is_csv(file) else _parquet)(file, name)
        validate(part.rows)
    refuse_repeated(part.rows.column_names, table, name)
    return part


def _parquet(file: Path, name: str) -> Part:
    return Part(name, pa.parquet.ParquetFile(file).read())


def _csv(file: Path, name: str) -> Part:
    refuse_other_encodings(file)
    ragged: list[int] = []
    rows = pa.csv.read_csv(file, pa.csv.ReadOptions(use_threads=True), *csv_options(file, ragged))
    if ragged:
        # Only one thread knows the numbers of the rows.
        ragged.clear()
        rows = pa.csv.read_csv(file, pa.csv.ReadOptions(use_threads=False), *csv_options(file, ragged))
    return Part(name, rows, tuple(ragged), untyped=True)


def _duckdb(path: Path, wanted: str | None, table: str) -> Part:
    with duckdb_table(path, wanted, table) as relation:
        return Part(f"{path.name}:{wanted}", relation.to_arrow_table())
