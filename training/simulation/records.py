"""The simulated lives as the tables that a company would have: named, dated, sometimes late, sometimes twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtri

from features.contract import HOUR, WEEK
from training.simulation.clock import Clock
from training.simulation.dynamics import WON
from training.simulation.process import OPEN, Lives
from training.simulation.world import KIND, KINDS, WITHOUT_CONSENT

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOMENT = pa.timestamp("us", tz="UTC")
LATE, LATE_BY = 0.3, 20 * HOUR
"""The share of what people write down that they write down later, and by how much on average."""
TWICE = 0.01
"""The share of interactions that are delivered twice."""
_SPREAD = 0.6

_NAMES = [*(kind.name for kind in KINDS), *WITHOUT_CONSENT.values(), "repeat_visit"]
_CHANNELS = [*(kind.channel for kind in KINDS), *("phone" for _ in WITHOUT_CONSENT), "web"]
_WITHOUT = np.array([_NAMES.index(WITHOUT_CONSENT.get(kind.name, kind.name)) for kind in KINDS])
_BY_HAND = np.array([kind.by_hand for kind in KINDS])
_MINUTES = np.array([kind.minutes for kind in KINDS])


@dataclass(frozen=True)
class WorldTables:
    """The tables of some leads: those of a data set, and the truth."""

    interactions: pa.Table
    leads: pa.Table
    outcomes: pa.Table
    truth: pa.Table


def interactions_table(lives: Lives, leads: pa.Table, clock: Clock, until: int) -> pa.Table:
    """The interactions that are on record at ``until``, by lead and time.

    Args:
        lives: of a block of leads.
        leads: their attributes, in the same order.
        clock: of the world.
        until: microseconds UTC; what is recorded later is not there yet.
    """
    occurred_at = clock.to_moments(lives.at)
    late, twice, length = lives.noise.T
    part = np.where(_BY_HAND[lives.kind] & (late < LATE), late / LATE, 0.0)
    recorded_at = occurred_at + (-np.log1p(-part) * LATE_BY // 1e6).astype(np.int64) * 1_000_000
    minutes = np.round(_MINUTES[lives.kind] * np.exp(_SPREAD * ndtri(length) - _SPREAD**2 / 2), 1)
    names = _names(lives, leads, occurred_at)
    number = np.arange(lives.lead.size) - np.searchsorted(lives.lead, lives.lead)
    lead_id = leads["lead_id"].combine_chunks().take(lives.lead)
    table = pa.table(
        {
            "lead_id": lead_id,
            "interaction_id": pc.binary_join_element_wise(lead_id, pa.array(number + 1).cast(pa.string()), "-"),
            "occurred_at": pa.array(occurred_at).cast(MOMENT),
            "recorded_at": pa.array(recorded_at).cast(MOMENT),
            "type": pa.array(_NAMES).take(names),
            "direction": pa.array([kind.direction for kind in KINDS]).take(lives.kind),
            "channel": pa.array(_CHANNELS).take(names),
            "duration_minutes": pa.array(minutes, mask=minutes == 0),
        }
    )
    rows = np.repeat(np.arange(lives.lead.size), 1 + (twice < TWICE))
    return table.take(rows[recorded_at[rows] < until])


def _names(lives: Lives, leads: pa.Table, occurred_at: Ints) -> Ints:
    """Positions in ``_NAMES``: a visit within a week of the last one is a repeated one, and who has not agreed to mails is called."""
    agreed = pc.equal(leads["email_opt_in"], "yes").to_numpy()[lives.lead]
    names = np.where(agreed, lives.kind, _WITHOUT[lives.kind])
    visit = np.flatnonzero(lives.kind == KIND["page_visit"])
    again = (np.diff(lives.lead[visit]) == 0) & (np.diff(occurred_at[visit]) < WEEK)
    names[visit[1:][again]] = _NAMES.index("repeat_visit")
    return names


def outcomes_table(lives: Lives, leads: pa.Table, clock: Clock) -> pa.Table:
    """lead_id, closed_at and outcome (``won`` or ``lost``) of the leads that were closed."""
    closed = np.flatnonzero(lives.outcome != OPEN)
    won = lives.outcome[closed] == WON
    return pa.table(
        {
            "lead_id": leads["lead_id"].combine_chunks().take(closed),
            "closed_at": pa.array(clock.to_moments(lives.closed[closed])).cast(MOMENT),
            "outcome": pa.array(["lost", "won"]).take(won.astype(np.int64)),
        }
    )


def truth_table(lives: Lives, leads: pa.Table, as_of: Ints, probability: Floats) -> pa.Table:
    """lead_id, as_of and the true probability of every open lead at the reference times, int64 microseconds UTC."""
    lead, time, _ = lives.sights.T
    return pa.table(
        {
            "lead_id": leads["lead_id"].combine_chunks().take(lead),
            "as_of": pa.array(as_of[time]).cast(MOMENT),
            "probability": probability,
        }
    )
