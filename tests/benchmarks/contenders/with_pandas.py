"""pandas, as who knows it well writes it: leads and types as numbers, no loop over groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from features.contract import DAY
from tests.benchmarks.contenders.windows import COUNTS, LONGEST
from tests.benchmarks.world import KINDS, WINDOW_DAYS, World


def merge_asof(world: World) -> pd.DataFrame:
    """Running counts per lead, looked up at both ends of every window."""
    interactions, snapshots = _frames(world)
    interactions = interactions.sort_values("occurred_at", kind="stable")
    ones = pd.DataFrame({kind: (interactions["type"] == code).astype(np.int32) for code, kind in enumerate(KINDS)})
    running = (
        ones.groupby(interactions["lead"], sort=False).cumsum().assign(lead=interactions["lead"], occurred_at=interactions["occurred_at"])
    )
    looks = snapshots.sort_values("as_of", kind="stable")

    def before(days: int) -> pd.DataFrame:
        ends = pd.DataFrame({"lead": looks["lead"].to_numpy(), "end": looks["as_of"].to_numpy() - days * DAY})
        found = pd.merge_asof(ends, running, left_on="end", right_on="occurred_at", by="lead", allow_exact_matches=False)
        return found[list(KINDS)].fillna(0)

    now = before(0)
    columns: dict[str, pd.Series[int]] = {}
    for days in WINDOW_DAYS:
        inside = now - before(days)
        columns |= {f"count({kind}, {days}d)": inside[kind] for kind in KINDS}
    return pd.DataFrame(columns).set_index(looks.index).sort_index()[COUNTS]


def merge_and_filter(world: World) -> pd.DataFrame:
    """All pairs of a snapshot and an interaction of its lead, filtered and counted."""
    interactions, snapshots = _frames(world)
    pairs = snapshots.rename_axis("number").reset_index().merge(interactions, on="lead")
    age = pairs["as_of"] - pairs["occurred_at"]
    pairs = pairs.assign(age=age)[(age > 0) & (age <= LONGEST)]
    window = np.searchsorted(np.array(WINDOW_DAYS) * DAY, pairs["age"])
    cell = (pairs["number"] * len(KINDS) + pairs["type"]) * len(WINDOW_DAYS) + window
    counted = np.bincount(cell, minlength=len(snapshots) * len(COUNTS)).reshape(-1, len(KINDS), len(WINDOW_DAYS))
    return pd.DataFrame(counted.cumsum(axis=2).reshape(-1, len(COUNTS)), columns=COUNTS)


def counts(result: pd.DataFrame) -> np.ndarray:
    """Its counts, int64[snapshots, 24]."""
    return np.asarray(result, np.int64)


def columns(result: pd.DataFrame) -> int:
    """How many there are."""
    return int(result.shape[1])


def _frames(world: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Interactions (lead, occurred_at, type) and snapshots (lead, as_of) in numbers."""
    leads = pd.Index(world.leads["lead_id"].to_pandas())
    interactions, snapshots = world.interactions, world.snapshots
    return (
        pd.DataFrame(
            {
                "lead": leads.get_indexer(interactions["lead_id"].to_pandas()),
                "occurred_at": interactions["occurred_at"].cast(pa.int64()).to_numpy(),
                "type": pd.Categorical(interactions["type"].to_pandas(), categories=KINDS).codes,
            }
        ),
        pd.DataFrame(
            {"lead": leads.get_indexer(snapshots["lead_id"].to_pandas()), "as_of": snapshots["as_of"].cast(pa.int64()).to_numpy()}
        ),
    )
