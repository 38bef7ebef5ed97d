"""A data set as everything downstream sees it: histories and what became of the leads."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.consent import ConsentRule
from features.consent_notes import noted
from features.contract import NEVER, Finding
from features.history import History, lead_positions, micros
from features.notes import Notes, merged
from features.schema import Schema
from features.schema_notes import unknown
from features.sorting import first_at_or_after
from features.sources import DataSettings, Tables, read_tables


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of L leads.

    Attributes:
        closed_at: int64[L], microseconds UTC; ``NEVER`` while a lead is open. Leads of repeatable conversions close by being lost only.
        won_start: int64[L + 1], the boundaries of each lead's wins.
        won_at: int64[wins], microseconds UTC, ascending within a lead.
    """

    closed_at: np.ndarray
    won_start: np.ndarray
    won_at: np.ndarray

    @classmethod
    def from_table(cls, outcomes: pa.Table, lead_ids: pa.Array, *, repeatable: bool) -> Outcomes:
        """Read a normalised outcomes table (lead_id, closed_at, won)."""
        lead = lead_positions(outcomes["lead_id"], pa.chunked_array([lead_ids]))
        closed_at, won = micros(outcomes["closed_at"]), outcomes["won"].to_numpy()
        closes = ~won if repeatable else np.ones(len(won), bool)
        end = np.full(len(lead_ids), NEVER)
        np.minimum.at(end, lead[closes], closed_at[closes])
        start = np.zeros(len(lead_ids) + 1, np.int64)
        np.cumsum(np.bincount(lead[won], minlength=len(lead_ids)), out=start[1:])
        return cls(end, start, closed_at[won][np.lexsort((closed_at[won], lead[won]))])

    def won_within(self, lead: np.ndarray, as_of: np.ndarray, horizon: int) -> np.ndarray:
        """bool[m]: won in ``[as_of, as_of + horizon)``."""
        first = first_at_or_after(self.won_start, self.won_at, lead, as_of)
        some = first < self.won_start[lead + 1]
        within: np.ndarray = some & (np.append(self.won_at, NEVER)[first] < as_of + horizon)
        return within


@dataclass(frozen=True, eq=False)
class Dataset:
    """Histories and outcomes of L leads.

    They come in the order of their ids, whatever order the rows of the tables have: who is held out, who is drawn and how sums are rounded
    goes by it, and so the same data give the same model and the same figures, to the last bit.

    Attributes:
        name: as the settings say.
        history: L leads.
        outcomes: of the same leads.
        observed_until: microseconds UTC; what happened later is not in the data.
        findings: what was noticed when reading.
        fingerprint: SHA-256 of the content.
        notes: what the findings say of consent and of unknown attributes, in a form that adds up where the data set is a share of one.
        share: of the leads that are in it, above 0 and at most 1; less than 1 where not all fit into memory.
    """

    name: str
    history: History
    outcomes: Outcomes
    observed_until: int
    findings: tuple[Finding, ...]
    fingerprint: str
    notes: Notes = field(default_factory=Notes)
    share: float = 1.0

    @classmethod
    def read(cls, settings: DataSettings, root: Path, schema: Schema | None = None, *, as_listed: bool = False) -> Dataset:
        """Read a data set from its files; arguments as of ``from_tables``.

        Raises:
            DataError: it cannot be used; all findings are told.
        """
        tables, consent = read_tables(settings, root), settings.consent
        return cls.from_tables(settings.name, tables, repeatable=settings.repeatable, schema=schema, consent=consent, as_listed=as_listed)

    @classmethod
    def from_tables(
        cls,
        name: str,
        tables: Tables,
        *,
        repeatable: bool = False,
        schema: Schema | None = None,
        consent: tuple[ConsentRule, ...] = (),
        threads: int | None = None,
        as_listed: bool = False,
    ) -> Dataset:
        """Sort validated tables into histories and outcomes.

        Args:
            name: of the data set.
            tables: as ``features.sources`` reads them.
            repeatable: a lead can be won more than once.
            schema: as in ``History.from_tables``; what it does not know is told.
            consent: is asked for besides what the schema asks for.
            threads: share the work; by default all cores do.
            as_listed: keep the leads in the order of the leads table, for who answers row by row and learns nothing.
        """
        tables = tables if as_listed else tables.by_lead_id()
        schema = (schema or Schema.of_tables(tables.interactions, tables.leads)).asking(consent)
        history = History.from_tables(tables, schema, threads=threads or os.cpu_count() or 1)
        outcomes = Outcomes.from_table(tables.outcomes, history.lead_ids, repeatable=repeatable)
        notes = merged([noted(schema.consent, tables.interactions, history), unknown(tables, schema)])
        findings = (*tables.findings, *notes.findings)
        return cls(name, history, outcomes, tables.observed_until, findings, tables.fingerprint, notes)
