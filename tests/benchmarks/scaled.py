"""Data sets of any size for scoring: leads without outcomes in Parquet files, written piece by piece."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.contract import DAY
from tests.benchmarks.world import MOMENT, OBSERVED_DAYS

START = 1_700_000_000_000_000
"""The first moment, microseconds UTC."""
PIECE = 5_000_000
_SETTINGS = """[data]
name = "scaled"
interactions = { path = "interactions-*.parquet" }
leads = { path = "leads.parquet" }
"""


def write_scaled(folder: Path, interactions: int, per_lead: int, types: tuple[str, ...]) -> int:
    """Write a data set of unsorted interactions, evenly over leads, types and a year.

    Returns:
        How many leads it has.
    """
    rng, leads = np.random.default_rng(0), max(interactions // per_lead, 1)
    ids, names = pa.array([f"lead-{number:08d}" for number in range(leads)]), pa.array(types)
    for number, done in enumerate(range(0, interactions, PIECE)):
        rows = min(PIECE, interactions - done)
        seconds = rng.integers(0, OBSERVED_DAYS * DAY // 1_000_000, rows)
        piece = pa.table(
            {
                "lead_id": ids.take(pa.array(rng.integers(0, leads, rows))),
                "occurred_at": pa.array(seconds * 1_000_000 + START, MOMENT),
                "type": names.take(pa.array(rng.integers(0, len(types), rows))),
            }
        )
        pq.write_table(piece, folder / f"interactions-{number:03d}.parquet", row_group_size=1_000_000)
    pq.write_table(pa.table({"lead_id": ids, "created_at": pa.array(np.full(leads, START), MOMENT)}), folder / "leads.parquet")
    (folder / "leadheat.toml").write_text(_SETTINGS)
    return leads
