"""Files as they are: CSV as text, Parquet and DuckDB with their own types."""

from __future__ import annotations

import codecs
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from features.contract import DataError, Finding
from features.data_settings import TableSettings
from features.nearest import did_you_mean
from features.raw import Part, RawTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

CSV_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
PARQUET_SUFFIXES = (".parquet", ".pq")
DUCKDB_SUFFIXES = (".duckdb", ".db")
_HEADER_BYTES = 1 << 16
_BLOCK = 1 << 20


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
        raise _refusal(*findings)
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
        raise _refusal(_finding("missing_file", table, f"there is no file {path}", _nearest_file(path)))
    return sorted(found)


def _glob(path: Path) -> list[Path]:
    try:
        return [file for file in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if file.is_file()]
    except ValueError:  # "**" beside other letters
        return []


def _nearest_file(path: Path) -> str:
    if ":/" in str(path):
        return "What lies elsewhere is not read, but for databases of PostgreSQL: fetch the file, and name it by its place on this machine."
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either; paths are relative to the folder of leadheat.toml."
    return did_you_mean(path.name, [file.name for file in path.parent.iterdir()]) or "Paths are relative to the folder of leadheat.toml."


def _part(file: Path, path: Path, table: str) -> Part:
    name = name_within(file, path, table)
    with as_finding(table, name):
        part = (_csv if is_csv(file) else _parquet)(file, name)
        validate(part.rows)
    refuse_repeated(part.rows.column_names, table, name)
    return part


def name_within(file: Path, path: Path, table: str) -> str:
    """What a file of a table is called.

    Raises:
        DataError: it is in no known format.
    """
    name = str(file.relative_to(path)) if path.is_dir() else file.name
    if not file.name.endswith(CSV_SUFFIXES + PARQUET_SUFFIXES):
        formats = ", ".join(CSV_SUFFIXES + PARQUET_SUFFIXES + DUCKDB_SUFFIXES)
        hint = f"What can be read: {formats}. Save a spreadsheet as CSV UTF-8."
        raise _refusal(_finding("unknown_format", table, f"{name} is in no format that can be read", hint, name))
    return name


def is_csv(file: Path) -> bool:
    """Whether a file holds text, by its name."""
    return file.name.endswith(CSV_SUFFIXES)


@contextmanager
def as_finding(table: str, name: str) -> Iterator[None]:
    """Say which file cannot be read.

    Raises:
        DataError: what failed in the block.
    """
    try:
        yield
    except UnicodeError as error:
        detail = f"{name} cannot be read: {words_of(error)}"
        hint = "Save it as UTF-8, which a spreadsheet calls CSV UTF-8; Windows-1252 (Latin-1) and UTF-16 are not read."
        raise _refusal(_finding("unreadable_file", table, detail, hint, name)) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        detail = f"{name} cannot be read: {words_of(error)}"
        raise _refusal(_finding("unreadable_file", table, detail, "Write the file again; it may be cut short or damaged.", name)) from error


def refuse_repeated(columns: list[str], table: str, name: str) -> None:
    """Nothing happens where every column has a name of its own.

    Raises:
        DataError: two have the same.
    """
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise _refusal(
            _finding("repeated_column", table, f"{name} has the column {twice[0]!r} twice", "Rename or remove one of them.", name)
        )


def types_differ(path: str, table: str, error: Exception) -> DataError:
    """That the files of a table do not fit together."""
    detail = f"the files of {path} do not fit together: {words_of(error)}"
    return _refusal(_finding("types_differ", table, detail, "Write a column with one type in all files."))


def validate(rows: pa.Table | pa.RecordBatch) -> None:
    """Raise a ValueError where text, or the name or the zone of a column, is no UTF-8."""
    rows.validate(full=True)
    for field in rows.schema:
        _ = field.name, getattr(field.type, "tz", None)


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


def refuse_other_encodings(file: Path) -> None:
    """Nothing happens where a text is UTF-8, with or without a mark of it; else a ``UnicodeError`` says in which line it is not.

    To be asked before rows are read: of a row that has other columns than the header, what reads it must be able to tell the text.
    """
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with pa.input_stream(str(file), compression="detect") as stream:
        block = b" "
        while block:
            block = stream.read(_BLOCK)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                raise UnicodeError(f"line {line} is not UTF-8") from error
            line += block.count(b"\n")


def csv_options(file: Path, ragged: list[int]) -> tuple[pa.csv.ParseOptions, pa.csv.ConvertOptions]:
    """How to read a CSV as text; the numbers of rows with too many or too few columns are added to ``ragged``, and the rows skipped."""
    with pa.input_stream(str(file), compression="detect") as stream:
        header = stream.read(_HEADER_BYTES).split(b"\n")[0]
    delimiter = max(",;\t|", key=lambda sign: header.count(sign.encode()))

    def skip(row: pa.csv.InvalidRow) -> str:
        ragged.append(row.number)
        return "skip"

    return (
        pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip),
        pa.csv.ConvertOptions(default_column_type=pa.string(), strings_can_be_null=True, null_values=[""]),
    )


def _duckdb(path: Path, wanted: str | None, table: str) -> Part:
    with duckdb_table(path, wanted, table) as relation:
        return Part(f"{path.name}:{wanted}", relation.to_arrow_table())


@contextmanager
def duckdb_table(path: Path, wanted: str | None, table: str) -> Iterator[DuckDBPyRelation]:
    """A table of a DuckDB file.

    Raises:
        DataError: it is not there, or the file cannot be read.
    """
    import duckdb

    if not path.is_file():
        raise _refusal(_finding("missing_file", table, f"there is no file {path}", _nearest_file(path)))
    try:
        with duckdb.connect(str(path), read_only=True, config={"autoinstall_known_extensions": False}) as connection:
            known = sorted(row[0] for row in connection.execute("SELECT table_name FROM information_schema.tables").fetchall())
            if wanted not in known:
                detail = f"{path.name} has no table {wanted!r}" if wanted else f"the table of {path.name} is not named"
                hint = f'Write table = "..." beside the path; the file has: {", ".join(known)}.'
                raise _refusal(_finding("missing_table", table, detail, hint, path.name))
            yield connection.table(f'"{wanted}"')
    except duckdb.Error as error:
        detail = f"{path.name} cannot be read: {words_of(error)}"
        hint = "It must be a DuckDB file that no other program has open for writing."
        raise _refusal(_finding("unreadable_file", table, detail, hint, path.name)) from error


def words_of(error: Exception) -> str:
    """The first line of what a library says."""
    return str(error).strip().split("\n")[0].rstrip(".")


def _finding(code: str, table: str, detail: str, hint: str, example: str = "") -> Finding:
    return Finding("error", code, table, "", 1, detail, hint, example)


def _refusal(*findings: Finding) -> DataError:
    return DataError(findings[0].detail, findings[0].hint, findings)
