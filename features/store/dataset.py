"""The store as a data set: its tables as of one moment, while the service goes on writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Engine, Select, Text, func, select
from sqlalchemy.engine import make_url

from features.contract import DataError, Finding
from features.data_settings import STORE, TableSettings
from features.history import DIRECTIONS
from features.loading import Load, Loading
from features.lookup import places
from features.postgres.layout import literal
from features.postgres.server import ServerError
from features.raw import Part, RawTable
from features.store.engine import StoreError, address, has_tables, open_store, reading
from features.store.scalars import names_in, typed, values_of
from features.store.schema import attributes, interactions, leads, outcomes
from features.times import UTC_MICROS

Fetch = Callable[[Select[Any]], pa.Table]

PORTION = 100_000
"""Rows that are fetched at a time."""


@contextmanager
def loading_store(load: Load) -> Iterator[Loading]:
    """What reads the tables that lie in the store, all from one moment of it, and the others with ``load``.

    Raises:
        DataError: there is no store yet, or it cannot be reached.
    """
    engine = _opened()
    try:
        with reading(engine) as connection:
            if not has_tables(connection):
                raise _nothing_there()

            fetch = _from_postgres(connection) if connection.dialect.name == "postgresql" else _from_sqlite(connection)

            def read(settings: TableSettings, table: str) -> RawTable:
                return _of_store(fetch, table) if settings.path == STORE else load(settings, table)

            yield Loading(read, connection.execute(select(func.max(leads.c.changed_at))).scalar_one())
    except (StoreError, ServerError) as error:
        raise DataError(error.message, "LEADHEAT_STORE says where it is.") from error
    finally:
        engine.dispose()


def _opened() -> Engine:
    url = make_url(address()) if "://" in address() else None
    if url is not None and url.get_backend_name() == "sqlite" and url.database and not Path(url.database).is_file():
        raise _nothing_there()
    return open_store(address(), pool_size=1)


def _nothing_there() -> DataError:
    detail, hint = "there is no store yet", "`leadheat serve` makes one; LEADHEAT_HOME or LEADHEAT_STORE says where it lies."
    return DataError(detail, hint, [Finding("error", "missing_file", "leads", "", 1, detail, hint)])


def _of_store(fetch: Fetch, table: str) -> RawTable:
    rows = {"leads": _leads, "interactions": _interactions, "outcomes": _outcomes}[table](fetch)
    return RawTable.of_parts([Part(f"the store's table {table}", rows)])


def _leads(fetch: Fetch) -> pa.Table:
    """Those that were not merged into another; an attribute is a column."""
    own = fetch(select(leads.c.lead_id, leads.c.created_at).where(leads.c.merged_into.is_(None)))
    own = own.set_column(1, "created_at", own["created_at"].cast(UTC_MICROS))
    given = fetch(select(attributes.c.lead_id, attributes.c.name, attributes.c.value))
    for name in sorted(set(given["name"].unique().to_pylist()) - set(own.column_names)):
        some = given.filter(pc.equal(given["name"], name)).combine_chunks()
        place = places(own["lead_id"], some["lead_id"])
        values = some["value"].take(pa.array(place, mask=place < 0)).combine_chunks()
        if values.null_count < len(values):
            own = own.append_column(name, typed(values))
    return own


def _interactions(fetch: Fetch) -> pa.Table:
    """Each counts from ``recorded_at``: training sees it only from when it was known."""
    wanted = ("lead_id", "type", "occurred_at", "recorded_at", "direction", "order", "attributes")
    rows = fetch(select(*(interactions.c[name] for name in wanted)))
    own, objects = rows.drop_columns("attributes"), rows["attributes"]
    for name in ("occurred_at", "recorded_at"):
        own = own.set_column(own.column_names.index(name), name, own[name].cast(UTC_MICROS))
    words = pa.array([None, *DIRECTIONS], pa.string())
    own = own.set_column(own.column_names.index("direction"), "direction", words.take(own["direction"].combine_chunks()))
    names = names_in(objects)
    for name, values in values_of(objects, names).items() if names else ():
        if name not in own.column_names:
            own = own.append_column(name, typed(values))
    return own


def _outcomes(fetch: Fetch) -> pa.Table:
    rows = fetch(select(outcomes.c.lead_id, outcomes.c.closed_at, outcomes.c.outcome))
    return rows.set_column(1, "closed_at", rows["closed_at"].cast(UTC_MICROS))


def _from_postgres(connection: Connection) -> Fetch:
    """Through Arrow, over a connection of its own that sees what this one sees."""
    from features.postgres.reading import READ_ONLY
    from features.postgres.server import streaming

    moment = connection.execute(func.pg_export_snapshot().select()).scalar_one()
    url = connection.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def fetch(statement: Select[Any]) -> pa.Table:
        with streaming(url) as cursor:
            cursor.execute(READ_ONLY)
            cursor.execute(f"SET TRANSACTION SNAPSHOT {literal(moment)}")
            cursor.execute(str(statement.compile(dialect=connection.dialect)))
            return cursor.fetch_arrow_table()

    return fetch


def _from_sqlite(connection: Connection) -> Fetch:
    """In portions, each of which becomes Arrow at once."""

    def fetch(statement: Select[Any]) -> pa.Table:
        kinds = [(column.name, pa.string() if isinstance(column.type, Text) else pa.int64()) for column in statement.selected_columns]
        schema = pa.schema(kinds)
        result = connection.execution_options(stream_results=True, yield_per=PORTION).execute(statement)
        portions = [
            pa.table([pa.array(values, kind) for values, (_, kind) in zip(zip(*portion, strict=True), kinds, strict=True)], schema=schema)
            for portion in result.partitions(PORTION)
        ]
        return pa.concat_tables([schema.empty_table(), *portions])

    return fetch
