"""Leads and interactions: which columns they take, and what must hold within a table and between the two."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.checks import TableCheck, first_of_each, is_null
from features.contract import UNKNOWN_TIME
from features.data_settings import Constant, DataSettings, InteractionsSettings
from features.layout import as_text
from features.times import UTC_MICROS

_COLUMNS = {"lead_id": pa.string(), "occurred_at": UTC_MICROS, "type": pa.string(), "direction": pa.string()}
NO_INTERACTIONS = pa.schema(_COLUMNS).empty_table()
NO_LEADS = pa.schema({"lead_id": pa.string(), "created_at": UTC_MICROS}).empty_table()
SAME_ZONE = "Are the times of both tables of one time zone?"


def take_leads(check: TableCheck, settings: DataSettings) -> None:
    """Take the columns of the leads, each lead once."""
    check.take_ids("lead_id")
    check.take_times("created_at", settings.timezone)
    if "created_at" not in check.source:
        check.layout.miss("created_at", "created_at", "warning" if settings.interactions else "error")
        check.put("created_at", pa.nulls(len(check), UTC_MICROS))
    check.take_attributes(settings.exclude_attributes, settings.categorical_attributes)
    if "lead_id" in check.columns:
        repeated = ~first_of_each(check.table(), ["lead_id"], ["created_at"])
        hint = "A lead has one row; merge what belongs together."
        check.set_aside("duplicate_lead", "lead_id", repeated, "rows repeat a lead_id; the one created first is kept", hint)


def take_interactions(
    check: TableCheck, table: InteractionsSettings, settings: DataSettings, leads: pa.Table | None, *, ids: bool = False
) -> None:
    """Take the columns of the interactions, with ``ids`` those too; those of unknown leads, and repeated ones, are set aside."""
    check.take_ids("lead_id")
    _take_type(check, table)
    _exclude_types(check, settings.exclude_types)
    check.take_times("occurred_at", settings.timezone, required=True)
    check.take_times("recorded_at", settings.timezone)
    _take_direction(check)
    _take_order(check)
    check.take_attributes(settings.exclude_attributes, settings.categorical_attributes)
    _set_repeated_aside(check)
    created = set_orphans_aside(check, leads)
    _note_odd_times(check, created)
    if ids and "interaction_id" in check.source:
        check.put("interaction_id", as_text(check.given(check.source["interaction_id"])))


def _note_odd_times(check: TableCheck, created: np.ndarray | None) -> None:
    if "occurred_at" not in check.columns:
        return
    occurred = micros(check.columns["occurred_at"])
    if created is not None:
        detail = "interactions lie before their lead was created; they count"
        check.note("info", "interaction_before_creation", "occurred_at", occurred < created, detail, SAME_ZONE)
    if "recorded_at" in check.columns:
        recorded = micros(check.columns["recorded_at"])
        detail = "interactions were recorded before they happened; they count from when they happened"
        check.note("warning", "negative_wait", "recorded_at", (recorded < occurred) & (recorded != UNKNOWN_TIME), detail)


def set_orphans_aside(check: TableCheck, leads: pa.Table | None) -> np.ndarray | None:
    """Set the rows of unknown leads aside.

    Returns:
        When the leads of the n rows that are left were created, int64[n], microseconds UTC; None if the leads themselves are not known.
    """
    if leads is None or "lead_id" not in check.columns:
        return None
    from features.lookup import places  # with Numba, which a service's worker does without

    place = places(check.columns["lead_id"], leads["lead_id"])
    hint = "Are ids written alike in all tables? 7, 007, 7.0, A7 and a7 are five different leads."
    check.set_aside("orphan", "lead_id", place < 0, "rows belong to no lead of the leads table; set aside", hint)
    created: np.ndarray = micros(leads["created_at"])[place[place >= 0]]
    return created


def micros(column: pa.ChunkedArray) -> np.ndarray:
    """int64 microseconds of timestamps; a missing one is ``UNKNOWN_TIME``."""
    return np.asarray(column.cast(pa.int64()).fill_null(UNKNOWN_TIME))


def _take_type(check: TableCheck, settings: InteractionsSettings) -> None:
    if isinstance(settings.type, Constant):
        check.put("type", pa.repeat(settings.type.const, len(check)))
        return
    if "type" not in check.source or not set(check.layout.types) <= set(check.layout.names):
        return
    parts = [as_text(check.given(theirs)) for theirs in check.layout.types]
    joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "/", null_handling="skip")
    check.put("type", as_text(joined))
    check.set_aside("missing_type", "type", is_null(check.columns["type"]), "interactions have no type; set aside")


def _exclude_types(check: TableCheck, patterns: Iterable[str]) -> None:
    if "type" not in check.columns or not len(check):
        return
    types = check.columns["type"].unique().to_pylist()
    for pattern in patterns:
        fits = any(fnmatchcase(name, pattern) for name in types)
        detail, hint = f"exclude_types: {pattern!r} fits no type", "Upper and lower case are distinguished."
        check.say("warning", "pattern_without_match", "type", detail, hint, holds=not fits)
    excluded = [name for name in types if any(fnmatchcase(name, pattern) for pattern in patterns)]
    if excluded:
        rows = np.asarray(pc.is_in(check.columns["type"], pa.array(excluded, pa.string())))
        check.leave_out("excluded_type", "type", rows, "interactions are of excluded types; left out")


def _take_direction(check: TableCheck) -> None:
    if "direction" not in check.source:
        check.put("direction", pa.nulls(len(check), pa.string()))
        return
    given = pc.utf8_lower(as_text(check.given(check.source["direction"])))
    known = pc.is_in(given, pa.array(["inbound", "outbound"]))
    unknown = ~np.asarray(known) & ~is_null(given)
    detail = "directions are neither inbound nor outbound; taken as missing"
    hint = "Write inbound where the lead acted, and outbound where we did."
    check.spoil("unknown_direction", "direction", unknown, detail, hint)
    check.put("direction", pc.if_else(known, given, None))


def _take_order(check: TableCheck) -> None:
    if "order" not in check.source:
        return
    text = as_text(check.given(check.source["order"]))
    whole = pc.match_substring_regex(text, r"^-?\d{1,18}$")
    bad = ~np.asarray(whole.fill_null(pa.scalar(value=True)))
    detail = "values of the order are no whole numbers; taken as missing"
    check.spoil("unusable_order", "order", bad, detail)
    check.put("order", pc.if_else(whole, text, None).cast(pa.int64()))


def _set_repeated_aside(check: TableCheck) -> None:
    if "interaction_id" not in check.source or not {"lead_id", "occurred_at"} <= check.columns.keys():
        return
    known_at = micros(check.columns["occurred_at"])
    if "recorded_at" in check.columns:
        known_at = np.maximum(known_at, micros(check.columns["recorded_at"]))
    ids = as_text(check.given(check.source["interaction_id"]))
    table = check.table().append_column("known_at", pa.array(known_at)).append_column("interaction_id", ids)
    numeric = sorted(name for name in table.column_names if pa.types.is_floating(table[name].type))
    as_histories = [name for name in ("occurred_at", "order", "type", "direction") if name in table.column_names]
    repeated = ~first_of_each(table, ["lead_id", "interaction_id"], ["known_at", *as_histories, *numeric])
    detail = "rows repeat an interaction_id of their lead; the one known first is kept"
    check.leave_out("repeated_interaction", "interaction_id", repeated, detail)
