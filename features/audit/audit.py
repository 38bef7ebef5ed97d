"""The audit: what a data set gives away about its outcomes, and what makes its labels untrue. ``codes.py`` lists what it looks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from features.audit.attributes import find_later_attributes, find_outcome_attributes
from features.audit.case import AuditedSettings, Case, Found
from features.audit.drift import find_attribute_drift, find_type_drift
from features.audit.duplicates import find_duplicate_interactions, find_twin_leads
from features.audit.ids import find_telling_ids
from features.audit.outcomes import find_bulk_closing, find_immature_labels, find_missing_outcomes
from features.audit.presence import find_no_interactions
from features.audit.remedies import to_findings
from features.audit.single import find_telling_features
from features.audit.times import find_after_closing, find_future_times
from features.audit.types import find_outcome_types, find_types_at_closing
from features.contract import Finding
from features.dataset import Dataset
from features.snapshots import Snapshots

CHECKS: tuple[Callable[[Case], Iterator[Found]], ...] = (
    find_no_interactions,
    find_outcome_types,
    find_outcome_attributes,
    find_later_attributes,
    find_telling_features,
    find_missing_outcomes,
    find_immature_labels,
    find_types_at_closing,
    find_after_closing,
    find_bulk_closing,
    find_future_times,
    find_duplicate_interactions,
    find_twin_leads,
    find_telling_ids,
    find_type_drift,
    find_attribute_drift,
)
"""In the order in which findings of equal severity are told."""
_SEVERITIES = ("error", "warning", "info")


def audit(dataset: Dataset, settings: AuditedSettings, train: Snapshots | None = None) -> tuple[Finding, ...]:
    """Look for leaks and for labels that are not what they seem.

    Args:
        dataset: what was read.
        settings: how it was read and how it is looked at; ``models.settings.Settings``, as a rule.
        train: the matured training snapshots. Without them nothing is said about features and drift.

    Returns:
        The findings, the gravest first; an error means that training must not go on. The order of rows does not matter.
    """
    case = Case(dataset, settings, train)
    found = _once(one for check in CHECKS for one in check(case))
    return to_findings(case, sorted(found, key=lambda one: _SEVERITIES.index(one.severity)))


def _once(found: Iterable[Found]) -> list[Found]:
    """Nothing more is said of a column, or type, that is known to be an error."""
    kept: list[Found] = []
    for one in found:
        if not any((one.table, one.column) == (other.table, other.column) and other.severity == "error" for other in kept):
            kept.append(one)
    return kept
