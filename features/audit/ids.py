"""Ids of leads that tell what became of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.audit.case import Case, Found
from features.audit.ranks import average_ranks
from features.audit.rates import Z

TELLING = 0.15
"""How far from 0.5, beyond doubt, the AUC of the ids must lie among leads of the same time."""


def find_telling_ids(case: Case) -> Iterator[Found]:
    """``telling_ids``: among leads that were created at the same time, the order of the ids parts the won from the others."""
    rows = np.flatnonzero(case.decided)
    order, won, stratum = _order(case.history.lead_ids)[rows], case.won[rows], case.stratum[rows]
    auc, doubt = _stratified_auc(order, won, stratum)
    if abs(auc - 0.5) - Z * doubt > TELLING:
        words = (
            f"among leads created at the same time, winners have the {'lower' if auc < 0.5 else 'higher'} ids (AUC {max(auc, 1 - auc):.3f})"
        )
        remedy = (
            "No feature reads ids, but these were given when the outcome was known: are creation and attributes from then, too? "
            "Take the ids that leads had when they came."
        )
        yield Found("warning", "telling_ids", "leads", "lead_id", int(np.count_nonzero(won)), words, remedy)


def _order(ids: pa.Array) -> np.ndarray:
    """float64[L]: the number that an id ends with, where nearly all end with one; else its place in alphabetical order."""
    digits = pc.struct_field(pc.extract_regex(ids, r"(?P<number>\d{1,15})$"), "number")
    if len(ids) and digits.null_count <= 0.05 * len(ids):
        return np.asarray(digits.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False))
    place = np.empty(len(ids))
    place[pc.sort_indices(ids).to_numpy()] = np.arange(len(ids))
    return place


def _stratified_auc(values: np.ndarray, won: np.ndarray, stratum: np.ndarray) -> tuple[float, float]:
    """The AUC over pairs of one stratum, and its standard error if the values tell nothing (van Elteren 1960); 0.5 without a pair."""
    wins = pairs = spread = 0.0
    for one in np.unique(stratum):
        mine = stratum == one
        positives = int(np.count_nonzero(won[mine]))
        negatives = int(np.count_nonzero(mine)) - positives
        if positives and negatives:
            ranks = average_ranks(values[mine])
            wins += float(ranks[won[mine]].sum()) - positives * (positives + 1) / 2
            pairs += positives * negatives
            spread += positives * negatives * (positives + negatives + 1) / 12
    return (wins / pairs, np.sqrt(spread) / pairs) if pairs else (0.5, 0.0)
