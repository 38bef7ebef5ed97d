"""Faults planted into a simulated world: what an audit must find before a model learns from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import DAY, HOUR
from training.simulation.records import MOMENT, WorldTables

Leak = Literal[
    "outcome_type",
    "closing_type",
    "after_closing",
    "winner_attribute",
    "later_attribute",
    "telling_attribute",
    "future_times",
    "late_outcomes",
    "bulk_closing",
    "duplicate_leads",
    "telling_ids",
    "renamed_type",
]
Planter = Callable[[WorldTables, np.random.Generator], WorldTables]


def plant(world: WorldTables, leak: Leak, rng: np.random.Generator) -> WorldTables:
    """The world with one fault more; the truth stays what it was."""
    return PLANTERS[leak](world, rng)


def _outcome_type(world: WorldTables, rng: np.random.Generator) -> WorldTables:
    won = _closed(world, "won")
    return _happen(world, won["lead_id"], _micros(won["closed_at"]) - _up_to(rng, won, 3 * DAY), "contract_signed")


def _closing_type(world: WorldTables, rng: np.random.Generator) -> WorldTables:
    closed = world.outcomes
    return _happen(world, closed["lead_id"], _micros(closed["closed_at"]) - _up_to(rng, closed, 5 * DAY), "file_reviewed")


def _after_closing(world: WorldTables, rng: np.random.Generator) -> WorldTables:
    won = _closed(world, "won")
    return _happen(world, won["lead_id"], _micros(won["closed_at"]) + HOUR + _up_to(rng, won, 20 * DAY), "onboarding")


def _winner_attribute(world: WorldTables, rng: np.random.Generator) -> WorldTables:
    number = pa.array(rng.integers(10_000, 99_999, world.leads.num_rows).astype(np.float64), mask=~_won(world))
    return replace(world, leads=world.leads.append_column("customer_number", number))


def _later_attribute(world: WorldTables, rng: np.random.Generator) -> WorldTables:
    stage = np.where(_won(world), "contract", rng.choice(["first talk", "offer", "none"], world.leads.num_rows))
    unsure = rng.random(stage.size) < 0.1
    return replace(world, leads=world.leads.append_column("last_stage", pa.array(np.where(unsure, "offer", stage))))


def _telling_attribute(world: WorldTables, rng: np.random.Generator) -> WorldTables:
    estimate = np.round(rng.normal(30, 10, world.leads.num_rows) + 35 * _won(world), 1)
    return replace(world, leads=world.leads.append_column("sales_estimate", pa.array(estimate)))


def _future_times(world: WorldTables, rng: np.random.Generator) -> WorldTables:
    rows, wrong = world.interactions, rng.random(world.interactions.num_rows) < 0.01
    ahead = np.where(wrong, 400 * DAY, 0)
    for name in ("occurred_at", "recorded_at"):
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(_micros(rows[name]) + ahead).cast(MOMENT))
    return replace(world, interactions=rows)


def _late_outcomes(world: WorldTables, rng: np.random.Generator) -> WorldTables:  # noqa: ARG001
    closed_at = _micros(world.outcomes["closed_at"])
    return replace(world, outcomes=world.outcomes.filter(closed_at >= (closed_at.min() + closed_at.max()) // 2))


def _bulk_closing(world: WorldTables, rng: np.random.Generator) -> WorldTables:  # noqa: ARG001
    lost = pc.equal(world.outcomes["outcome"], "lost").to_numpy()
    closed_at = _micros(world.outcomes["closed_at"])
    tidied = closed_at.max() // DAY * DAY - 60 * DAY
    bulk = lost & (closed_at < tidied) & (closed_at >= tidied - 90 * DAY)
    return replace(world, outcomes=world.outcomes.set_column(1, "closed_at", pa.array(np.where(bulk, tidied, closed_at)).cast(MOMENT)))


def _duplicate_leads(world: WorldTables, rng: np.random.Generator) -> WorldTables:
    again = np.flatnonzero(rng.random(world.leads.num_rows) < 0.03)
    return replace(world, leads=pa.concat_tables([world.leads, world.leads.take(again)]))


def _telling_ids(world: WorldTables, rng: np.random.Generator) -> WorldTables:  # noqa: ARG001
    """Winners are numbered first, in the order of their wins: so ids look that were given when a customer was entered."""
    order = _closed(world, "won").sort_by("closed_at")["lead_id"].combine_chunks()
    ids = world.leads["lead_id"].combine_chunks()
    order = pa.concat_arrays([order, ids.filter(pa.array(~_won(world)))])
    names = world.leads["lead_id"].combine_chunks()

    def renamed(table: pa.Table) -> pa.Table:
        return table.set_column(0, "lead_id", names.take(pc.index_in(table["lead_id"].combine_chunks(), order)))

    return WorldTables(*(renamed(table) for table in (world.interactions, world.leads, world.outcomes, world.truth)))


def _renamed_type(world: WorldTables, rng: np.random.Generator) -> WorldTables:  # noqa: ARG001
    rows = world.interactions
    late = _micros(rows["occurred_at"]) >= np.quantile(_micros(rows["occurred_at"]), 0.75)
    kinds = pc.if_else(pc.and_(pc.equal(rows["type"], "price_page"), pa.array(late)), "pricing_view", rows["type"])
    return replace(world, interactions=rows.set_column(rows.column_names.index("type"), "type", kinds))


PLANTERS: dict[Leak, Planter] = {
    "outcome_type": _outcome_type,
    "closing_type": _closing_type,
    "after_closing": _after_closing,
    "winner_attribute": _winner_attribute,
    "later_attribute": _later_attribute,
    "telling_attribute": _telling_attribute,
    "future_times": _future_times,
    "late_outcomes": _late_outcomes,
    "bulk_closing": _bulk_closing,
    "duplicate_leads": _duplicate_leads,
    "telling_ids": _telling_ids,
    "renamed_type": _renamed_type,
}


def _happen(world: WorldTables, lead_id: pa.ChunkedArray, at: npt.NDArray[np.int64], kind: str) -> WorldTables:
    """One more interaction of each lead, inbound and recorded at once, but never before the lead was there."""
    rows = pc.index_in(lead_id.combine_chunks(), world.leads["lead_id"].combine_chunks())
    moments = pa.array(np.maximum(at, _micros(world.leads["created_at"].take(rows)))).cast(MOMENT)
    size = len(moments)
    more = pa.table(
        {
            "lead_id": lead_id,
            "interaction_id": pc.binary_join_element_wise(lead_id, kind, "-"),
            "occurred_at": moments,
            "recorded_at": moments,
            "type": pa.repeat(kind, size),
            "direction": pa.repeat("inbound", size),
            "channel": pa.repeat("office", size),
            "duration_minutes": pa.nulls(size, pa.float64()),
        }
    )
    return replace(world, interactions=pa.concat_tables([world.interactions, more]))


def _closed(world: WorldTables, outcome: str) -> pa.Table:
    return world.outcomes.filter(pc.equal(world.outcomes["outcome"], outcome))


def _won(world: WorldTables) -> npt.NDArray[np.bool_]:
    """bool[leads]: who was won."""
    return np.asarray(pc.is_in(world.leads["lead_id"], _closed(world, "won")["lead_id"].combine_chunks()))


def _up_to(rng: np.random.Generator, table: pa.Table, most: int) -> npt.NDArray[np.int64]:
    return np.asarray(rng.integers(0, most, table.num_rows))


def _micros(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    return np.asarray(column.cast(pa.int64()))
