"""A small world that is monitored: logs as a model would have written them, and what may befall the world afterwards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from features.columns import Categorical
from features.contract import DAY
from features.dataset import Dataset, Outcomes
from features.snapshots import Snapshots
from models.monitoring import MonitorSettings
from models.scorer import LeadScorer
from tests.small_world import SmallWorld
from training.monitoring import Monitoring, monitor, rescore

DEFAULTS = MonitorSettings()


def watch(dataset: Dataset, log: pa.Table, *scorers: LeadScorer, settings: MonitorSettings = DEFAULTS) -> Monitoring:
    """Monitor with these models."""
    return monitor(dataset, log, {scorer.fingerprint: scorer for scorer in scorers}, settings)


def logged(world: SmallWorld, dataset: Dataset | None = None, scorer: LeadScorer | None = None, version: str = "1") -> pa.Table:
    """The log of scores at the test snapshots."""
    table = rescore(replace(scorer or world.scorer, version=version), dataset or world.dataset, world.parts.test)
    return with_column(table, "source", pa.repeat("batch", len(table)))


def with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), table.schema.field(name), values)


def codes(result: Monitoring, severity: str = "error") -> set[str]:
    return {alert.code for alert in result.alerts if alert.severity == severity}


def with_history(dataset: Dataset, **changes: object) -> Dataset:
    return replace(dataset, history=replace(dataset.history, **changes))  # type: ignore[arg-type]


def renamed(dataset: Dataset, *kinds: str) -> Dataset:
    """The same data after somebody renamed types of interactions."""
    names = [f"new {level}" if level in kinds else level for level in dataset.history.type.levels]
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.argsort(order).astype(np.int32)
    return with_history(dataset, type=Categorical(rank[dataset.history.type.codes], tuple(names[i] for i in order)))


def with_employees(dataset: Dataset, factor: float) -> Dataset:
    """The same data with the size of the companies in another unit, or unknown."""
    attributes = dataset.history.lead_attributes
    numeric = attributes.numeric | {"employees": attributes.numeric["employees"] * factor}
    return with_history(dataset, lead_attributes=replace(attributes, numeric=numeric))


def with_wins(dataset: Dataset, snapshots: Snapshots, share: float) -> Dataset:
    """The same data, in which all is different that was won: a lead is won a day after this share of the looks at it, again and again."""
    some = np.random.default_rng(1).random(len(snapshots)) < share
    ids = pa.chunked_array([dataset.history.lead_ids.take(pa.array(snapshots.lead[some]))])
    moments = pa.array(snapshots.as_of[some] + DAY).cast(pa.timestamp("us", "UTC"))
    table = pa.table({"lead_id": ids, "closed_at": moments, "won": np.ones(len(moments), bool)})
    return replace(dataset, outcomes=Outcomes.from_table(table, dataset.history.lead_ids, repeatable=True))
