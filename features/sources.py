"""Reading a data set: files in, three validated Arrow tables out, and everything that is wrong with them at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from features.checks import TableCheck
from features.contract import UNKNOWN_TIME, DataError, Finding
from features.data_settings import DataSettings, InteractionsSettings, OutcomesSettings, TableSettings
from features.files import RawTable, load
from features.fingerprint import fingerprint
from features.layout import lay_out
from features.tables import NO_INTERACTIONS, NO_OUTCOMES, read_interactions, read_leads, read_outcomes

__all__ = ["DataSettings", "InteractionsSettings", "OutcomesSettings", "TableSettings", "Tables", "read_tables"]


@dataclass(frozen=True, eq=False)
class Tables:
    """Normalised and validated tables; every ``lead_id`` of the others is one of ``leads``.

    Attributes:
        interactions: lead_id string, occurred_at timestamp[us, UTC], type string, direction string ("inbound", "outbound" or null), where
            the files have them recorded_at timestamp[us, UTC] (nullable) and order int64 (nullable), then the attributes, each float64 (numeric) or
            string (categorical), null where missing.
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


def read_tables(settings: DataSettings, root: Path) -> Tables:
    """Read, rename, convert and check the tables of a data set.

    Rows that cannot be used are set aside, counted and told as findings. A data set without outcomes, or without interactions, is whole.

    Args:
        settings: the ``[data]`` part of ``leadheat.toml``.
        root: the folder that relative paths start from.

    Raises:
        DataError: a file or column is missing, times bear no zone, or more than 5 % of a table's rows cannot be used. It lists all findings.
    """
    findings: list[Finding] = []
    leads = _checked("leads", settings.leads, settings, root, findings)
    lead_table = None if leads is None else read_leads(leads, settings)
    ids = None if lead_table is None else lead_table["lead_id"]
    interactions = _checked("interactions", settings.interactions, settings, root, findings)
    interaction_table = NO_INTERACTIONS if interactions is None else read_interactions(interactions, settings, lead_table)
    outcomes = _checked("outcomes", settings.outcomes, settings, root, findings)
    outcome_table = NO_OUTCOMES if outcomes is None else read_outcomes(outcomes, settings, lead_table)
