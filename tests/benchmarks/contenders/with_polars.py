"""Polars, in three ways. All begin with the Arrow tables; the results are Polars' own frames and nothing is converted on the clock."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from features.contract import DAY
from tests.benchmarks.contenders.windows import COUNTS, LONGEST, STRIDE
from tests.benchmarks.world import KINDS, WINDOW_DAYS, World


def streaming_join(world: World) -> pl.DataFrame:
    """The definition as a query: join on the lead, filter, group, count."""
    interactions, snapshots = _lazy(world)
    age = pl.col("as_of") - pl.col("occurred_at")
    pairs = snapshots.join(interactions, on="lead_id").with_columns(age=age).filter(pl.col("age") > 0, pl.col("age") <= LONGEST)
    return _per_snapshot(snapshots, pairs, pl.col("type"), dict(zip(KINDS, KINDS, strict=True)))


def sorted_join(world: World) -> pl.DataFrame:
    """The same with leads and types as numbers and both sides sorted by lead first, which lets Polars merge."""
    interactions, snapshots = _numbered(*_lazy(world))
    interactions, snapshots = (side.sort("lead").with_columns(pl.col("lead").set_sorted()) for side in (interactions, snapshots))
    age = pl.col("as_of") - pl.col("occurred_at")
    pairs = snapshots.join(interactions, on="lead", maintain_order="left").with_columns(age=age)
    pairs = pairs.filter(pl.col("age") > 0, pl.col("age") <= LONGEST)
    return _per_snapshot(snapshots, pairs, pl.col("type"), {kind: code for code, kind in enumerate(KINDS)})


def running_counts(world: World) -> pl.DataFrame:
    """No join: running counts over all sorted interactions, looked up at both ends of every window, eagerly."""
    interactions, snapshots = _numbered(*_lazy(world))
    steps = [(pl.col("type") == code).cast(pl.Int32).cum_sum().alias(kind) for code, kind in enumerate(KINDS)]
    ordered = interactions.select("type", place=_place("occurred_at")).sort("place").select("place", *steps).collect()
    looks = snapshots.sort("row").select("lead", "as_of").collect()
    nothing = pl.DataFrame({kind: [0] for kind in KINDS}, schema=dict.fromkeys(KINDS, pl.Int32))
    running = pl.concat([nothing, ordered.select(KINDS)])

    def before(days: int) -> pl.DataFrame:
        bound = looks.select(_place("as_of", days * DAY)).to_series()
        return running[ordered["place"].search_sorted(bound, side="left")]

    now = before(0)
    columns = [
        (now[kind] - then[kind]).alias(f"count({kind}, {days}d)") for days in WINDOW_DAYS for then in [before(days)] for kind in KINDS
    ]
    return pl.DataFrame(columns).select(COUNTS)


def _lazy(world: World) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    interactions = pl.from_arrow(world.interactions.select(["lead_id", "occurred_at", "type"]))
    snapshots = pl.from_arrow(world.snapshots)
    assert isinstance(interactions, pl.DataFrame)
    assert isinstance(snapshots, pl.DataFrame)
    plain = pl.col("occurred_at").to_physical()
    return interactions.lazy().with_columns(plain), snapshots.lazy().with_columns(pl.col("as_of").to_physical()).with_row_index("row")


def _numbered(interactions: pl.LazyFrame, snapshots: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """``lead`` and ``type`` as numbers."""
    leads = interactions.select("lead_id").unique().with_row_index("lead").collect(engine="streaming").lazy()
    kind = pl.col("type").cast(pl.Enum(KINDS)).to_physical()
    rows = interactions.join(leads, on="lead_id").select("lead", "occurred_at", kind)
    return rows, snapshots.join(leads, on="lead_id", how="left").select("row", "lead", "as_of")


def _per_snapshot(snapshots: pl.LazyFrame, pairs: pl.LazyFrame, kind: pl.Expr, codes: dict[str, Any]) -> pl.DataFrame:
    """Count the pairs of each snapshot; one without pairs has zeros."""
    counts = [
        ((kind == code) & (pl.col("age") <= days * DAY)).sum().alias(f"count({name}, {days}d)")
        for name, code in codes.items()
        for days in WINDOW_DAYS
    ]
    counted = pairs.group_by("row").agg(counts)
    return snapshots.select("row").join(counted, on="row", how="left").fill_null(0).sort("row").drop("row").collect(engine="streaming")


def _place(moment: str, earlier: int = 0) -> pl.Expr:
    return pl.col("lead").cast(pl.Int64) * STRIDE + (pl.col(moment) - earlier).clip(lower_bound=0)


def counts(result: pl.DataFrame) -> np.ndarray:
    """Its counts, int64[snapshots, 24]."""
    return result.select(COUNTS).to_numpy().astype(np.int64)


def columns(result: pl.DataFrame) -> int:
    """How many there are."""
    return result.width
