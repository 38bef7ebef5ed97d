"""Types of interactions that are the outcome: after them a lead is won or closed, or they are only recorded when it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features.audit.case import Case, Found
from features.audit.rates import at_least
from features.audit.remedies import without_type
from features.contract import NEVER

WON = 0.8
"""When, beyond doubt, a larger share of the leads with a type is won, the type is the win: no honest signal is that sure."""
CLOSES = 0.95
"""When, beyond doubt, a larger share of leads is closed within the horizon after a type, the type is the closing."""
AT_CLOSING = 0.9
"""When, beyond doubt, a larger share of a type's interactions comes at or after the closing of the lead, that is what it records."""
LIFT = 5
"""By how much the other fate must be rarer than after other types, so that nothing is suspicious where nearly all leads share one fate."""


def find_outcome_types(case: Case) -> Iterator[Found]:
    """``outcome_type`` and ``closing_type``: what snapshots can see, and what gives away that a lead will be won, or closed."""
    kinds, outcomes = case.history.type.levels, case.dataset.outcomes
    lead, kind, at = _first_seen(case)
    within = at + case.horizon <= case.dataset.observed_until
    won = outcomes.won_within(lead, at, NEVER)
    closes = outcomes.closed_at[lead] < at + case.horizon
    decided = within | (outcomes.closed_at[lead] < NEVER)
    wins = _tally(kind[decided], won[decided], len(kinds))
    closings = _tally(kind[within], closes[within], len(kinds))
    outcome = wins.all_but_always(WON)
    for code in np.flatnonzero(outcome):
        detail = f"{wins.words(code)} leads with {kinds[code]} before their closing were won; with other types {wins.elsewhere[code]:.1%}"
        yield Found("error", "outcome_type", "interactions", kinds[code], int(wins.of[code]), detail, without_type(kinds[code]))
    for code in np.flatnonzero(closings.all_but_always(CLOSES) & ~outcome):
        detail = (
            f"{closings.words(code)} leads were closed within {case.horizon_words} after {kinds[code]}; "
            f"after other types {closings.elsewhere[code]:.1%}"
        )
        yield Found("error", "closing_type", "interactions", kinds[code], int(closings.of[code]), detail, without_type(kinds[code]))


def find_types_at_closing(case: Case) -> Iterator[Found]:
    """``type_at_closing``: no snapshot sees them, for the lead is closed by then; but in service they come before the outcome is told."""
    history = case.history
    tally = _tally(history.type.codes, history.known_at >= case.closed_at_of_row, len(history.type.levels))
    for code in np.flatnonzero(at_least(tally.count, tally.of) > AT_CLOSING):
        kind = history.type.levels[code]
        mine = (history.type.codes == code) & (history.known_at >= case.closed_at_of_row)
        leads = np.unique(history.lead_of_row[mine])
        won = np.count_nonzero(case.won[leads])
        detail = (
            f"{tally.words(code)} interactions of {kind} come at or after the closing of their lead; "
            f"{won / len(leads):.0%} of these {len(leads):,} leads were won"
        )
        yield Found("warning", "type_at_closing", "interactions", kind, int(tally.count[code]), detail, without_type(kind))


@dataclass(frozen=True, eq=False)
class _Tally:
    """For each of K groups: ``count`` of its ``of`` members share a fate, int64[K]; and so does the share ``elsewhere`` of all others."""

    count: np.ndarray
    of: np.ndarray
    elsewhere: np.ndarray

    def all_but_always(self, share: float) -> np.ndarray:
        """bool[K]: whether more than this share have the fate, beyond doubt, and the other fate is ``LIFT`` times rarer than elsewhere."""
        sure = at_least(self.count, self.of)
        return np.asarray((sure > share) & ((1 - self.elsewhere) >= LIFT * (1 - sure)))

    def words(self, group: int | np.integer) -> str:
        """How many of how many."""
        return f"{self.count[group]:,} of {self.of[group]:,}"


def _tally(group: np.ndarray, fate: np.ndarray, groups: int) -> _Tally:
    of, count = np.bincount(group, minlength=groups), np.bincount(group[fate], minlength=groups)
    others = of.sum() - of
    return _Tally(count, of, (count.sum() - count) / np.maximum(others, 1))


def _first_seen(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every lead and type the first interaction that became known before the closing: lead, type, and when, int64[k] each."""
    history = case.history
    seen = np.flatnonzero(history.known_at < case.closed_at_of_row)
    lead, kind, at = history.lead_of_row[seen], history.type.codes[seen].astype(np.int64), history.known_at[seen]
    _, first = np.unique(lead * len(history.type.levels) + kind, return_index=True)
    return lead[first], kind[first], at[first]
