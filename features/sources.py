"""Reading a data set: files in, three validated Arrow tables out, and everything that is wrong with them at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from features.checks import TableCheck
from features.closings import NO_OUTCOMES, take_outcomes
from features.contract import UNKNOWN_TIME, DataError, Finding
from features.data_settings import DataSettings, InteractionsSettings, OutcomesSettings, TableSettings
from features.fingerprint import fingerprint
from features.layout import Layout, lay_out, matches
from features.loading import Load, Loading, loading
from features.tables import NO_INTERACTIONS, micros, take_interactions, take_leads
from features.times import UTC_MICROS

__all__ = ["DataSettings", "InteractionsSettings", "OutcomesSettings", "TableSettings", "Tables", "read_tables"]

_SEVERITIES = ("error", "warning", "info")


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
        return _read(settings, _Reading(settings, source.load), source, ids=ids)


def _read(settings: DataSettings, reading: _Reading, source: Loading, *, ids: bool) -> Tables:
    leads = reading.table("leads", settings.leads, ["lead_id"], partial(take_leads, settings=settings))
    known = leads if leads is not None and "lead_id" in leads.column_names else None
    interactions, outcomes = NO_INTERACTIONS, NO_OUTCOMES
    if (table := settings.interactions) is not None:
        gather = partial(take_interactions, table=table, settings=settings, leads=known, ids=ids)
        interactions = reading.table("interactions", table, ["lead_id", "occurred_at"], gather)
    if (closings := settings.outcomes) is not None:
        required = ["lead_id", "closed_at", *([] if closings.won is True else ["outcome"])]
        outcomes = reading.table("outcomes", closings, required, partial(take_outcomes, table=closings, settings=settings, leads=known))
    findings = reading.conclude()
    return _tables(settings, interactions, leads, outcomes, findings, source.observed_until)


class _Reading:
    """The tables of one data set, one after the other, and what was noticed on the way."""

    def __init__(self, settings: DataSettings, load: Load) -> None:
        self._settings = settings
        self._load = load
        self._layouts: list[Layout] = []
        self._findings: list[Finding] = []

    def table(self, name: str, settings: TableSettings, required: list[str], take: Callable[[TableCheck], None]) -> pa.Table | None:
        """Our columns of one table, or None if its files cannot be read."""
        try:
            raw = self._load(settings, name)
        except DataError as error:
            self._findings += error.findings
            return None
        check = TableCheck(raw, lay_out(name, settings, raw.rows.column_names, required))
        take(check)
        check.refuse_if_broken()
        self._layouts.append(check.layout)
        self._findings += check.findings
        return check.table()

    def conclude(self) -> tuple[Finding, ...]:
        """All findings, the gravest first.

        Raises:
            DataError: one of them is an error.
        """
        errors = [finding for finding in self._findings if finding.severity == "error"]
        if not errors:
            self._find_unused_patterns()
        findings = tuple(sorted(self._findings, key=lambda finding: _SEVERITIES.index(finding.severity)))
        if errors:
            more = f" ({len(errors) - 1} more errors)" if len(errors) > 1 else ""
            message = f"The data set {self._settings.name} cannot be used: {errors[0].table}: {errors[0].detail}{more}."
            raise DataError(message, errors[0].hint, findings)
        return findings

    def _find_unused_patterns(self) -> None:
        for option in ("exclude_attributes", "categorical_attributes"):
            for pattern in getattr(self._settings, option):
                if not any(matches(layout.table, name, [pattern]) for layout in self._layouts for name in layout.attributes):
                    detail, hint = f"{option}: {pattern!r} fits no attribute", "Upper and lower case are distinguished."
                    self._findings.append(Finding("warning", "pattern_without_match", "", "", 1, detail, hint))


def _tables(
    settings: DataSettings,
    interactions: pa.Table,
    leads: pa.Table,
    outcomes: pa.Table,
    findings: tuple[Finding, ...],
    observed_until: int | None,
) -> Tables:
    """The tables; ``observed_until`` is the source's own word, where it has one."""
    times = [column for table in (interactions, leads, outcomes) for column in table.columns if column.type == UTC_MICROS]
    latest = max((int(micros(column).max()) for column in times if len(column)), default=UNKNOWN_TIME)
    latest = latest if observed_until is None else observed_until
    return Tables(
        interactions=interactions,
        leads=leads,
        outcomes=outcomes,
        observed_until=latest if settings.observed_until is None else settings.observed_until,
        findings=findings,
        fingerprint=fingerprint({"interactions": interactions, "leads": leads, "outcomes": outcomes}),
    )
