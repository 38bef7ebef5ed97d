"""Whether there is anything to learn from."""

from __future__ import annotations

from collections.abc import Iterator

from features.audit.case import Case, Found


def find_no_interactions(case: Case) -> Iterator[Found]:
    """``no_interactions``: a table of them is named, and none of its rows is any lead's.

    Without such a table a model of attributes alone is what was asked for.
    """
    leads = len(case.history)
    if case.settings.data.interactions is not None and not len(case.history.occurred_at):
        words = f"none of the {leads:,} leads has an interaction that counts, so that nothing can be learnt of what leads do"
        remedy = (
            "Is it the right file, and do its ids of leads fit, its times, and exclude_types? "
            "For a model of attributes alone, take the line interactions out of [data]."
        )
        yield Found("error", "no_interactions", "interactions", "", leads, words, remedy)
