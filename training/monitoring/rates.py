"""Expected against actual: of all matured rows, by band, by segment, of worked and not worked, of explored leads and the others."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

import numpy as np

from features.contract import SettingsError
from features.dataset import Dataset
from features.sorting import first_at_or_after
from models.intervals import effective_rows, wilson
from models.monitoring import WorkedSettings
from models.scorer import LeadScorer
from models.temperature import NAMES
from training.groups import groupings
from training.monitoring.joined import Joined
from training.monitoring.report import BandRate, Rate

_FALSE = frozenset({"0", "no", "false", "n"})


def rate_of(name: str, rows: Joined) -> Rate:
    """The rate of matured rows."""
    if not len(rows):
        return Rate(name, 0, 0, 0, None, None, None, None)
    rate = float(rows.label.mean())
    low, high = wilson(rate, effective_rows(rows.label, rows.lead)[-1])
    expected = None if np.isnan(rows.probability).any() else float(rows.probability.mean())
    return Rate(name, len(rows), len(np.unique(rows.lead)), int(rows.label.sum()), expected, rate, float(low), float(high))


def interval(rows: Joined, z: float) -> tuple[float, float]:
    """The bounds of the actual rate at the normal quantile z."""
    low, high = wilson(float(rows.label.mean()), effective_rows(rows.label, rows.lead)[-1], z)
    return float(low), float(high)


def bands_of(scorer: LeadScorer | None, judged: Joined) -> tuple[BandRate, ...]:
    """Cold, warm and hot, beside what the model states of them."""
    return tuple(_band(code, scorer, judged) for code in range(len(NAMES)))


def _band(code: int, scorer: LeadScorer | None, judged: Joined) -> BandRate:
    stated = scorer.bands.bands[code] if scorer and scorer.bands else None
    rows = judged.take(judged.temperature == code)
    actual = rate_of(NAMES[code], rows.matured)
    inside = None
    if stated and stated.rate_low is not None and stated.rate_high is not None and actual.rate is not None:
        inside = stated.rate_low <= actual.rate <= stated.rate_high
    return BandRate(
        **{name: getattr(actual, name) for name in Rate.__slots__},
        stated=None if stated is None else stated.rate,
        stated_low=None if stated is None else stated.rate_low,
        stated_high=None if stated is None else stated.rate_high,
        inside=inside,
        share=len(rows) / len(judged) if len(judged) else None,
        stated_share=None if stated is None else stated.share,
    )


def segments_of(dataset: Dataset, matured: Joined) -> Iterator[tuple[Rate, Joined]]:
    """Every group of every way to part the rows that has more than one group, named ``industry: trade``."""
    if not len(matured):
        return
    for by, grouping in groupings(dataset, matured.snapshots).items():
        for code, name in enumerate(grouping.names if len(grouping.names) > 1 else ()):
            rows = matured.take(grouping.codes == code)
            yield rate_of(f"{by}: {name}", rows), rows


def worked_of(dataset: Dataset, settings: WorkedSettings | None, matured: Joined, horizon: int) -> tuple[Rate, ...]:
    """By band: the leads that sales worked after they were scored, and the others."""
    if settings is None or not len(matured):
        return ()
    worked = worked_rows(dataset, settings, matured, horizon)
    return tuple(_by_band(matured, {"worked": worked, "not worked": ~worked}))


def worked_rows(dataset: Dataset, settings: WorkedSettings, rows: Joined, horizon: int) -> np.ndarray:
    """bool[m]: whether each row's lead was worked.

    Raises:
        SettingsError: the data set has no such attribute.
    """
    if settings.attribute is not None:
        stated: np.ndarray = _stated(dataset, settings.attribute)[rows.lead]
        return stated
    history = dataset.history
    kinds = [code for code, kind in enumerate(history.type.levels) if any(fnmatchcase(kind, pattern) for pattern in settings.types)]
    touches = np.flatnonzero(np.isin(history.type.codes, kinds))
    start = np.searchsorted(touches, history.start)
    moments = history.occurred_at[touches]
    first = first_at_or_after(start, moments, rows.lead, rows.as_of)
    some = first < start[rows.lead + 1]
    within = settings.within or horizon
    worked: np.ndarray = some & (np.append(moments, 0)[np.where(some, first, len(moments))] < rows.as_of + within)
    return worked


def _stated(dataset: Dataset, attribute: str) -> np.ndarray:
    """bool[L]: whether the attribute says yes."""
    attributes = dataset.history.lead_attributes
    if attribute in attributes.numeric:
        return np.asarray(np.nan_to_num(attributes.numeric[attribute]) != 0)
    if attribute not in attributes.categorical:
        known = ", ".join(sorted({*attributes.numeric, *attributes.categorical})) or "none"
        raise SettingsError(f"[monitor] worked: leads have no attribute {attribute!r}.", f"There are: {known}.")
    column = attributes.categorical[attribute]
    yes = np.array([level.lower() not in _FALSE for level in column.levels] + [False])
    stated: np.ndarray = yes[column.codes]
    return stated


def explored_of(matured: Joined) -> tuple[Rate, ...]:
    """By band, cold and warm: the explored leads and the others; nothing where none was explored."""
    explored = matured.flags("explored")
    return tuple(_by_band(matured, {"explored": explored, "others": ~explored}, NAMES[:2])) if explored.any() else ()


def _by_band(matured: Joined, groups: dict[str, np.ndarray], bands: tuple[str, ...] = NAMES) -> Iterator[Rate]:
    for code, band in enumerate(bands):
        for name, rows in groups.items():
            yield rate_of(f"{band}, {name}", matured.take(rows & (matured.temperature == code)))
