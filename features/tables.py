"""The three tables, one after the other: which columns they take, and what must hold within a table and between two."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.checks import TableCheck, codes_of, first_of_each, is_null
from features.data_settings import Constant, DataSettings, InteractionsSettings, OutcomesSettings
from features.layout import as_text
from features.times import UTC_MICROS

NO_INTERACTIONS = pa.schema({"lead_id": pa.string(), "occurred_at": UTC_MICROS, "type": pa.string(), "direction": pa.string()}).empty_table()
NO_OUTCOMES = pa.schema({"lead_id": pa.string(), "closed_at": UTC_MICROS, "won": pa.bool_()}).empty_table()


def take_leads(check: TableCheck, settings: DataSettings) -> None:
    """Take the columns of the leads, each lead once."""
    check.take_ids("lead_id")
    check.take_times("created_at", settings.timezone)
    if "created_at" not in check.source:
        check.layout.miss("created_at", "created_at", "warning" if settings.interactions else "error")
        check.columns["created_at"] = pa.nulls(len(check), UTC_MICROS)
    check.take_attributes(settings.exclude_attributes, settings.categorical_attributes)
    if "lead_id" in check.columns:
        repeated = ~first_of_each(check.table(), "lead_id", ["created_at"])
        hint = "A lead has one row; merge what belongs together."
        check.set_aside("duplicate_lead", "lead_id", repeated, "{n} rows repeat a lead_id; the one created first is kept", hint)


def take_interactions(check: TableCheck, settings: DataSettings, leads: pa.Table | None) -> None:
    """Take the columns of the interactions; those of unknown leads, and repeated ones, are set aside."""
    table = settings.interactions
    assert table is not None
    check.take_ids("lead_id")
    _take_type(check, table)
    _exclude_types(check, settings.exclude_types)
    check.take_times("occurred_at", settings.timezone, required=True)
    check.take_times("recorded_at", settings.timezone)
    _take_direction(check)
    _take_order(check)
    check.take_attributes(settings.exclude_attributes, settings.categorical_attributes)
    _set_repeated_aside(check)
    created = _set_orphans_aside(check, leads)
    _compare(check, "interaction_before_creation", "occurred_at", created, "info", "{n} interactions lie before their lead was created; they count",
             "Are the times of both tables of one time zone?")  # fmt: skip
    if "recorded_at" in check.columns:
        detail = "{n} interactions were recorded before they happened; they count from when they happened"
        _compare(check, "negative_wait", "recorded_at", _micros(check.columns.get("occurred_at")), "warning", detail)


def _take_type(check: TableCheck, settings: InteractionsSettings) -> None:
    if isinstance(settings.type, Constant):
        check.columns["type"] = pa.array(np.full(len(check), 0, dtype=np.int8))
        check.columns["type"] = pa.DictionaryArray.from_arrays(check.columns["type"], [settings.type.const]).cast(pa.string())
        return
    if not set(check.layout.types) <= set(check.layout.names):
        return
    parts = [as_text(check.given(theirs)) for theirs in check.layout.types]
    joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "/", null_handling="skip")
    check.columns["type"] = as_text(joined)
    check.set_aside("missing_type", "type", is_null(check.columns["type"]), "{n} interactions have no type; set aside")


def _exclude_types(check: TableCheck, patterns: Iterable[str]) -> None:
    if "type" not in check.columns or not len(check):
        return
    types = check.columns["type"].unique().to_pylist()
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in types):
            check.say("warning", "pattern_without_match", "type", f"exclude_types: {pattern!r} fits no type", "Upper and lower case differ.")
    excluded = [name for name in types if any(fnmatchcase(name, pattern) for pattern in patterns)]
    if excluded:
        rows = np.asarray(pc.is_in(check.columns["type"], pa.array(excluded, pa.string())))
        check.set_aside("excluded_type", "type", rows, "{n} interactions are of excluded types; left out", harmless=True)


def _take_direction(check: TableCheck) -> None:
    if "direction" not in check.source:
        check.columns["direction"] = pa.nulls(len(check), pa.string())
        return
    given = pc.utf8_lower(as_text(check.given(check.source["direction"])))
    known = pc.is_in(given, pa.array(["inbound", "outbound"]))
    unknown = ~np.asarray(known) & ~is_null(given)
    detail = "{n} directions are neither inbound nor outbound; taken as missing"
    check.unusable += check.note("warning", "unknown_direction", "direction", unknown, detail)
    check.columns["direction"] = pc.if_else(known, given, None)


def _take_order(check: TableCheck) -> None:
    if "order" not in check.source:
        return
    text = as_text(check.given(check.source["order"]))
    whole = pc.match_substring_regex(text, r"^-?\d{1,18}$")
    bad = ~np.asarray(pc.fill_null(whole, True))
    check.unusable += check.note("warning", "unusable_order", "order", bad, "{n} values of the order are no whole numbers; taken as missing")
    check.columns["order"] = pc.if_else(whole, text, None).cast(pa.int64())


def _set_repeated_aside(check: TableCheck) -> None:
    if "interaction_id" not in check.source or "occurred_at" not in check.columns:
        return
    occurred = check.columns["occurred_at"]
    known_at = pc.max_element_wise(occurred, check.columns.get("recorded_at", occurred))
    ids = as_text(check.given(check.source["interaction_id"]))
    table = check.table().append_column("known_at", known_at).append_column("interaction_id", ids)
    repeated = ~first_of_each(table, "interaction_id", ["known_at"])
    detail = "{n} rows repeat an interaction_id; the one known first is kept"
    check.set_aside("repeated_interaction", "interaction_id", repeated, detail, harmless=True)


def take_outcomes(check: TableCheck, settings: DataSettings, leads: pa.Table | None) -> None:
    """Take the columns of the outcomes; unless conversions are repeatable, each lead's first."""
    table = settings.outcomes
    assert table is not None
    check.take_ids("lead_id")
    _set_open_aside(check)
    _take_won(check, table)
    check.take_times("closed_at", settings.timezone, required=True)
    created = _set_orphans_aside(check, leads)
    if {"lead_id", "closed_at", "won"} <= check.columns.keys():
        _set_further_aside(check, repeatable=settings.repeatable)
        created = _created_of(check, leads)
    detail = "{n} outcomes lie before their lead was created; such a lead counts as closed from the start"
    check.unusable += _compare(check, "outcome_before_creation", "closed_at", created, "warning", detail, "Are the times of both tables of one time zone?")


def _set_open_aside(check: TableCheck) -> None:
    if not {"outcome", "closed_at"} <= check.source.keys():
        return
    outcome, closed_at = (check.given(check.source[name]) for name in ("outcome", "closed_at"))
    rows = is_null(as_text(outcome)) & is_null(closed_at)
    check.set_aside("open_lead", "outcome", rows, "{n} rows have neither outcome nor time; their leads are open", harmless=True)


def _take_won(check: TableCheck, settings: OutcomesSettings) -> None:
    if settings.won is True:
        check.columns["won"] = pa.array(np.ones(len(check), dtype=bool))
    elif "outcome" in check.source:
        outcome = as_text(check.given(check.source["outcome"]))
        check.columns["won"] = pc.is_in(outcome, pa.array(settings.won, pa.string()))
        lost = pc.is_valid(outcome) if settings.lost is None else pc.is_in(outcome, pa.array(settings.lost, pa.string()))
        won = np.asarray(check.columns["won"])
        if len(won) and not won.any():
            seen = ", ".join(repr(value) for value in sorted(outcome.unique().drop_null().to_pylist())[:10])
            check.say("warning", "nothing_won", "outcome", f"no outcome is one of {list(settings.won)}; the file has {seen}", "Write won = [...] for it.")
        hint = "List every value under outcomes as won = [...] or lost = [...]."
        check.set_aside("unknown_outcome", "outcome", ~won & ~np.asarray(lost), "{n} outcomes are neither won nor lost; set aside", hint)


def _set_further_aside(check: TableCheck, *, repeatable: bool) -> None:
    lead = codes_of(pa.chunked_array([check.columns["lead_id"]]) if isinstance(check.columns["lead_id"], pa.Array) else check.columns["lead_id"])
    won, closed_at = np.asarray(check.columns["won"]), _micros(check.columns["closed_at"])
    rank = np.lexsort((~won, closed_at, lead))
    same = lead[rank[1:]] == lead[rank[:-1]]
    if repeatable:
        same &= (closed_at[rank[1:]] == closed_at[rank[:-1]]) & (won[rank[1:]] == won[rank[:-1]])
    further = np.zeros(len(lead), dtype=bool)
    further[rank[1:][same]] = True
    conflicting = further & (np.bincount(lead, won)[lead] > 0) & (np.bincount(lead, ~won)[lead] > 0) & (not repeatable)
    hint = "If a lead can be won again, write repeatable = true under [data]."
    check.set_aside("conflicting_outcome", "lead_id", conflicting, "{n} outcomes contradict an earlier one of their lead; the earliest is kept", hint)
    check.set_aside("repeated_outcome", "lead_id", (further & ~conflicting)[~conflicting], "{n} outcomes repeat an earlier one; the earliest is kept", harmless=True)


def _set_orphans_aside(check: TableCheck, leads: pa.Table | None) -> np.ndarray | None:
    """Set the rows of unknown leads aside; returns when the leads of the others were created, as ``_created_of``."""
    if leads is None or "lead_id" not in check.columns:
        return None
    known = np.asarray(pc.is_in(check.columns["lead_id"], leads["lead_id"].combine_chunks()))
    check.set_aside("orphan", "lead_id", ~known, "{n} rows belong to no lead of the leads table; set aside")
    return _created_of(check, leads)
