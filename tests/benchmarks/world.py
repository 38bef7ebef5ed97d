"""Made-up interactions, unsorted, in Arrow, on which all contenders work."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import feather

from features.contract import DAY

DIRECTION = {
    "page_view": "inbound",
    "newsletter_open": "inbound",
    "webinar": "inbound",
    "demo_request": "inbound",
    "call": "outbound",
    "mail": "outbound",
}
KINDS = tuple(DIRECTION)
WINDOW_DAYS = (1, 7, 30, 90)
OBSERVED_DAYS = 365
MOMENT = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class World:
    """Interactions (lead_id, occurred_at, type, direction), leads (lead_id, created_at), snapshots (lead_id, as_of); in random order."""

    interactions: pa.Table
    leads: pa.Table
    snapshots: pa.Table

    @classmethod
    def read(cls, folder: Path) -> World:
        return cls(**{field.name: feather.read_table(folder / field.name, memory_map=False) for field in fields(cls)})

    def write(self, folder: Path) -> None:
        for field in fields(self):
            feather.write_feather(getattr(self, field.name), folder / field.name, compression="uncompressed")


def make_world(interactions: int, snapshots: int, per_lead: int, seed: int = 0) -> World:
    """``per_lead`` interactions a lead on average, evenly over a year; snapshots at any second of it."""
    rng = np.random.default_rng(seed)
    leads = max(interactions // per_lead, 1)
    ids = pa.array([f"lead-{number:07d}" for number in range(leads)])
    kind = pa.array(rng.integers(0, len(KINDS), interactions, np.int8))
    return World(
        interactions=pa.table(
            {
                "lead_id": ids.take(pa.array(rng.integers(0, leads, interactions))),
                "occurred_at": _seconds(rng, interactions),
                "type": pa.array(KINDS).take(kind),
                "direction": pa.array([DIRECTION[name] for name in KINDS]).take(kind),
            }
        ),
        leads=pa.table({"lead_id": ids, "created_at": pa.array(np.zeros(leads, np.int64), MOMENT)}),
        snapshots=pa.table({"lead_id": ids.take(pa.array(rng.integers(0, leads, snapshots))), "as_of": _seconds(rng, snapshots)}),
    )


def _seconds(rng: np.random.Generator, rows: int) -> pa.Array:
    """Moments of a year at the grain of a second, so that some fall together."""
    return pa.array(rng.integers(0, OBSERVED_DAYS * DAY // 1_000_000, rows) * 1_000_000, MOMENT)
