"""DuckDB, in SQL: a join that is filtered, or running counts looked up by ASOF joins at both ends of every window."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from features.contract import DAY
from tests.benchmarks.contenders.windows import COUNTS, LONGEST
from tests.benchmarks.limits import THREADS
from tests.benchmarks.world import KINDS, WINDOW_DAYS, World

_RUNNING = ", ".join(f"sum((type = '{kind}')::INT) OVER history AS \"{kind}\"" for kind in KINDS)
_CELLS = [(f'"count({kind}, {days}d)"', kind, days) for kind in KINDS for days in WINDOW_DAYS]
_COLUMNS = ", ".join(name for name, _, _ in _CELLS)


def filtered_join(world: World) -> pa.Table:
    """The definition as a query."""
    counts = ", ".join(f"count(*) FILTER (type = '{kind}' AND age <= {days * DAY}) AS {name}" for name, kind, days in _CELLS)
    columns = ", ".join(f"coalesce(counted.{name}, 0) AS {name}" for name, _, _ in _CELLS)
    query = f"""
        WITH pairs AS (
            SELECT number, type, as_of - occurred_at AS age FROM snapshots JOIN interactions USING (lead_id)
            WHERE occurred_at < as_of AND as_of - occurred_at <= {LONGEST}
        ), counted AS (SELECT number, {counts} FROM pairs GROUP BY number)
        SELECT {columns} FROM snapshots LEFT JOIN counted USING (number) ORDER BY number
        """  # noqa: S608 - of constants
    return _run(world, query)


def asof_joins(world: World) -> pa.Table:
    """Running counts, and for every snapshot the last of them before each of five moments. Equal moments are counted together (RANGE)."""
    joins = " ".join(
        f"ASOF LEFT JOIN running d{days} ON looks.lead_id = d{days}.lead_id AND looks.as_of - {days * DAY} > d{days}.occurred_at"
        for days in (0, *WINDOW_DAYS)
    )
    counts = ", ".join(f'coalesce(d0."{kind}", 0) - coalesce(d{days}."{kind}", 0) AS {name}' for name, kind, days in _CELLS)
    query = f"""
        WITH running AS MATERIALIZED (
            SELECT lead_id, occurred_at, {_RUNNING} FROM interactions WINDOW history AS (PARTITION BY lead_id ORDER BY occurred_at)
        )
        SELECT {_COLUMNS} FROM (SELECT number, {counts} FROM snapshots looks {joins}) ORDER BY number
        """  # noqa: S608 - of constants
    return _run(world, query)


def counts(result: pa.Table) -> np.ndarray:
    """Its counts, int64[snapshots, 24]."""
    return np.stack([result[name].to_numpy() for name in COUNTS], axis=1).astype(np.int64)


def columns(result: pa.Table) -> int:
    """How many there are."""
    return int(result.num_columns)


def _run(world: World, query: str) -> pa.Table:
    """Moments are handed over as their microseconds: arithmetic with time zones would take most of the time."""
    interactions = world.interactions.select(["lead_id", "type"]).append_column(
        "occurred_at", world.interactions["occurred_at"].cast(pa.int64())
    )
    snapshots = world.snapshots.select(["lead_id"]).append_column("as_of", world.snapshots["as_of"].cast(pa.int64()))
    connection = duckdb.connect(config={"threads": THREADS})
    connection.register("interactions", interactions)
    connection.register("snapshots", snapshots.append_column("number", pa.array(np.arange(snapshots.num_rows))))
    return connection.sql(query).to_arrow_table()
