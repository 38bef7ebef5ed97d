"""Reading a data set: three validated Arrow tables from its sources, and everything that is wrong with them at once.

What is read can be checked in shares, each all rows of some leads: ``check_tables`` checks one, and ``conclude`` says what follows from
the notes of all of them. ``read_tables`` takes all rows as one share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.checks import TableCheck
from features.closings import NO_OUTCOMES, take_outcomes
from features.contract import UNKNOWN_TIME, DataError, Finding
from features.data_settings import DataSettings, InteractionsSettings, OutcomesSettings, TableSettings
from features.fingerprint import Content
from features.layout import Kind, join_kinds, lay_out
from features.loading import Loading, loading
from features.notes import Notes, conclude, merged
from features.raw import RawTable
from features.tables import NO_INTERACTIONS, NO_LEADS, micros, take_interactions, take_leads
from features.times import UTC_MICROS

__all__ = ["Checked", "DataSettings", "InteractionsSettings", "OutcomesSettings", "TableSettings", "Tables", "check_tables", "read_tables"]

Kinds = Mapping[str, Mapping[str, Kind]]
"""What the attributes of each table hold."""


@dataclass(frozen=True, eq=False)
class Tables:
    """Normalised and validated tables; every ``lead_id`` of the others is one of ``leads``.

    Attributes:
        interactions: lead_id string, occurred_at timestamp[us, UTC], type string, direction string ("inbound", "outbound" or null);
            recorded_at timestamp[us, UTC] (nullable) and order int64 (nullable) where the files have them; then the attributes, each
            float64 (numeric) or string (categorical), null where missing.
        leads: lead_id string, each once; created_at timestamp[us, UTC] (nullable); attributes.
        outcomes: lead_id string, closed_at timestamp[us, UTC], won bool; a lead at most once unless conversions are repeatable.
        observed_until: microseconds UTC: as declared, or the latest moment in any table (``UNKNOWN_TIME`` when there is none).
        findings: what was noticed; none of them is an error.
        fingerprint: sha256 over the content of the three tables, whatever files, order of rows or order of columns it came in.
    """

    interactions: pa.Table
    leads: pa.Table
    outcomes: pa.Table
    observed_until: int
    findings: tuple[Finding, ...]
    fingerprint: str

    def by_lead_id(self) -> Tables:
        """The same with the leads in the order of their ids, byte by byte."""
        return replace(self, leads=self.leads.sort_by("lead_id"))


@dataclass(frozen=True, eq=False)
class Checked:
    """One share of a data set.

    Attributes:
        interactions, leads, outcomes: as those of ``Tables``.
        notes: what was noticed, for ``conclude``.
        kinds: what the attributes hold in this share. Where that differs from what they hold in all shares (``join_all``), the tables
            are not those of the whole, and are to be checked again with the joined ones in their ``RawTable``.
    """

    interactions: pa.Table
    leads: pa.Table
    outcomes: pa.Table
    notes: Notes
    kinds: Kinds

    def tables(self, findings: tuple[Finding, ...], observed_until: int, fingerprint: str) -> Tables:
        """The share's tables, and what is known of the whole."""
        return Tables(self.interactions, self.leads, self.outcomes, observed_until, findings, fingerprint)


def read_tables(settings: DataSettings, root: Path, *, ids: bool = False) -> Tables:
    """Read, rename, convert and check the tables of a data set.

    Rows that cannot be used are set aside, counted and told as findings. A data set without outcomes, or without interactions, is whole.

    Args:
        settings: the ``[data]`` part of ``leadheat.toml``.
        root: the folder that relative paths start from.
        ids: keep the ``interaction_id`` of the interactions, a string, where the files have one; no history is made of such tables.

    Raises:
        DataError: a file or column is missing, times bear no zone, or more than 5 % of a table's rows cannot be used; with all findings.
    """
    with loading(settings, root) as source:
        raw, failures = _load(settings, source)
        checked = check_tables(settings, raw, ids=ids)
        findings = conclude(settings, [checked.notes, Notes(said=failures)])
        observed_until = checked.notes.observed_until(settings, source.observed_until)
    return checked.tables(findings, observed_until, checked.notes.fingerprint)


def check_tables(settings: DataSettings, raw: Mapping[str, RawTable], *, ids: bool = False) -> Checked:
    """Check one share of a data set: all rows of some leads, or of all.

    Args:
        settings: the ``[data]`` part of ``leadheat.toml``.
        raw: the tables that the settings name, as far as they can be read, by name: leads, interactions, outcomes.
        ids: as of ``read_tables``.

    Returns:
        Our tables and what was noticed; nothing is raised for what the rows hold.
    """
    checks: dict[str, TableCheck] = {}

    def taken(name: str, table: TableSettings, required: list[str], take: Callable[[TableCheck], None]) -> pa.Table | None:
        if name not in raw:
            return None
        checks[name] = TableCheck(raw[name], lay_out(name, table, raw[name].rows.column_names, required))
        take(checks[name])
        return checks[name].table()

    leads = taken("leads", settings.leads, ["lead_id"], partial(take_leads, settings=settings))
    known = leads if leads is not None and "lead_id" in leads.column_names else None
    interactions, outcomes = None, None
    if (table := settings.interactions) is not None:
        gather = partial(take_interactions, table=table, settings=settings, leads=known, ids=ids)
        interactions = taken("interactions", table, ["lead_id", "occurred_at"], gather)
    if (closings := settings.outcomes) is not None:
        required = ["lead_id", "closed_at", *([] if closings.won is True else ["outcome"])]
        outcomes = taken("outcomes", closings, required, partial(take_outcomes, table=closings, settings=settings, leads=known))
    tables = {
        "interactions": NO_INTERACTIONS if interactions is None else interactions,
        "leads": NO_LEADS if leads is None else leads,
        "outcomes": NO_OUTCOMES if outcomes is None else outcomes,
    }
    notes = merged([*(check.notes() for check in checks.values()), _of_content(tables)])
    return Checked(**tables, notes=notes, kinds={name: check.kinds for name, check in checks.items()})


def join_all(kinds: Iterable[Kinds]) -> Kinds:
    """What the attributes of each table hold in all shares."""
    kinds = list(kinds)
    return {name: join_kinds(one.get(name, {}) for one in kinds) for name in dict.fromkeys(name for one in kinds for name in one)}


def _load(settings: DataSettings, source: Loading) -> tuple[dict[str, RawTable], tuple[Finding, ...]]:
    """The tables that can be read, and why others cannot."""
    raw: dict[str, RawTable] = {}
    failures: list[Finding] = []
    for name, table in settings.tables.items():
        try:
            raw[name] = source.load(table, name)
        except DataError as error:
            failures += error.findings
    return raw, tuple(failures)


def _of_content(tables: Mapping[str, pa.Table]) -> Notes:
    times = [column for table in tables.values() for column in table.columns if column.type == UTC_MICROS]
    latest = max((int(micros(column).max()) for column in times if len(column)), default=UNKNOWN_TIME)
    won = int(np.count_nonzero(tables["outcomes"]["won"])) if "won" in tables["outcomes"].column_names else 0
    return Notes(latest=latest, content={name: Content.of(table) for name, table in tables.items()}, won=won)
