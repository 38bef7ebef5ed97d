"""Reading what can be learnt from within a budget of memory: all leads of a data set, or as many as fit.

All rows are read and checked either way, bucket by bucket where they are too many at once. Which bucket a lead is in is decided by a hash
of its id, so that whole buckets are a random sample of the leads, and the same one each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import pyarrow as pa

from features.buckets.buckets import Buckets, in_buckets
from features.buckets.budget import buckets_for
from features.contract import DataError, Finding, LeadheatError
from features.dataset import Dataset
from features.sources import Tables, read_tables
from models.feature_set import fit_feature_set
from models.home import cache
from models.settings import Settings, Source
from training.split import looks

FEWEST = 64
"""Buckets at least, so that not much room is left over."""
_TABLES = 4
"""How often the rows are in memory at once: as they came, as histories, sorted, and in the audit."""
_CELL = 14
"""Bytes that a feature of a snapshot takes while a model is learnt: three copies of float32 for the parts, and LightGBM's bins."""

LIBRARIES = 1000 << 20
"""What a training takes before there are any data, in bytes: MLflow, scikit-learn and LightGBM."""

Need = Callable[[Dataset, Tables, Settings], int]


@dataclass(frozen=True, eq=False)
class Within:
    """What was read: a data set and its tables; of all leads, also those that do not fit, the ``rows`` of each table and who ``won``."""

    dataset: Dataset
    tables: Tables
    rows: dict[str, int]
    won: int


def room_in(budget: int) -> int:
    """Bytes that are left for data."""
    return max(budget - LIBRARIES, budget // 8)


def to_check(_dataset: Dataset, tables: Tables, _settings: Settings) -> int:
    """Bytes that the audit needs beside the libraries, about."""
    return _TABLES * sum(int(table.nbytes) for table in (tables.interactions, tables.leads, tables.outcomes))


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
        needed = need(dataset, tables, source.settings)
        if needed <= room:
            return Within(dataset, tables, _rows(tables), _won(tables))
        del dataset, tables
    with in_buckets(data, source.root, max(count, FEWEST), cache()) as buckets:
        if count > 1:
            first = buckets.tables(0)
            needed = need(_dataset(first, source.settings), first, source.settings) * len(buckets)
        return _sample(buckets, min(max(room * len(buckets) // needed, 1), len(buckets)), source.settings)


def _sample(buckets: Buckets, taken: int, settings: Settings) -> Within:
    parts = [buckets.tables(number) for number in range(taken)]
    joined = {name: pa.concat_tables([getattr(one, name) for one in parts]) for name in ("interactions", "leads", "outcomes")}
    counted = Counter[str]()
    for tables in (*parts, *map(buckets.tables, range(taken, len(buckets)))):
        counted.update(_rows(tables), won=_won(tables))
    rows = {name: counted[name] for name in joined}
    share = len(joined["leads"]) / max(rows["leads"], 1)
    tables = replace(buckets.whole, **joined)
    if taken < len(buckets):
        detail = (
            f"{share:.1%} of the leads fit into --memory ({taken} of {len(buckets)} parts by a hash of their ids); all rows were checked"
        )
        hint = "Audit and training see a random sample; give more memory to see more."
        sampled = Finding("info", "sampled", "leads", "", len(joined["leads"]), detail, hint)
        tables = replace(tables, findings=(*tables.findings, sampled))
    return Within(replace(_dataset(tables, settings), share=share if taken < len(buckets) else 1.0), tables, rows, counted["won"])


def _rows(tables: Tables) -> dict[str, int]:
    return {name: len(getattr(tables, name)) for name in ("interactions", "leads", "outcomes")}


def _won(tables: Tables) -> int:
    return int(tables.outcomes["won"].to_numpy().sum())


def _dataset(tables: Tables, settings: Settings) -> Dataset:
    data = settings.data
    if not len(tables.leads):
        raise DataError("No lead falls into the part that fits into --memory.", "Give more memory.")
    return Dataset.from_tables(data.name, tables, repeatable=data.repeatable, consent=data.consent)
