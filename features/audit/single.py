"""Single columns of the feature matrix that are too good to be true."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from features.audit.case import Case, Found, Remedy
from features.audit.rates import Z
from features.audit.remedies import without_attribute
from features.catalogue import Feature, FeatureSet
from features.compute import compute
from features.contract import Severity
from features.snapshots import Snapshots
from features.vocabulary import fit_features

SUSPICIOUS = 0.85
"""An AUC beyond it, beyond doubt, is more than one honest column reaches."""
AHEAD = 1.5
"""How many times further from chance than the best column of any other signal it must be to stop a training."""
MOST_ROWS = 20_000
"""Snapshots that are looked at; of more, those of a part of the leads."""
BINS = 50
_QUANTILE_ROWS = 2_000
_PRIOR = 10.0
_HASHES = 1 << 20


def find_telling_features(case: Case) -> Iterator[Found]:
    """``telling_feature``: one column of the training matrix that parts the won from the others nearly alone."""
    if case.train is None or not case.train.won_leads > 0:
        return
    rows = _sample(case.train)
    features = fit_features(case.history, case.settings.features, case.settings.signals, int(case.train.as_of.max()))
    X = compute(features, case.history, rows.lead, rows.as_of, os.cpu_count() or 1)
    half = (_hash(rows.lead) % 2).astype(np.int64)
    levels = (feature.levels for feature in features.features)
    auc = np.array([_auc(_bins(column, categorical=known is not None), rows, half) for column, known in zip(X.T, levels, strict=True)])
    best = {name: max(_columns_of(features, name), key=lambda column: auc[column]) for name in _signals(features)}
    for name, column in best.items():
        rest = max((auc[other] for signal, other in best.items() if signal != name), default=0.5)
        sure = auc[column] - Z * _standard_error(auc[column], rows)
        if sure > SUSPICIOUS:
            severity: Severity = "error" if sure - 0.5 >= AHEAD * (rest - 0.5) else "warning"
            feature = features.features[column]
            table, where, remedy = _place(feature)
            words = f"{feature.name} alone reaches an AUC of {auc[column]:.3f}; the best column of any other signal {rest:.3f}"
            yield Found(severity, "telling_feature", table, where, len(rows), words, remedy)


def _sample(train: Snapshots) -> Snapshots:
    """All snapshots, or those of a part of the leads."""
    share = MOST_ROWS / len(train)
    return train if share >= 1 else train.take(_hash(train.lead) < share * _HASHES)


def _hash(lead: np.ndarray) -> np.ndarray:
    """uint64[m] below ``_HASHES``: a fixed shuffle of lead numbers (Knuth's multiplicative hash)."""
    return np.asarray((lead.astype(np.uint64) * np.uint64(2654435761) >> np.uint64(12)) % np.uint64(_HASHES))


def _auc(bins: np.ndarray, rows: Snapshots, half: np.ndarray) -> float:
    """The AUC of a column alone: its values in bins, int64[m], ordered by the rate of wins that the other half of the leads has in them."""
    size = int(bins.max(initial=0)) + 1
    count = np.bincount(bins + size * (half + 2 * rows.label), minlength=4 * size).reshape(2, 2, size)
    auc = []
    for mine in (0, 1):
        lost, won = count[:, 1 - mine]
        rate = (won + _PRIOR * rows.label.mean()) / (won + lost + _PRIOR)
        order = np.unique(rate, return_inverse=True)[1]
        negatives, positives = (np.bincount(order, one, minlength=size) for one in count[:, mine])
        pairs = negatives.sum() * positives.sum()
        auc.append(positives @ (np.cumsum(negatives) - negatives / 2) / pairs if pairs else 0.5)
    return float(np.mean(auc))


def _bins(column: np.ndarray, *, categorical: bool) -> np.ndarray:
    """int64[m]: 0 where it is missing, then the levels, or ``BINS`` bins of about equal count."""
    missing = np.isnan(column)
    if categorical:
        return np.where(missing, -1, column).astype(np.int64) + 1
    some = np.sort(column[~missing][:: max(len(column) // _QUANTILE_ROWS, 1)])
    bounds = np.unique(some[np.linspace(0, len(some), BINS, endpoint=False)[1:].astype(int)]) if len(some) else some
    return np.where(missing, 0, np.searchsorted(bounds, column, side="right") + 1)


def _standard_error(auc: float, rows: Snapshots) -> float:
    """Of an AUC with so many won and other leads (Hanley & McNeil 1982); a lead counts once however often it was looked at."""
    won = max(rows.won_leads, 1)
    others = max(len(np.unique(rows.lead)) - won, 1)
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    return float(np.sqrt((auc * (1 - auc) + (won - 1) * (one - auc**2) + (others - 1) * (two - auc**2)) / (won * others)))


def _signals(features: FeatureSet) -> list[str]:
    return list(dict.fromkeys(feature.signal for feature in features.features))


def _columns_of(features: FeatureSet, signal: str) -> list[int]:
    return [i for i, feature in enumerate(features.features) if feature.signal == signal]


def _place(feature: Feature) -> tuple[str, str, Remedy | str]:
    """The table and the column of the data that a feature comes from, and what to do."""
    if feature.measure == "lead":
        return "leads", feature.attribute, without_attribute("leads", feature.attribute)
    if feature.attribute:
        return "interactions", feature.attribute, without_attribute("interactions", feature.attribute)
    hint = f"Look at when the interactions behind {feature.signal!r} are recorded; what is the outcome itself belongs into exclude_types."
    return "interactions", feature.group or feature.name, hint
