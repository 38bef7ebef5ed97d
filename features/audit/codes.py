"""The codes of the audit's findings: the one list of what it looks for."""

from __future__ import annotations

from collections.abc import Iterable

from features.contract import SettingsError
from features.nearest import did_you_mean

CODES: dict[str, str] = {
    "no_interactions": "a table of interactions in which there is none that counts",
    "outcome_type": "a type of interaction that all but decides that its lead is won",
    "closing_type": "a type of interaction after which all but every lead is closed within the horizon",
    "outcome_value": "an attribute of interactions that is there, or has a value, only where a lead is about to be won or closed",
    "type_at_closing": "a type that is all but always recorded at or after the closing of its lead",
    "winner_attribute": "an attribute of leads that only winners have",
    "closed_attribute": "an attribute of leads that only closed, or only lost, leads have",
    "telling_value": "a value of an attribute that only won, or only closed, leads have",
    "later_attribute": "a number that moves with what only the end of a lead tells, such as the time until its closing",
    "telling_feature": "a column of the feature matrix that alone parts the won from the others, better than is credible",
    "missing_outcomes": "outcomes were not recorded from the beginning, so that early leads look lost",
    "immature_labels": "outcomes were not recorded until the end of the data, so that late leads look lost",
    "bulk_closing": "many leads closed on one day, whenever they had gone cold",
    "future_time": "moments after the end of what was observed",
    "after_closing": "interactions after their lead was closed",
    "duplicate_interaction": "interactions that equal another one in everything",
    "twin_leads": "leads that equal another one in everything but the id",
    "telling_ids": "ids that carry the order of conversion",
    "type_drift": "types that vanish, or appear, between the training part and later data",
    "attribute_drift": "attributes of leads that are filled in the training part and hardly later, or the other way round",
}
"""code -> what was found. The audit emits no other, and ``--allow`` takes no other."""


def refuse_unknown(codes: Iterable[str]) -> None:
    """Nothing happens when every code is one of ``CODES``.

    Raises:
        SettingsError: one is not; the known ones are named.
    """
    unknown = sorted(set(codes) - CODES.keys())
    if unknown:
        hint = f"{did_you_mean(unknown[0], CODES)} Its codes are: {', '.join(CODES)}.".strip()
        raise SettingsError(f"The audit has no finding {', '.join(unknown)}.", hint)
