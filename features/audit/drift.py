"""What training sees and later data do not, or the other way round."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.audit.case import Case, Found, day
from features.audit.rates import at_most
from features.audit.remedies import without_attribute, without_type
from features.contract import DAY, NEVER
from features.history import History

FACTOR = 5
"""By how much a share must fall, beyond doubt, from training to later data or back, to count as gone."""
RENAMED_WITHIN = 14 * DAY
"""A type that ends at most so long before another begins, or after, may be the same by another name."""


def find_type_drift(case: Case) -> Iterator[Found]:
    """``type_drift``: types of interactions that vanish after the training part, or appear."""
    if case.train is None:
        return
    history, end = case.history, int(case.train.as_of.max())
    kinds, later = history.type.levels, history.known_at >= end
    count = np.stack([np.bincount(history.type.codes[part], minlength=len(kinds)) for part in (~later, later)])
    vanished, appeared = _gone(count[0], count[1]), _gone(count[1], count[0])
    shares = count / np.maximum(count.sum(axis=1, keepdims=True), 1)
    for code in np.flatnonzero(vanished | appeared):
        before, after = shares[:, code]
        what = "all but vanishes" if vanished[code] else "appears"
        words = f"it {what}: {before:.2%} of interactions until {day(end)}, when training ends, {after:.2%} later"
        other = _other_name(history, int(code), appears=bool(appeared[code]))
        if other is None:
            yield Found("warning", "type_drift", "interactions", kinds[code], int(count[:, code].sum()), words, without_type(kinds[code]))
        else:
            words += f"; {kinds[other]} {'ends' if appeared[code] else 'begins'} then: is it the same by another name?"
            remedy = f'Give both one name at the source, or one signal, [signals.NAME]: types = ["{kinds[other]}", "{kinds[code]}"]'
            yield Found("warning", "type_drift", "interactions", kinds[code], int(count[:, code].sum()), words, remedy)


def find_attribute_drift(case: Case) -> Iterator[Found]:
    """``attribute_drift``: attributes of leads that are filled in training and hardly later, or the other way round."""
    if case.train is None:
        return
    end = int(case.train.as_of.max())
    later = case.history.created_at >= end
    leads = np.array([np.count_nonzero(~later), np.count_nonzero(later)])
    own = case.history.lead_attributes
    filled = {name: ~np.isnan(values) for name, values in own.numeric.items()}
    filled |= {name: column.codes >= 0 for name, column in own.categorical.items()}
    for name, there in sorted(filled.items()):
        count = np.array([[np.count_nonzero(there & ~later)], [np.count_nonzero(there & later)]])
        if _gone(count[0], count[1], leads)[0] or _gone(count[1], count[0], leads[::-1])[0]:
            before, after = count[:, 0] / leads
            words = f"it is filled for {before:.1%} of the leads until {day(end)}, when training ends, and for {after:.1%} later"
            yield Found("warning", "attribute_drift", "leads", name, int(count.sum()), words, without_attribute("leads", name))


def _gone(here: np.ndarray, there: np.ndarray, of: np.ndarray | None = None) -> np.ndarray:
    """bool[k]: whether shares are, beyond doubt, ``FACTOR`` times smaller there than here: of the sums, or of ``of[0]`` and ``of[1]``."""
    all_here, all_there = (here.sum(), there.sum()) if of is None else of
    if not all_here or not all_there:
        return np.zeros(len(here), bool)
    return np.asarray((here > 0) & (FACTOR * at_most(there, np.full(len(there), all_there)) <= here / all_here))


def _other_name(history: History, code: int, *, appears: bool) -> int | None:
    """The type that ends where this one begins, or begins where it ends, if there is one, and it is about as frequent."""
    kinds = len(history.type.levels)
    first, last = np.full(kinds, NEVER), np.full(kinds, -NEVER)
    np.minimum.at(first, history.type.codes, history.occurred_at)
    np.maximum.at(last, history.type.codes, history.occurred_at)
    count = np.bincount(history.type.codes, minlength=kinds)
    gap = np.abs(last - first[code]) if appears else np.abs(first - last[code])
    rate = count / np.maximum(last - first, 1)
    alike = np.abs(np.log(np.maximum(rate, 1e-300) / rate[code])) < np.log(3)
    near = np.flatnonzero((gap <= RENAMED_WITHIN) & alike & (np.arange(kinds) != code) & (count > 0))
    return int(near[np.argmin(gap[near])]) if len(near) else None
