"""Reading what can be learnt from within a budget of memory: all leads of a data set, or as many as fit.

All rows are read and checked either way, bucket by bucket where they are too many at once. Which bucket a lead is in is decided by a hash
of its id, so that whole buckets are a random sample of the leads, and the same one each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from features.buckets.buckets import Buckets, in_buckets
from features.buckets.budget import buckets_for
from features.contract import Finding, LeadheatError
from features.data_settings import TABLES
from features.dataset import Dataset
from features.notes import merged
from features.sources import Tables, read_tables
from models.feature_set import fit_feature_set
from models.home import cache
from models.settings import Settings, Source
from training.split import looks

FEWEST = 64
"""Buckets at least, so that not much room is left over."""
_COPIES = 4
"""How often the rows are in memory at once: as they came, as histories, sorted, and in the audit."""
_CELL = 14
"""Bytes that a feature of a snapshot takes while a model is learnt: three copies of float32 for the parts, and LightGBM's bins."""

LIBRARIES = 1000 << 20
"""What a training takes before there are any data, in bytes: MLflow, scikit-learn and LightGBM."""

Need = Callable[[Dataset, Tables, Settings], int]


@dataclass(frozen=True, eq=False)
class Within:
    """What was read: a data set; and of all leads, also those that do not fit, the ``rows`` of each table and how many were ``won``."""

    dataset: Dataset
    rows: dict[str, int]
    won: int


def room_in(budget: int) -> int:
    """Bytes that are left for data."""
    return max(budget - LIBRARIES, budget // 8)


def to_check(_dataset: Dataset, tables: Tables, _settings: Settings) -> int:
    """Bytes that the audit needs beside the libraries, about."""
    return _COPIES * sum(int(getattr(tables, name).nbytes) for name in TABLES)


def to_learn(dataset: Dataset, tables: Tables, settings: Settings) -> int:
    """Bytes that a training needs beside the libraries, about."""
    try:
        snapshots = len(looks(dataset, settings.snapshots).matured)
        features = fit_feature_set(dataset.history, settings.scoring, excluded=settings.data.exclude_types, consent=settings.data.consent)
    except LeadheatError:  # which the training will tell in its own words
        return to_check(dataset, tables, settings)
    return to_check(dataset, tables, settings) + snapshots * len(features.names) * _CELL


def read_within(source: Source, budget: int, need: Need) -> Within:
    """A data set, or a sample of its leads that keeps the work within a budget; then an info finding says so.

    Args:
        source: the settings.
        budget: bytes.
        need: says what the work on so much data takes.

    Raises:
        DataError: as for ``read_tables``.
        LeadheatError: the disk of the cache is full, or fails.
    """
    data, room = source.settings.data, room_in(budget)
    count = buckets_for(data, source.root, budget)
    if count == 1:
        tables = read_tables(data, source.root)
        dataset = _dataset(tables, source.settings)
        if need(dataset, tables, source.settings) <= room:
            rows = {name: len(getattr(tables, name)) for name in TABLES}
            return Within(dataset, rows, int(np.count_nonzero(tables.outcomes["won"])))
        del dataset, tables
    with in_buckets(data, source.root, max(count, FEWEST), cache()) as buckets:
        taken, notes = _fitting(buckets, room, need, source.settings), merged(buckets.notes)
        return Within(_sample(buckets, taken, notes.taken["leads"], source.settings), notes.taken, notes.won)


def _fitting(buckets: Buckets, room: int, need: Need, settings: Settings) -> int:
    """How many buckets, from the first on, can be worked on in so many bytes, to judge by the one with the most leads and by their rows."""
    rows = np.array([[one.taken.get(name, 0) for name in ("leads", "interactions")] for one in buckets.notes], float)
    fullest = int(rows[:, 0].argmax())
    tables = buckets.tables(fullest)
    needed = need(_dataset(tables, settings), tables, settings) * (rows / rows[fullest].clip(min=1)).max(axis=1)
    first = int(rows[:, 0].astype(bool).argmax())
    return max(int(np.searchsorted(np.cumsum(needed), room, side="right")), first + 1)


def _sample(buckets: Buckets, taken: int, leads: int, settings: Settings) -> Dataset:
    parts = [buckets.tables(number) for number in range(taken)]
    joined = replace(buckets.whole, **{name: pa.concat_tables([getattr(one, name) for one in parts]) for name in TABLES})
    dataset = _dataset(joined, settings)
    if taken == len(buckets):
        return dataset
    share = len(joined.leads) / leads
    detail = f"{share:.1%} of the leads fit into --memory ({taken} of {len(buckets)} parts by a hash of their ids); all rows were checked"
    hint = "Audit and training see a random sample; give more memory to see more."
    sampled = Finding("info", "sampled", "leads", "", len(joined.leads), detail, hint)
    findings = (*buckets.whole.findings, sampled, *buckets.consent.findings)
    return replace(dataset, share=share, notes=buckets.consent, findings=findings)


def _dataset(tables: Tables, settings: Settings) -> Dataset:
    data = settings.data
    return Dataset.from_tables(data.name, tables, repeatable=data.repeatable, consent=data.consent)
