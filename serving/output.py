"""Where the scores of a batch go: a file or a table of PostgreSQL, either of which takes all of them or none."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from features.contract import SettingsError
from features.data_settings import SERVERS
from models.table import FOR_LATER, SCHEMA
from models.whole_file import check_place, whole_file

Write = Callable[[pa.Table], None]


class Output(Protocol):
    """A place for scores; its text names it for people."""

    @property
    def working(self) -> Path:
        """The folder for what a long job has done so far."""

    def check(self) -> None:
        """Refuse early what could not be written in the end.

        Raises:
            SettingsError: scores cannot go there.
        """

    def writing(self) -> AbstractContextManager[Write]:
        """What takes tables of ``models.table.SCHEMA``; all of them are there when the block ends, and none when it fails.

        Raises:
            LeadheatError: the disk is full, the server is gone, or the like.
        """


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...


@dataclass(frozen=True)
class ScoreFile:
    """A Parquet or CSV file that appears at its place when it is whole; what was there before stays until then."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def working(self) -> Path:
        """See ``Output``; it lies beside the file."""
        path = self.path.resolve()
        return path.with_name(f".{path.name}.parts")

    def check(self) -> None:
        """See ``Output``.

        Raises:
            SettingsError: the name says neither Parquet nor CSV, or nothing can be written there.
        """
        if self.path.is_dir():
            raise SettingsError(f"{self.path} is a folder.", "Name a file in it.")
        if self.path.suffix not in (".parquet", ".csv"):
            raise SettingsError(f"{self.path.name} is neither Parquet nor CSV.", "Let the name end with .parquet or .csv.")
        check_place(self.path)

    @contextmanager
    def writing(self) -> Iterator[Write]:
        """See ``Output``."""
        self.check()
        with whole_file(self.path.resolve(), "The scores") as unfinished, self._writer(unfinished) as writer:
            yield lambda table: writer.write_table(flat(table) if self.path.suffix == ".csv" else table)

    def _writer(self, file: Path) -> _Writer:
        if self.path.suffix == ".csv":
            writer: _Writer = pc.CSVWriter(file, flat(SCHEMA.empty_table()).schema)
        else:
            writer = pq.ParquetWriter(file, SCHEMA, write_page_checksum=True)
        return writer


def output_of(named: str) -> Output:
    """What ``--out`` names: a file, or ``postgresql://user@host/database#schema.table``.

    Raises:
        SettingsError: no table is named.
    """
    if not named.startswith(SERVERS):
        return ScoreFile(Path(named))
    from serving.score_table import ScoreTable

    return ScoreTable.at(named)


def write_scores(tables: Iterable[pa.Table], out: Output) -> dict[str, int]:
    """Write scores.

    Returns:
        How many leads are in each band.

    Raises:
        SettingsError, LeadheatError: as for ``Output``.
    """
    bands: Counter[str] = Counter(cold=0, warm=0, hot=0)
    with out.writing() as write:
        for table in tables:
            write(table)
            bands.update(table["temperature"].to_pylist())
    return dict(bands)


def plain(table: pa.Table) -> pa.Table:
    """Without what only a later run needs, and with reasons as JSON."""
    table = table.drop_columns(list(FOR_LATER))
    reasons = [None if one is None else json.dumps(one, ensure_ascii=False) for one in table["reasons"].to_pylist()]
    return table.set_column(table.column_names.index("reasons"), "reasons", pa.array(reasons, pa.string()))


def flat(table: pa.Table) -> pa.Table:
    """For CSV: as ``plain``, with moments as ISO 8601 in UTC."""
    moments = [None if one is None else one.isoformat() for one in table["as_of"].to_pylist()]
    return plain(table).set_column(table.column_names.index("as_of"), "as_of", pa.array(moments, pa.string()))
