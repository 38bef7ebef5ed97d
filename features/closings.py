"""Outcomes: which leads were won or lost, and when."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.checks import TableCheck, codes_of, is_null
from features.data_settings import DataSettings, OutcomesSettings
from features.layout import as_text
from features.tables import SAME_ZONE, micros, set_orphans_aside
from features.times import UTC_MICROS

NO_OUTCOMES = pa.schema({"lead_id": pa.string(), "closed_at": UTC_MICROS, "won": pa.bool_()}).empty_table()


def take_outcomes(check: TableCheck, table: OutcomesSettings, settings: DataSettings, leads: pa.Table | None) -> None:
    """Take the columns of the outcomes; unless conversions are repeatable, each lead's first."""
    check.take_ids("lead_id")
    _set_open_aside(check)
    _take_won(check, table)
    check.take_times("closed_at", settings.timezone, required=True)
    if {"lead_id", "closed_at", "won"} <= check.columns.keys():
        _set_further_aside(check, repeatable=settings.repeatable)
    created = set_orphans_aside(check, leads)
    if created is not None and "closed_at" in check.columns:
        early = micros(check.columns["closed_at"]) < created
        detail = "outcomes lie before their lead was created; such a lead is never open"
        check.spoil("outcome_before_creation", "closed_at", early, detail, SAME_ZONE)


def _set_open_aside(check: TableCheck) -> None:
    if not {"outcome", "closed_at"} <= check.source.keys():
        return
    outcome, closed_at = (check.given(check.source[name]) for name in ("outcome", "closed_at"))
    rows = is_null(as_text(outcome)) & is_null(closed_at)
    check.leave_out("open_lead", "outcome", rows, "rows have neither outcome nor time; their leads are open")


def _take_won(check: TableCheck, settings: OutcomesSettings) -> None:
    if settings.won is True:
        check.put("won", pa.repeat(pa.scalar(value=True), len(check)))
    elif "outcome" in check.source:
        outcome = as_text(check.given(check.source["outcome"]))
        won = pc.is_in(outcome, pa.array(settings.won, pa.string()))
        lost = pc.is_valid(outcome) if settings.lost is None else pc.is_in(outcome, pa.array(settings.lost, pa.string()))
        check.put("won", won)
        if len(outcome):
            seen = ", ".join(repr(value) for value in sorted(outcome.unique().drop_null().to_pylist())[:10])
            detail, hint = f"no outcome is one of {list(settings.won)}", "Write the values that mean won under outcomes as won = [...]."
            check.say("warning", "nothing_won", "outcome", detail, hint, holds=not pc.any(won).as_py(), example=f"there are {seen}")
        hint = "List every value under outcomes as won = [...] or lost = [...]."
        unknown = ~np.asarray(pc.or_(won, lost))
        check.set_aside(
            "unknown_outcome", "outcome", unknown, "outcomes are neither won nor lost; set aside, so that their leads seem open", hint
        )


def _set_further_aside(check: TableCheck, *, repeatable: bool) -> None:
    lead = codes_of(check.columns["lead_id"])
    won, closed_at = np.asarray(check.columns["won"]), micros(check.columns["closed_at"])
    rank = np.lexsort((~won, closed_at, lead))
    same = lead[rank[1:]] == lead[rank[:-1]]
    if repeatable:
        same &= (closed_at[rank[1:]] == closed_at[rank[:-1]]) & (won[rank[1:]] == won[rank[:-1]])
    further = np.zeros(len(lead), dtype=bool)
    further[rank[1:][same]] = True
    conflicting = further & (np.bincount(lead, won)[lead] > 0) & (np.bincount(lead, ~won)[lead] > 0) & (not repeatable)
    hint = "If a lead can be won again, write repeatable = true under [data]."
    detail = "outcomes contradict another one of their lead; the earliest is kept"
    check.set_aside("conflicting_outcome", "lead_id", conflicting, detail, hint)
    repeated = further[~conflicting]
    detail = "outcomes repeat an earlier one of their lead; the earliest is kept"
    check.leave_out("repeated_outcome", "lead_id", repeated, detail)
