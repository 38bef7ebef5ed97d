"""Interactions that are the outcome: after them a lead is won or closed, or they are only recorded when it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features.audit.case import Case, Found, Remedy
from features.audit.rates import Tally, at_least
from features.audit.remedies import without_attribute, without_type
from features.contract import NEVER

WON = 0.85
"""When, beyond doubt, a larger share of the leads with a type is won, the type is the win: no honest signal is that sure."""
CLOSES = 0.97
"""When, beyond doubt, a larger share of leads is closed within the horizon after a type, the type is the closing."""
AT_CLOSING = 0.9
"""When, beyond doubt, a larger share of a type's interactions comes at or after the closing of the lead, that is what it records."""


def find_outcome_types(case: Case) -> Iterator[Found]:
    """What snapshots can see, and what gives away that a lead will be won, or closed.

    ``outcome_type`` and ``closing_type``: types of interactions; ``outcome_value``: attributes of other interactions that are there, or
    have a value, only then.
    """
    kinds = case.history.type.levels
    fates = _Fates.after(case, case.history.type.codes, len(kinds))
    for code in np.flatnonzero(fates.winning):
        yield _found("outcome_type", kinds[code], fates.win_words(code, "it"), fates.wins.of[code], without_type(kinds[code]))
    for code in np.flatnonzero(fates.closing):
        words = fates.closing_words(code, "it", case.horizon_words)
        yield _found("closing_type", kinds[code], words, fates.closings.of[code], without_type(kinds[code]))
    attributes, others = case.history.attributes, ~np.isin(case.history.type.codes, np.flatnonzero(fates.winning | fates.closing))
    for name, column in attributes.categorical.items():
        yield from _outcome_values(case, name, np.where(others, column.codes, -1), [f"{name} = {level}" for level in column.levels])
    for name, values in attributes.numeric.items():
        yield from _outcome_values(case, name, np.where(others & ~np.isnan(values), 0, -1), [f"a {name}"])


def find_types_at_closing(case: Case) -> Iterator[Found]:
    """``type_at_closing``: no snapshot sees them, for the lead is closed by then; but in service they come before the outcome is told."""
    history = case.history
    late = history.known_at >= case.closed_at_of_row
    tally = Tally.of_groups(history.type.codes, late, len(history.type.levels))
    for code in np.flatnonzero(at_least(tally.count, tally.of) > AT_CLOSING):
        kind = history.type.levels[code]
        leads = np.unique(history.lead_of_row[late & (history.type.codes == code)])
        won = np.count_nonzero(case.won[leads]) / len(leads)
        words = f"{tally.words(code)} come at or after the closing of their lead; {won:.0%} of these leads were won"
        yield Found("warning", "type_at_closing", "interactions", kind, int(tally.count[code]), words, without_type(kind))


def _outcome_values(case: Case, name: str, codes: np.ndarray, values: list[str]) -> Iterator[Found]:
    fates = _Fates.after(case, codes, len(values))
    remedy = without_attribute("interactions", name)
    for code in np.flatnonzero(fates.winning):
        yield _found("outcome_value", name, fates.win_words(code, values[code]), fates.wins.of[code], remedy)
    for code in np.flatnonzero(fates.closing):
        words = fates.closing_words(code, values[code], case.horizon_words)
        yield _found("outcome_value", name, words, fates.closings.of[code], remedy)


def _found(code: str, column: str, words: str, count: int, remedy: Remedy) -> Found:
    return Found("error", code, "interactions", column, int(count), words, remedy)


@dataclass(frozen=True, eq=False)
class _Fates:
    """What became of leads after they first had an interaction of each of K groups, as snapshots can see it."""

    wins: Tally
    closings: Tally

    @classmethod
    def after(cls, case: Case, codes: np.ndarray, groups: int) -> _Fates:
        """By group of each interaction, int[n], -1 for none. A lead counts when it is closed or its horizon was observed to the end."""
        outcomes = case.dataset.outcomes
        lead, group, at = _first_seen(case, codes, groups)
        within = at + case.horizon <= case.dataset.observed_until
        decided = within | (outcomes.closed_at[lead] < NEVER)
        won = outcomes.won_within(lead, at, NEVER)
        closes = outcomes.closed_at[lead] < at + case.horizon
        return cls(Tally.of_groups(group[decided], won[decided], groups), Tally.of_groups(group[within], closes[within], groups))

    @property
    def winning(self) -> np.ndarray:
        """bool[K]."""
        return self.wins.all_but_always(WON)

    @property
    def closing(self) -> np.ndarray:
        """bool[K]."""
        return np.asarray(self.closings.all_but_always(CLOSES) & ~self.winning)

    def win_words(self, group: int | np.integer, what: str) -> str:
        """How many leads were won after ``what``, and how many were to be expected."""
        return f"{self.wins.words(group)} leads were won after {what}; after others {self.wins.expectation(group)}"

    def closing_words(self, group: int | np.integer, what: str, horizon: str) -> str:
        """The same of closings within a horizon."""
        return f"{self.closings.words(group)} leads were closed within {horizon} of {what}; of others {self.closings.expectation(group)}"


def _first_seen(case: Case, codes: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every lead and group the first interaction that became known before the closing: lead, group, and when, int64[k] each."""
    history = case.history
    seen = np.flatnonzero((codes >= 0) & (history.known_at < case.closed_at_of_row))
    lead, group, at = history.lead_of_row[seen], codes[seen].astype(np.int64), history.known_at[seen]
    _, first = np.unique(lead * groups + group, return_index=True)
    return lead[first], group[first], at[first]
