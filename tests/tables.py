"""A small whole data set as CSV files, which tests damage row by row: 25 leads with an interaction and an outcome each."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from features.contract import Finding
from features.data_settings import DataSettings
from features.sources import Tables, read_tables

NUMBERS = range(1, 26)
HEADERS = {
    "leads": "lead_id,created_at,size,country",
    "interactions": "lead_id,occurred_at,type,interaction_id,recorded_at,direction,order",
    "outcomes": "lead_id,closed_at,outcome",
}
ROWS = {
    "leads": [f"L{i:02d},2026-01-01T08:00:00Z,{i * 10},DE" for i in NUMBERS],
    "interactions": [f"L{i:02d},2026-01-02T08:00:00Z,mail,i{i},2026-01-02T08:00:00Z,inbound,{i}" for i in NUMBERS],
    "outcomes": [f"L{i:02d},2026-02-01T08:00:00Z,{'won' if i % 5 == 0 else 'lost'}" for i in NUMBERS],
}
LAST_ROW = 1 + len(NUMBERS)  # of each file; the header is row 1
SETTINGS = {name: {"path": f"{name}.csv"} for name in HEADERS}


def write_csv(folder: Path, name: str, rows: Sequence[str], header: str | None = None) -> Path:
    """Write one of the three tables, with its own header if no other is given."""
    path = folder / f"{name}.csv"
    path.write_text("\n".join([HEADERS[name] if header is None else header, *rows]) + "\n", encoding="utf-8")
    return path


def write_tables(folder: Path, more: Mapping[str, Sequence[str]] | None = None) -> None:
    """Write the whole data set, with ``more`` rows at the end of some tables."""
    for name in HEADERS:
        write_csv(folder, name, [*ROWS[name], *(more or {}).get(name, ())])


def as_gzip(folder: Path, name: str) -> dict[str, Any]:
    """Write a table that is there as CSV once more, compressed; how it is named in the settings."""
    (folder / f"{name}.csv.gz").write_bytes(gzip.compress((folder / f"{name}.csv").read_bytes()))
    return {"path": f"{name}.csv.gz"}


def read(folder: Path, **settings: Any) -> Tables:
    """Read the data set in ``folder``."""
    return read_tables(DataSettings(**{**SETTINGS, **settings}), folder)


def the_one(findings: tuple[Finding, ...], code: str) -> Finding:
    """The only finding with this code."""
    (found,) = [finding for finding in findings if finding.code == code]
    return found
