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
MOST_ROWS = 50_000
"""Snapshots that are looked at; of more, those of a part of the leads."""
BINS = 50
_PRIOR = 10.0


def find_telling_features(case: Case) -> Iterator[Found]:
    """``telling_feature``: one column of the training matrix that parts the won from the others nearly alone."""
    if case.train is None or not case.train.won_leads > 0:
        return
    rows = _sample(case.train)
    features = fit_features(case.history, case.settings.features, case.settings.signals, int(case.train.as_of.max()))
    X = compute(features, case.history, rows.lead, rows.as_of, os.cpu_count() or 1)
    auc = np.array([_auc(X[:, i], feature.levels is not None, rows) for i, feature in enumerate(features.features)])
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
    """All snapshots, or those of a part of the leads (by Knuth's multiplicative hash)."""
    share = MOST_ROWS / max(len(train), 1)
    if share >= 1:
        return train
    return train.take(_hash(train.lead) % 1000 < 1000 * share)


def _hash(lead: np.ndarray) -> np.ndarray:
    return np.asarray((lead.astype(np.uint64) * np.uint64(2654435761) >> np.uint64(16)) % np.uint64(1 << 20))


def _auc(column: np.ndarray, categorical: bool, rows: Snapshots) -> float:  # noqa: FBT001
    """The AUC of a column alone: its values in bins, ordered by the rate of wins that the other half of the leads has in them."""
    bins = _bins(column, categorical=categorical)
    half = _hash(rows.lead) % 2 == 1
    size = int(bins.max()) + 1
    both = []
    for mine in (half, ~half):
        won, all_ = (np.bincount(bins[~mine], weight, minlength=size) for weight in (rows.label[~mine].astype(float), None))
        rate = (won + _PRIOR * rows.label.mean()) / (all_ + _PRIOR)
        order = np.unique(rate, return_inverse=True)[1][bins[mine]]
        positives = np.bincount(order[rows.label[mine] == 1], minlength=size)
        negatives = np.bincount(order[rows.label[mine] == 0], minlength=size)
        pairs = float(positives.sum()) * float(negatives.sum())
        below = np.cumsum(negatives) - negatives / 2
        both.append(float(positives @ below) / pairs if pairs else 0.5)
    return float(np.mean(both))


def _bins(column: np.ndarray, *, categorical: bool) -> np.ndarray:
    """int64[m]: 0 where it is missing, then the levels, or ``BINS`` bins of about equal count."""
    known = ~np.isnan(column)
    bins = np.zeros(len(column), np.int64)
    if categorical:
        bins[known] = column[known].astype(np.int64) + 1
    elif known.any():
        bounds = np.unique(np.quantile(column[known], np.linspace(0, 1, BINS + 1)[1:-1]))
        bins[known] = np.searchsorted(bounds, column[known], side="right") + 1
    return bins


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
