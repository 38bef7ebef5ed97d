"""Two versions in every part of the leads: where the challenger is worse than another, and how sure that is.

In each part two things are compared on the same snapshots: the AUC (who comes first) and the log loss (whether the probabilities mean
what they say there), the latter as a share of the loss that knowing the part's base rate alone leaves. Standard errors come from each
lead's influence on the difference, so that the many snapshots of a lead count as one (Obuchowski 1997 for the AUC, built on the
placements of DeLong, DeLong & Clarke-Pearson 1988); they need no resampling and serve at any confidence.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from features.dataset import Dataset
from features.snapshots import Snapshots
from models.gate import SegmentDifference
from training.groups import groupings

Floats = npt.NDArray[np.float64]

FEWEST_LEADS = 20
"""So many won leads, and so many others, a part needs to be compared."""


def segment_differences(dataset: Dataset, snapshots: Snapshots, mine: Floats, other: Floats, *, probable: bool) -> list[SegmentDifference]:
    """How one version differs from another in every part that holds enough leads; above 0 is better.

    Args:
        dataset: what the snapshots are parted by, see ``training.groups``.
        snapshots: m matured ones.
        mine: the version's probabilities, float64[m], in (0, 1).
        other: the other's, or other numbers that rank the leads.
        probable: whether ``other`` are probabilities of the same meaning; then log losses are compared too.
    """
    found: list[SegmentDifference] = []
    for by, grouping in groupings(dataset, snapshots).items():
        if len(grouping.names) == 1:
            continue
        for code, value in enumerate(grouping.names):
            rows = np.flatnonzero(grouping.codes == code)
            y, lead = snapshots.label[rows], snapshots.lead[rows]
            if min(len(np.unique(lead[y == 1])), len(np.unique(lead[y == 0]))) >= FEWEST_LEADS:
                compared = _compared(y, lead, mine[rows], other[rows], probable=probable)
                found += [SegmentDifference(by, value, *one) for one in compared]
    return found


def _compared(
    y: npt.NDArray[np.int8], lead: np.ndarray, mine: Floats, other: Floats, *, probable: bool
) -> Iterator[tuple[str, float, float]]:
    """(figure, difference, standard error) of each figure."""
    members = np.unique(lead, return_inverse=True)[1]
    (auc, influence), (other_auc, other_influence) = auc_influence(y, mine), auc_influence(y, other)
    yield "AUC", auc - other_auc, _standard_error(influence - other_influence, members)
    if probable:
        gain = (_log_loss(y, other) - _log_loss(y, mine)) / _log_loss(y, np.full(len(y), y.mean())).mean()
        yield "log loss", float(gain.mean()), _standard_error((gain - gain.mean()) / len(gain), members)


def auc_influence(y: npt.NDArray[np.int8], p: Floats) -> tuple[float, Floats]:
    """The AUC, and how much each row moves it, float64[m]: (placement among the rows of the other kind - AUC) / rows of its own kind."""
    won = y == 1
    positives, negatives = int(won.sum()), int((~won).sum())
    among_all = rankdata(p)
    placement = np.empty(len(p))
    placement[won] = (among_all[won] - rankdata(p[won])) / negatives
    placement[~won] = 1 - (among_all[~won] - rankdata(p[~won])) / positives
    auc = float(placement[won].mean())
    return auc, (placement - auc) / np.where(won, positives, negatives)


def _standard_error(influence: Floats, members: npt.NDArray[np.int64]) -> float:
    by_lead = np.bincount(members, influence)
    return float(np.sqrt((by_lead**2).sum() * len(by_lead) / (len(by_lead) - 1)))


def _log_loss(y: npt.NDArray[np.int8], p: Floats) -> Floats:
    return -np.log(np.where(y == 1, p, 1 - p))
