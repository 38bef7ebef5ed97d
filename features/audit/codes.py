"""The codes of the audit's findings: the one list of what it looks for."""

from __future__ import annotations

from collections.abc import Iterable

from features.contract import SettingsError

CODES: dict[str, str] = {
    "outcome_type": "a type of interaction that all but decides that its lead is won",
    "closing_type": "a type of interaction after which all but every lead is closed within the horizon",
    "type_at_closing": "a type that is all but always recorded at or after the closing of its lead",
    "after_closing": "interactions after their lead was closed",
}
"""code -> what was found. The audit emits no other, and ``--allow`` takes no other."""


def refuse_unknown(codes: Iterable[str]) -> None:
    """Nothing happens when every code is one of ``CODES``.

    Raises:
        SettingsError: one is not; the known ones are named.
    """
    unknown = sorted(set(codes) - CODES.keys())
    if unknown:
        raise SettingsError(f"The audit has no finding {', '.join(unknown)}.", f"Its codes are: {', '.join(CODES)}.")
