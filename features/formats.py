"""One file: what it may be, how its format is read, and in which words it is refused; in memory or in batches alike."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv

from features.contract import DataError, Finding
from features.nearest import did_you_mean

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

CSV_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
PARQUET_SUFFIXES = (".parquet", ".pq")
DUCKDB_SUFFIXES = (".duckdb", ".db")
_HEADER_BYTES = 1 << 16
_BLOCK = 1 << 20


def is_csv(file: Path) -> bool:
    """Whether a file holds text, by its name."""
    return file.name.endswith(CSV_SUFFIXES)


def name_within(file: Path, path: Path, table: str) -> str:
    """What a file of a table is called.

    Raises:
        DataError: it is in no known format.
    """
    name = str(file.relative_to(path)) if path.is_dir() else file.name
    if not file.name.endswith(CSV_SUFFIXES + PARQUET_SUFFIXES):
        formats = ", ".join(CSV_SUFFIXES + PARQUET_SUFFIXES + DUCKDB_SUFFIXES)
        hint = f"What can be read: {formats}. Save a spreadsheet as CSV UTF-8."
        raise refusal(_finding("unknown_format", table, f"{name} is in no format that can be read", hint, name))
    return name


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


def validate(rows: pa.Table | pa.RecordBatch) -> None:
    """Raise a ValueError where text, or the name or the zone of a column, is no UTF-8."""
    rows.validate(full=True)
    for field in rows.schema:
        _ = field.name, getattr(field.type, "tz", None)


@contextmanager
def duckdb_table(path: Path, wanted: str | None, table: str) -> Iterator[DuckDBPyRelation]:
    """A table of a DuckDB file.

    Raises:
        DataError: it is not there, or the file cannot be read.
    """
    import duckdb

    if not path.is_file():
        raise no_file(path, table)
    try:
        with duckdb.connect(str(path), read_only=True, config={"autoinstall_known_extensions": False}) as connection:
            known = sorted(row[0] for row in connection.execute("SELECT table_name FROM information_schema.tables").fetchall())
            if wanted not in known:
                detail = f"{path.name} has no table {wanted!r}" if wanted else f"the table of {path.name} is not named"
                hint = f'Write table = "..." beside the path; the file has: {", ".join(known)}.'
                raise refusal(_finding("missing_table", table, detail, hint, path.name))
            yield connection.table(f'"{wanted}"')
    except duckdb.Error as error:
        detail = f"{path.name} cannot be read: {words_of(error)}"
        hint = "It must be a DuckDB file that no other program has open for writing."
        raise refusal(_finding("unreadable_file", table, detail, hint, path.name)) from error


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
        raise refusal(_finding("unreadable_file", table, detail, hint, name)) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        detail = f"{name} cannot be read: {words_of(error)}"
        raise refusal(_finding("unreadable_file", table, detail, "Write the file again; it may be cut short or damaged.", name)) from error


def refuse_repeated(columns: list[str], table: str, name: str) -> None:
    """Nothing happens where every column has a name of its own.

    Raises:
        DataError: two have the same.
    """
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise refusal(
            _finding("repeated_column", table, f"{name} has the column {twice[0]!r} twice", "Rename or remove one of them.", name)
        )


def types_differ(path: str, table: str, error: Exception) -> DataError:
    """That the files of a table do not fit together."""
    detail = f"the files of {path} do not fit together: {words_of(error)}"
    return refusal(_finding("types_differ", table, detail, "Write a column with one type in all files."))


def no_file(path: Path, table: str) -> DataError:
    """That nothing lies where a table should, with what may have been meant."""
    return refusal(_finding("missing_file", table, f"there is no file {path}", _nearest_file(path)))


def _nearest_file(path: Path) -> str:
    if ":/" in str(path):
        return "What lies elsewhere is not read, but for databases of PostgreSQL: fetch the file, and name it by its place on this machine."
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either; paths are relative to the folder of leadheat.toml."
    return did_you_mean(path.name, [file.name for file in path.parent.iterdir()]) or "Paths are relative to the folder of leadheat.toml."


def words_of(error: Exception) -> str:
    """The first line of what a library says."""
    return str(error).strip().split("\n")[0].rstrip(".")


def refusal(*findings: Finding) -> DataError:
    """What findings, one at least, say of a table; the first speaks for all."""
    return DataError(findings[0].detail, findings[0].hint, findings)


def _finding(code: str, table: str, detail: str, hint: str, example: str = "") -> Finding:
    return Finding("error", code, table, "", 1, detail, hint, example)
