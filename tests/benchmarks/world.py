"""Made-up interactions, unsorted, in Arrow, on which all contenders work.

A world is *even*, each lead being as busy as any other, or *skewed*: lead k of L has a share of the interactions in proportion to
1 / (k + 10) (Zipf-Mandelbrot), so that of ten million interactions the busiest leads have about 100,000 each and most have a handful.
Moments to look at are of a *weekly* grid on which leads are drawn evenly, no lead twice in a week, or *each* of its own: any second of the
year, of the lead of a random interaction, so that busy leads are looked at more often.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

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
SECOND = 1_000_000
Looks = Literal["weekly", "each"]
LOOKS: tuple[Looks, ...] = get_args(Looks)
WEEKS = np.arange(1, 53) * 7 * DAY
_BUSIEST = 10


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


def make_world(
    interactions: int, snapshots: int, per_lead: int, looks: Looks = "each", *, skewed: bool = False, seed: int = 0, grain: int = SECOND
) -> World:
    """``per_lead`` interactions a lead on average over a year; so many snapshots, or as many as a weekly grid has.

    Moments are multiples of ``grain`` microseconds: a coarse one has many that fall together or exactly on the edge of a window.
    """
    rng = np.random.default_rng(seed)
    leads = max(interactions // per_lead, 1)
    ids = pa.array([f"lead-{number:07d}" for number in rng.permutation(leads)])
    kind = pa.array(rng.integers(0, len(KINDS), interactions, np.int8))
    lead = _skewed(rng, leads, interactions) if skewed else rng.integers(0, leads, interactions)
    return World(
        interactions=pa.table(
            {
                "lead_id": ids.take(pa.array(lead)),
                "occurred_at": _moments(rng, interactions, grain),
                "type": pa.array(KINDS).take(kind),
                "direction": pa.array([DIRECTION[name] for name in KINDS]).take(kind),
            }
        ),
        leads=pa.table({"lead_id": ids, "created_at": pa.array(np.zeros(leads, np.int64), MOMENT)}),
        snapshots=_weekly(rng, ids, snapshots) if looks == "weekly" else _each(rng, ids, lead, snapshots, grain),
    )


def _skewed(rng: np.random.Generator, leads: int, rows: int) -> np.ndarray:
    """Positions of leads, int64[rows]."""
    until = np.cumsum(1 / (np.arange(leads) + _BUSIEST))
    return np.asarray(np.searchsorted(until, rng.random(rows) * until[-1]).clip(max=leads - 1))


def _weekly(rng: np.random.Generator, ids: pa.Array, rows: int) -> pa.Table:
    cells = len(ids) * len(WEEKS)
    lead, week = np.divmod(rng.choice(cells, min(rows, cells), replace=False), len(WEEKS))
    return pa.table({"lead_id": ids.take(pa.array(lead)), "as_of": pa.array(WEEKS[week], MOMENT)})


def _each(rng: np.random.Generator, ids: pa.Array, lead: np.ndarray, rows: int, grain: int) -> pa.Table:
    chosen = lead[rng.integers(0, len(lead), rows)]
    return pa.table({"lead_id": ids.take(pa.array(chosen)), "as_of": _moments(rng, rows, grain)})


def _moments(rng: np.random.Generator, rows: int, grain: int) -> pa.Array:
    """Moments of a year."""
    return pa.array(rng.integers(0, OBSERVED_DAYS * DAY // grain, rows) * grain, MOMENT)
