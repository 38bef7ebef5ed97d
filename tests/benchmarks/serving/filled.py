"""Stores with something in them: few leads that did much, and many leads that did as those of a simulated world do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine, Table, select, text

from features.contract import HOUR, MINUTE, NEVER, to_micros
from features.sources import Tables, read_tables
from features.store.engine import migrate, open_store
from features.store.schema import attributes, changes, interactions, leads, outcomes, standings
from models.scorer import LeadScorer
from models.settings import read_settings
from serving.memory.importing import import_tables
from serving.memory.memory import Memory
from tests.benchmarks.serving.world import Served

OWNERS = 40
COPIED = (leads, attributes, interactions, outcomes, standings, changes)

Row = Sequence[Any]


@contextmanager
def opened(address: str, scorer: LeadScorer) -> Iterator[Memory]:
    """A store with its tables made; its connections are closed with the block."""
    memory = Memory(open_store(address), lambda: scorer, lambda _: None)
    memory.open()
    yield memory
    memory.close()


def long_name(number: int) -> str:
    """The id of a lead of ``fill_long``."""
    return f"long {number:03d}"


def fill_long(memory: Memory, world: Path, many: int, each: int) -> None:
    """Leads with long histories: what a world's leads did, the histories of some joined into one, and none that opted out."""
    done = [row for row in _tables(world).interactions.to_pylist() if row["type"] != "unsubscribe"]
    for number in range(many):
        rows = [_sent(row, long_name(number)) for row in done[number * each : (number + 1) * each]]
        memory.take_interactions(rows, "benchmark", explain=False)


def _sent(row: dict[str, Any], lead_id: str) -> dict[str, Any]:
    """An interaction as ``POST /interactions`` takes it."""
    own = ("interaction_id", "type", "occurred_at", "recorded_at", "direction")
    return {name: to_micros(value) if isinstance(value := row[name], datetime) else value for name in own} | {
        "lead_id": lead_id,
        "attributes": {name: value for name, value in row.items() if name not in (*own, "lead_id") and value is not None},
    }


def import_world(served: Served, address: str) -> None:
    """A world as ``leadheat import`` brings it in, each lead with an owner."""
    tables = _tables(served.folder / "world")
    owners = pa.array([f"owner {number % OWNERS}" for number in range(tables.leads.num_rows)])
    with opened(address, served.scorer) as memory:
        import_tables(memory, replace(tables, leads=tables.leads.append_column("owner", owners)), "benchmark")


def _tables(world: Path) -> Tables:
    source = read_settings(world)
    return read_tables(source.settings.data, source.root, ids=True)


def copy_many(template: str, address: str, wanted: int) -> dict[str, int]:
    """Fill a store with copies of a SQLite store under other ids until there are ``wanted`` interactions.

    The rows go straight into the tables: by COPY into PostgreSQL, by ``executemany`` into SQLite. Of each copy, what is due is due a minute
    later, and what changed has changed an hour earlier.

    Returns:
        How many rows there are of each table.
    """
    source, target = open_store(template), open_store(address)
    migrate(target)
    counts: dict[str, int] = {}
    with source.connect() as connection:
        originals = {table.name: [tuple(row) for row in connection.execute(select(table))] for table in COPIED}
    copies = math.ceil(wanted / len(originals["interactions"]))
    for table in COPIED:
        rows = originals[table.name]
        _load(target, table, (one for number in range(copies) for one in _copied(table, rows, number)))
        counts[table.name] = copies * len(rows)
    if target.dialect.name == "postgresql":  # which its autovacuum does within a minute
        with target.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    source.dispose()
    target.dispose()
    return counts


def _copied(table: Table, rows: Iterable[Row], number: int) -> Iterator[Row]:
    """The rows of one copy."""
    names = table.columns.keys()
    for row in rows:
        one = dict(zip(names, row, strict=True))
        lead_id = one["lead_id"]
        one["lead_id"] = f"{lead_id}-{number:03d}"
        if table is standings:
            one["due"] = one["due"] if one["due"] >= NEVER else one["due"] + number * MINUTE
            one["changed_at"] -= number * HOUR
            one["answer"] = one["answer"].replace(f'"{lead_id}"', f'"{one["lead_id"]}"', 1)
        yield tuple(one.values())


def _load(engine: Engine, table: Table, rows: Iterator[Row]) -> None:
    names = ", ".join(f'"{name}"' for name in table.columns.keys())  # noqa: SIM118 - columns, no dictionary
    with engine.begin() as connection:
        driver: Any = connection.connection.driver_connection
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.columns))})", rows)  # noqa: S608
            return
        with driver.cursor().copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
