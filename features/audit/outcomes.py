"""Outcomes that were not recorded from the beginning, not until the end, or all at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features.audit.case import Case, Found, day
from features.contract import DAY, HOUR, NEVER, UNKNOWN_TIME
from features.data_settings import STORE

_AGES = np.array([0, HOUR, 6 * HOUR, *(days * DAY for days in (1, 2, 4, 7, 14, 30, 60, 90, 180, 365)), NEVER], np.int64)
"""Ages of leads, microseconds, between whose bounds the chance to win is taken as steady."""
MISSING = 15.0
"""When so many wins are to be expected where there is none, they happened and were not recorded: chance would do that once in e^15."""
STRAYS = 2
"""So many wins on their own do not count as the beginning, or the end, of the record."""
FEWEST, MOST = 20, 200
"""Wins from which the chance to win is learnt: a quarter of all, within these bounds."""
BULK, BULK_FACTOR = 20, 5
"""A day with so many closings at least, and with so many times those of a busy day (one in twenty), was a tidying up."""


def find_missing_outcomes(case: Case) -> Iterator[Found]:
    """``missing_outcomes``: the leads of the time before outcomes were recorded look lost, and are not."""
    begin = _record_begins(case, int(case.born[case.born != UNKNOWN_TIME].min(initial=NEVER)))
    if begin is None:
        return
    at, expected = begin
    words = f"no win is recorded before {day(at)}, though the wins that follow let {expected:,.0f} be expected"
    learnt_from = case.train is None or _record_begins(case, int(case.train.as_of.min())) is not None
    yield Found(
        "error" if learnt_from else "info",
        "missing_outcomes",
        "outcomes",
        "closed_at",
        int(np.count_nonzero(case.born < at)),
        f"{words}: the {np.count_nonzero(case.born < at):,} leads of that time look lost",
        f'Let training begin when outcomes do, {_under("snapshots", case)}: train = ["{day(at + DAY)}", "{day(case.last_training + DAY)}"]',
    )


def find_immature_labels(case: Case) -> Iterator[Found]:
    """``immature_labels``: what happened last was not recorded yet, so that snapshots count as matured that are not."""
    until, wins = case.dataset.observed_until, _first_wins(case)
    wins = wins[wins[:, 1] <= until]
    for strays in range(STRAYS + 1):
        some = _some(len(wins))
        if len(wins) <= some + strays:
            return
        last, before = int(wins[-1 - strays, 1]), int(wins[-1 - strays - some, 1])
        expected = _Hazard.of(case, wins, before, last + 1).expected(case, last + 1, until)
        if expected >= MISSING + 10 * strays:
            words = f"no win is recorded after {day(last)}, where {expected:,.0f} are to be expected until {day(until)}, when the data end"
            late = 0 if case.train is None else int(np.count_nonzero(case.train.as_of + case.horizon > last))
            words += f"; {late:,} training snapshots were not observed to the end" if late else ""
            remedy = f'Write {_under("data", case)} until when outcomes are known: observed_until = "{day(last + DAY)}"'
            yield Found("error", "immature_labels", "outcomes", "closed_at", late or 1, words, remedy)
            return


def _under(table: str, case: Case) -> str:
    """Where to write of which time the data are: ``store:`` alone does not know, a file that names the store does."""
    outcomes = case.settings.data.outcomes
    stored = outcomes is not None and outcomes.path == STORE
    return f"under [{table}]" + (f' of a leadheat.toml in which the tables have path = "{STORE}",' if stored else "")


def find_bulk_closing(case: Case) -> Iterator[Found]:
    """``bulk_closing``: leads that were closed on one day, whenever they had gone cold."""
    closed_at = case.dataset.outcomes.closed_at[case.closed]
    days, of_day, count = np.unique(closed_at // DAY, return_inverse=True, return_counts=True)
    if len(days) < 20:
        return
    usual = np.quantile(count, 0.95)
    bulk = np.flatnonzero((count >= BULK) & (count > BULK_FACTOR * usual))
    if len(bulk):
        most = bulk[np.argmax(count[bulk])]
        lost = ~case.won[case.closed]
        mine = np.isin(of_day, bulk)
        _, together = np.unique(closed_at[of_day == most], return_counts=True)
        words = (
            f"{count[most]:,} leads were closed on {day(int(days[most]) * DAY)}, {together.max():,} of them at one moment and "
            f"{lost[mine].mean():.0%} as lost; 95 % of all days with closings have at most {usual:,.0f}"
        )
        remedy = (
            "Give closed_at the moment when a lead was really given up, or leave tidied-up leads open: until then they count as chances."
        )
        yield Found("warning", "bulk_closing", "outcomes", "closed_at", int(count[bulk].sum()), words, remedy)


def _record_begins(case: Case, since: int) -> tuple[int, float] | None:
    """The first win, and how many are to be expected in ``[since, first)``; None when there could well be none."""
    wins = _first_wins(case)
    for strays in range(STRAYS + 1):
        some = _some(len(wins))
        if len(wins) <= some + strays:
            return None
        first, after = int(wins[strays, 1]), int(wins[strays + some, 1])
        expected = _Hazard.of(case, wins, first, after).expected(case, since, first)
        if expected >= MISSING + 10 * strays:
            return first, expected
    return None


@dataclass(frozen=True, eq=False)
class _Hazard:
    """Wins per microsecond of an open lead, by its age, float64[ages]."""

    rate: np.ndarray

    @classmethod
    def of(cls, case: Case, wins: np.ndarray, begin: int, end: int) -> _Hazard:
        """As seen in ``[begin, end)``; ``wins``: int64[w, 2], lead and moment."""
        some = wins[(wins[:, 1] >= begin) & (wins[:, 1] < end)]
        age = np.maximum(some[:, 1] - np.maximum(case.born[some[:, 0]], 0), 0)
        count = np.bincount(np.searchsorted(_AGES, age, side="right") - 1, minlength=len(_AGES) - 1)
        open_for = _exposure(case, begin, end)
        return cls(np.where(open_for > 0, count / np.maximum(open_for, 1.0), 0.0))

    def expected(self, case: Case, begin: int, end: int) -> float:
        """Wins to be expected in ``[begin, end)``."""
        return float(self.rate @ _exposure(case, begin, end))


def _exposure(case: Case, begin: int, end: int) -> np.ndarray:
    """float64[ages]: how long leads of each age were open and not won in ``[begin, end)``, microseconds in all."""
    born = np.maximum(case.born, 0)  # unknown: before all others
    start, stop = np.maximum(born, begin), np.minimum(case.ends, end)
    low = born[:, None] + _AGES[:-1]
    high = born[:, None] + np.minimum(_AGES[1:], NEVER - born.max(initial=0))
    return np.asarray(np.maximum(np.minimum(stop[:, None], high) - np.maximum(start[:, None], low), 0).sum(axis=0, dtype=np.float64))


def _first_wins(case: Case) -> np.ndarray:
    """int64[w, 2]: lead and moment of every lead's first win, by moment."""
    outcomes = case.dataset.outcomes
    lead = np.flatnonzero(case.won)
    wins = np.stack([lead, outcomes.won_at[outcomes.won_start[lead]]], axis=1)
    return np.asarray(wins[np.argsort(wins[:, 1], kind="stable")])


def _some(wins: int) -> int:
    return min(max(wins // 4, FEWEST), MOST)
