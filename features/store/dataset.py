"""The store as a data set: its tables as of one moment, while the service goes on writing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.engine import make_url

from features.columns import text
from features.contract import DataError, Finding
from features.data_settings import STORE, TableSettings
from features.files import Part, RawTable
from features.history import DIRECTIONS
from features.loading import Load, Loading
from features.store.engine import StoreError, address, has_tables, open_store, reading
from features.store.schema import attributes, interactions, leads, outcomes
from features.times import UTC_MICROS

PORTION = 100_000
"""Rows that are fetched at a time."""


@contextmanager
def loading_store(load: Load) -> Iterator[Loading]:
    """What reads the tables that lie in the store, all from one moment of it, and the others with ``load``."""
    engine = _opened()
    try:
        with reading(engine) as connection:
            if not has_tables(connection):
                raise _nothing_there()

            def read(settings: TableSettings, table: str) -> RawTable:
                return _of_store(connection, table) if settings.path == STORE else load(settings, table)

            yield Loading(read, connection.execute(select(func.max(leads.c.changed_at))).scalar_one())
    except StoreError as error:
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


def _of_store(connection: Connection, table: str) -> RawTable:
    rows = {"leads": _leads, "interactions": _interactions, "outcomes": _outcomes}[table](connection)
    return RawTable.of_parts([Part(f"the store's table {table}", rows)])


def _leads(connection: Connection) -> pa.Table:
    """Those that were not merged into another; an attribute is a column."""
    own = select(leads.c.lead_id, leads.c.created_at).where(leads.c.merged_into.is_(None))
    lead_ids, created = _columns(connection, own)
    place = {lead_id: i for i, lead_id in enumerate(lead_ids)}
    values: dict[str, list[Any]] = {}
    for lead_id, name, value in zip(
        *_columns(connection, select(attributes.c.lead_id, attributes.c.name, attributes.c.value)), strict=True
    ):
        if lead_id in place:
            values.setdefault(name, [None] * len(place))[place[lead_id]] = json.loads(value)
    columns = {"lead_id": pa.array(lead_ids, pa.string()), "created_at": _moments(created)}
    return pa.table(columns | {name: _attribute(values[name]) for name in sorted(values) if name not in columns})


def _interactions(connection: Connection) -> pa.Table:
    """Each counts from ``recorded_at``: training sees it only from when it was known."""
    wanted = ("lead_id", "type", "occurred_at", "recorded_at", "direction", "order", "attributes")
    lead_id, kind, occurred, recorded, direction, order, given = _columns(connection, select(*(interactions.c[name] for name in wanted)))
    columns = {
        "lead_id": pa.array(lead_id, pa.string()),
        "type": pa.array(kind, pa.string()),
        "occurred_at": _moments(occurred),
        "recorded_at": _moments(recorded),
        "direction": pa.array([None, *DIRECTIONS], pa.string()).take(pa.array(direction, pa.int8())),
        "order": pa.array(order, pa.int64()),
    }
    values = _from_json(given)
    return pa.table(columns | {name: _attribute(values[name]) for name in sorted(values) if name not in columns})


def _outcomes(connection: Connection) -> pa.Table:
    lead_id, closed_at, outcome = _columns(connection, select(outcomes.c.lead_id, outcomes.c.closed_at, outcomes.c.outcome))
    return pa.table(
        {"lead_id": pa.array(lead_id, pa.string()), "closed_at": _moments(closed_at), "outcome": pa.array(outcome, pa.string())}
    )


def _columns(connection: Connection, statement: Any) -> list[list[Any]]:
    """The rows of a query as columns, fetched in portions."""
    columns: list[list[Any]] = [[] for _ in statement.selected_columns]
    result = connection.execution_options(stream_results=True, yield_per=PORTION).execute(statement)
    for portion in result.partitions(PORTION):
        for column, values in zip(columns, zip(*portion, strict=True), strict=True):
            column.extend(values)
    return columns


def _moments(micros: Sequence[int | None]) -> pa.Array:
    return pa.array(micros, pa.int64()).cast(UTC_MICROS)


def _from_json(texts: Sequence[str | None]) -> dict[str, list[Any]]:
    """The values of each name in JSON objects; None where an object lacks it."""
    objects = json.loads(f"[{','.join('null' if one is None else one for one in texts)}]")
    names = {name for one in objects if one for name in one}
    return {name: [one.get(name) if one else None for one in objects] for name in names}


def _attribute(values: list[Any]) -> pa.Array:
    """Numbers, truths or texts; where they are mixed, all as the texts that the scorer would read in them."""
    kinds = {type(one) for one in values if one is not None}
    if kinds <= {float, int}:
        return pa.array(values, pa.float64())
    return pa.array(values, pa.bool_()) if kinds == {bool} else pa.array([text(one) for one in values], pa.string())
