"""The audit: what a data set gives away about its outcomes, and what makes its labels untrue. ``codes.py`` lists what it looks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from features.audit.case import AuditedSettings, Case, Found
from features.audit.remedies import to_findings
from features.audit.types import find_outcome_types, find_types_at_closing
from features.contract import Finding
from features.dataset import Dataset
from features.snapshots import Snapshots

CHECKS: tuple[Callable[[Case], Iterator[Found]], ...] = (find_outcome_types, find_types_at_closing)
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
    found = [one for check in CHECKS for one in check(case)]
    return to_findings(case, sorted(found, key=lambda one: _SEVERITIES.index(one.severity)))
