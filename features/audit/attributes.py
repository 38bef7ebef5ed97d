"""Attributes of leads that are known only when the outcome is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features.audit.case import Case, Found
from features.audit.ranks import rank_correlation
from features.audit.rates import Tally, Z
from features.audit.remedies import without_attribute
from features.audit.types import CLOSES, WON
from features.contract import DAY, HOUR, MINUTE, UNKNOWN_TIME

FEW_VALUES = 20
"""A number with at most so many different values is looked at value by value, like a category."""
MOVES_WITH = 0.8
"""A rank correlation beyond it, beyond doubt, with what only the end of a lead tells."""
MOST_LOST = 0.5
"""An attribute that only lost leads have is no mere segment of leads when it covers more than this share of them."""
_UNITS = {"seconds": 1_000_000, "minutes": MINUTE, "hours": HOUR, "days": DAY}


def find_outcome_attributes(case: Case) -> Iterator[Found]:
    """``winner_attribute``, ``closed_attribute`` and ``telling_value``: there, or of one value, only where the outcome is known."""
    own = case.history.lead_attributes
    for name, column in own.categorical.items():
        yield from _outcome_attribute(_Attribute(case, name, column.codes, column.levels))
    for name, values in own.numeric.items():
        yield from _outcome_attribute(_Attribute(case, name, *_few_values(values)))


def find_later_attributes(case: Case) -> Iterator[Found]:
    """``later_attribute``: a number that moves with the time until closing, or with how many interactions there were in the end."""
    closed_at = case.dataset.outcomes.closed_at
    rows = np.flatnonzero(case.closed & (case.history.created_at != UNKNOWN_TIME))
    wait = closed_at[rows] - case.history.created_at[rows]
    number = np.diff(case.history.start)[rows]
    for name, values in case.history.lead_attributes.numeric.items():
        for what, end in (("the time until closing", wait), ("the number of interactions in the end", number)):
            known = ~np.isnan(values[rows])
            rank = _moves_with(values[rows][known], end[known])
            if rank is not None:
                same = _equality(values[rows][known], wait[known]) if end is wait else ""
                words = f"it moves with {what} (rank correlation {rank:+.2f}, {np.count_nonzero(known):,} closed leads){same}"
                remedy = without_attribute("leads", name)
                yield Found("error", "later_attribute", "leads", name, int(np.count_nonzero(known)), words, remedy)
                break


@dataclass(frozen=True, eq=False)
class _Attribute:
    """An attribute of leads as codes of values: int[L], -1 where it is missing; ``len(values)`` where it is a value without a name."""

    case: Case
    name: str
    codes: np.ndarray
    values: tuple[str, ...]

    def won(self, codes: np.ndarray) -> Tally:
        """Leads that were won, of those that are closed or were observed for a horizon at least."""
        return self._tally(codes, self.case.won, self.case.decided)

    def closed(self, codes: np.ndarray) -> Tally:
        """Leads that are closed, of all."""
        return self._tally(codes, self.case.closed, np.ones(len(codes), bool))

    def _tally(self, codes: np.ndarray, fate: np.ndarray, leads: np.ndarray) -> Tally:
        stratum = self.case.stratum
        return Tally.of_strata(codes[leads], fate[leads], stratum[leads], len(self.values) + 1)

    def found(self, code: str, words: str, count: int) -> Found:
        """An error of this attribute, which is mended by leaving it out."""
        return Found("error", code, "leads", self.name, int(count), words, without_attribute("leads", self.name))


def _outcome_attribute(one: _Attribute) -> Iterator[Found]:
    there = np.where(one.codes >= 0, 0, -1)
    won, closed = one.won(there), one.closed(there)
    if won.all_but_always(WON)[0]:
        words = f"{won.words(0)} leads that have it were won; of leads of the same time {won.expectation(0)}"
        yield one.found("winner_attribute", words, won.of[0])
    elif closed.all_but_always(CLOSES)[0]:
        words = f"{closed.words(0)} leads that have it are closed; of leads of the same time {closed.expectation(0)}"
        yield one.found("closed_attribute", words, closed.of[0])
    elif won.all_but_never()[0] and _covers_most_lost(one):
        words = f"only {won.words(0)} leads that have it were won; of leads of the same time {won.expectation(0)}"
        yield one.found("closed_attribute", words, won.of[0])
    else:
        yield from _telling_values(one)


def _telling_values(one: _Attribute) -> Iterator[Found]:
    for fate, share, tally in (("were won", WON, one.won(one.codes)), ("are closed", CLOSES, one.closed(one.codes))):
        telling = [code for code in np.flatnonzero(tally.all_but_always(share)) if code < len(one.values)]
        if telling:
            words = ", ".join(
                f"{tally.words(code)} leads with {one.values[code]} {fate} (of leads of the same time {tally.expectation(code)})"
                for code in telling[:3]
            )
            yield one.found("telling_value", words, tally.of[telling].sum())
            return


def _covers_most_lost(one: _Attribute) -> bool:
    lost = one.case.closed & ~one.case.won
    return bool(np.count_nonzero(lost & (one.codes >= 0)) > MOST_LOST * np.count_nonzero(lost))


def _few_values(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Codes of a number's values where there are few of them; else all known ones are the value without a name."""
    known = ~np.isnan(values)
    levels, codes = np.unique(values[known], return_inverse=True)
    few = len(levels) <= FEW_VALUES
    out = np.full(len(values), -1)
    out[known] = codes if few else 0
    return out, tuple(f"{level:g}" for level in levels) if few else ()


def _moves_with(values: np.ndarray, end: np.ndarray) -> float | None:
    """The rank correlation of a number with what the end tells, where it is beyond ``MOVES_WITH`` beyond doubt (Fisher 1921)."""
    if len(values) < 30 or np.ptp(values) == 0 or np.ptp(end) == 0:
        return None
    rank = rank_correlation(values, end)
    sure = np.tanh(np.arctanh(min(abs(rank), 1 - 1e-9)) - Z / np.sqrt(len(values) - 3))
    return rank if sure > MOVES_WITH else None


def _equality(values: np.ndarray, wait: np.ndarray) -> str:
    """In words, in which unit the number is the time until closing, if it is for most leads."""
    for unit, size in _UNITS.items():
        share = float(np.mean(np.abs(values - wait / size) <= 1))
        if share > 0.5:
            return f"; for {share:.1%} it is that time in {unit}"
    return ""
