"""Small data sets out of records, for tests that think in days."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from features.contract import DAY, parse_moment
from features.dataset import Dataset, Outcomes
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema

FIRST = parse_moment("2026-01-01")


def day(number: float) -> int:
    """Midnight UTC of a day; day 1 is 2026-01-01."""
    return FIRST + round((number - 1) * DAY)


def lead(created: float | None, *interactions: float | tuple[float, float], name: str = "lead") -> LeadRecord:
    """A lead created on a day, with interactions on days, or on one day and recorded on another."""
    pairs = [one if isinstance(one, tuple) else (one, one) for one in interactions]
    rows = [InteractionRecord("call", day(occurred), day(recorded)) for occurred, recorded in pairs]
    return LeadRecord(name, None if created is None else day(created), interactions=rows)


def dataset_of(
    leads: Sequence[LeadRecord], closings: Sequence[tuple[str, float, bool]], until: float, *, repeatable: bool = False
) -> Dataset:
    """Leads, and for their outcomes: lead, day and whether it was won."""
    history = history_of(leads, Schema())
    names, days, won = zip(*closings, strict=True) if closings else ((), (), ())
    moments = pa.array([day(one) for one in days], pa.timestamp("us", "UTC"))
    table = pa.table({"lead_id": pa.array(names, pa.string()), "closed_at": moments, "won": pa.array(won, pa.bool_())})
    outcomes = Outcomes.from_table(table, history.lead_ids, repeatable=repeatable)
    return Dataset("small", history, outcomes, day(until), (), "")
