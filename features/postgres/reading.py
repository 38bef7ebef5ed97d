"""Tables of PostgreSQL through Arrow: several connections, each with whole leads, all of them from one moment of the database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from threading import Event
from typing import TYPE_CHECKING

import pyarrow as pa

from features.data_settings import TableSettings
from features.layout import lay_out
from features.postgres.layout import find, literal, quoted, refusal
from features.postgres.server import ServerError, connected, in_words, shown, streaming
from features.raw import Part, RawTable

if TYPE_CHECKING:
    from psycopg import Connection

MOST_READERS = 8
SMALL = 16 << 20
"""A table of fewer bytes is read over one connection."""
READ_ONLY = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@contextmanager
def snapshot(url: str) -> Iterator[Snapshot]:
    """One moment of a database, for as long as the block lasts.

    Raises:
        SettingsError: the driver is not installed.
        DataError: the database cannot be reached.
    """
    with _as_finding(""), connected(url) as connection:
        connection.execute(READ_ONLY)
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield Snapshot(url, connection, str(row and row[0]))


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A moment of a database, as all its readers see it."""

    url: str
    connection: Connection
    name: str

    def ranges(self, settings: TableSettings, table: str) -> list[Range]:
        """A table's rows in ranges of about equal size, each with whole leads; they may be read side by side.

        Raises:
            DataError: there is no such table, or it may not be read.
        """
        place = shown(self.url)
        with _as_finding(table):
            relation = find(self.connection, settings.table or "", table, place)
            lead = settings.source().get("lead_id", "lead_id")
            readers = min(MOST_READERS, os.cpu_count() or 1) if relation.size > SMALL else 1
            bounds = relation.bounds(self.connection, lead, readers)
        names = [column.name for column in relation.columns]
        layout = lay_out(table, settings, names, [])
        own = {*layout.columns.values(), *layout.types}
        chosen = {column.name: column.select(own=column.name in own) for column in relation.columns}
        unusable = {column.name: column.type for column in relation.columns if chosen[column.name] is None}
        if len(unusable) == len(names):
            raise refusal(
                "unusable_table", table, f"the table {settings.table!r} of {place} has no column that can be read", "Name another."
            )
        select = f"SELECT {', '.join(one for one in chosen.values() if one)} FROM {relation.quoted} AS own"  # noqa: S608
        order = f" ORDER BY own.{quoted(lead)}" if table == "leads" and lead in names else ""
        return [
            Range(self, table, f"{relation.schema}.{relation.name}", f"{select}{where}{order}", unusable) for where in _wheres(lead, bounds)
        ]

    def table(self, settings: TableSettings, table: str) -> RawTable:
        """A whole table; the leads are in the order of their ids.

        Raises:
            DataError: as for ``ranges``, or the connection is lost.
        """
        ranges, stop = self.ranges(settings, table), Event()
        with ThreadPoolExecutor(len(ranges)) as pool:
            return RawTable.of_parts(list(pool.map(lambda one: one.read(stop), ranges)))


@dataclass(frozen=True, eq=False)
class Range:
    """Some of a table's rows; ``unusable`` are columns that are not fetched, with their types."""

    snapshot: Snapshot
    table: str
    name: str
    query: str
    unusable: dict[str, str]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, as they come over a connection of this range's own.

        Raises:
            DataError: the connection is lost, or the server refuses.
        """
        with _as_finding(self.table), streaming(self.snapshot.url) as cursor:
            cursor.execute(READ_ONLY)
            cursor.execute(f"SET TRANSACTION SNAPSHOT {literal(self.snapshot.name)}")
            cursor.execute(self.query)
            try:
                with cursor.fetch_record_batch() as reader:
                    yield self._dressed(pa.RecordBatch.from_pylist([], reader.schema))  # so that no rows have columns, too
                    yield from map(self._dressed, reader)
            except (OSError, pa.ArrowException) as error:  # what the driver's own errors become on their way through Arrow
                raise in_words(error, self.snapshot.url) from error

    def read(self, stop: Event) -> Part:
        """The rows at once; none, where another range failed meanwhile."""
        rows = []
        try:
            for batch in self.batches():
                rows.append(batch)
                if stop.is_set():
                    break
        except BaseException:
            stop.set()
            raise
        return Part(self.name, pa.Table.from_batches(rows), numbered=False)

    def _dressed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """With the columns that were not fetched, so that it is told why they are no attributes."""
        for name, kind in self.unusable.items():
            nothing = pa.ExtensionArray.from_storage(pa.opaque(pa.null(), kind, "PostgreSQL"), pa.nulls(len(batch)))
            batch = batch.append_column(name, nothing)
        return batch


def _wheres(lead: str, bounds: list[str]) -> list[str]:
    """Conditions that divide all rows, those without a lead too."""
    if not bounds:
        return [""]
    name = f"own.{quoted(lead)}"
    inner = [f" WHERE {name} >= {low} AND {name} < {high}" for low, high in pairwise(bounds)]
    return [f" WHERE {name} < {bounds[0]}", *inner, f" WHERE {name} >= {bounds[-1]} OR {name} IS NULL"]


@contextmanager
def _as_finding(table: str) -> Iterator[None]:
    try:
        yield
    except ServerError as error:
        raise refusal(error.code, table, error.message, error.hint) from error
