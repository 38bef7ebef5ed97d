"""Moments that cannot be: after the end of what was observed, or after the lead was closed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.audit.case import Case, Found, day
from features.contract import Severity

WORTH_A_WARNING = 0.01
"""The share of closed leads that go on beyond which it is no slip of the pen."""


def find_future_times(case: Case) -> Iterator[Found]:
    """``future_time``: what lies after the declared end of what was observed; reading finds what lies after today."""
    until, outcomes = case.dataset.observed_until, case.dataset.outcomes
    times = {
        ("interactions", "occurred_at"): case.history.occurred_at,
        ("leads", "created_at"): case.history.created_at,
        ("outcomes", "closed_at"): np.concatenate([outcomes.closed_at[case.closed & ~case.won], outcomes.won_at]),
    }
    for (table, column), moments in times.items():
        late = moments > until
        if late.any():
            words = (
                f"{table} lie after {day(until)}, when the data end (observed_until), as late as {day(moments.max())}; "
                "no snapshot sees them where they belong"
            )
            remedy = "Correct their times at the source, or observed_until under [data] if the data go on longer."
            yield Found("warning", "future_time", table, column, int(np.count_nonzero(late)), words, remedy)


def find_after_closing(case: Case) -> Iterator[Found]:
    """``after_closing``: interactions of leads that are closed; no snapshot sees them."""
    history = case.history
    after = (history.occurred_at > case.closed_at_of_row) & (history.occurred_at <= case.dataset.observed_until)
    count = int(np.count_nonzero(after))
    if count:
        leads = len(np.unique(history.lead_of_row[after]))
        severity: Severity = "warning" if leads > WORTH_A_WARNING * np.count_nonzero(case.closed) else "info"
        kinds = np.bincount(history.type.codes[after], minlength=len(history.type.levels))
        most = [f"{history.type.levels[code]} ({kinds[code]:,})" for code in np.argsort(-kinds, kind="stable")[:3] if kinds[code]]
        words = f"interactions come after their lead was closed, in {leads:,} leads, mostly {', '.join(most)}; no snapshot sees them"
        remedy = "Is closed_at the moment of the decision? Where leads can be won again, write under [data]: repeatable = true"
        yield Found(severity, "after_closing", "interactions", "occurred_at", count, words, remedy)
