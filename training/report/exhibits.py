"""The pictures of the report, in their order."""

from __future__ import annotations

from training.report.evidence import Evidence
from training.report.exhibit import Exhibit
from training.report.inside import importance, segments
from training.report.order import agreement, differences, gains
from training.report.promise import bands, calibration
from training.report.work import calm, worth

_MAKERS = (bands, differences, gains, calibration, worth, calm, agreement, importance, segments)


def exhibits(evidence: Evidence) -> list[Exhibit]:
    """All pictures."""
    return [make(evidence) for make in _MAKERS]
