"""leadheat: its whole default catalogue."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from features.catalogue import FeatureSet, FeatureSettings
from features.compute import compute
from features.history import History, lead_positions, micros
from features.sources import Tables
from features.vocabulary import fit_features
from tests.benchmarks.contenders.windows import COUNTS
from tests.benchmarks.limits import THREADS
from tests.benchmarks.world import World

Result = tuple[FeatureSet, np.ndarray]


class Sorted(NamedTuple):
    """Histories as the kernel takes them, and what it is asked."""

    features: FeatureSet
    history: History
    lead: np.ndarray
    as_of: np.ndarray


def ready(world: World) -> Sorted:
    """Sort and number everything."""
    history = History.from_tables(tables(world), threads=THREADS)
    features = fit_features(history, FeatureSettings(), {})
    lead = lead_positions(world.snapshots["lead_id"], world.leads["lead_id"], THREADS)
    return Sorted(features, history, lead, micros(world.snapshots["as_of"]))


def kernel_alone(given: Sorted) -> Result:
    """float32[snapshots, F] from sorted histories."""
    return given.features, compute(*given, THREADS)


def whole_catalogue(world: World) -> Result:
    """The same from the unsorted tables."""
    return kernel_alone(ready(world))


def tables(world: World) -> Tables:
    """As ``features.sources`` hands them on, without outcomes."""
    return Tables(world.interactions, world.leads, world.interactions.slice(0, 0), 0, (), "")


def counts(result: Result) -> np.ndarray:
    """Its counts, int64[snapshots, 24]."""
    features, X = result
    return X[:, [features.column(name) for name in COUNTS]].astype(np.int64)


def columns(result: Result) -> int:
    """How many there are."""
    return int(result[1].shape[1])
