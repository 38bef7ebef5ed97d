"""What a challenger must show before it becomes the champion: a list of verdicts, each with its figure and its limit.

Pure functions over figures; they know neither MLflow nor how the figures were made. Nothing here knows how old anything is: that the
champion is old never excuses a challenger that is worse.

==========================  ===========================================================================================================
gate                        holds when
==========================  ===========================================================================================================
enough_positives            the test part holds enough won snapshots to judge by
audit_clean                 the audit found no error in the data, or every one was allowed by name
calibrated                  the ECE is within the limit, chance allowed for
not_worse_than_rules_auc    better than the rules, or tied with them (``better_than_rules_auc`` where the settings demand that)
compared_with_champion      the champion could be compared on the same snapshots, or there is none
not_worse_than_champion_*   by AUC and by Brier: better than the champion, or tied with it
no_segment_badly_worse      no part of the leads is surely, and by more than the margin, worse than with the champion (or the rules)
parity                      a sample of leads gives the same in the service as in batch, to the last bit
latency                     scoring one lead takes no longer than allowed
==========================  ===========================================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan, pi, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import Field

from features.contract import Strict

if TYPE_CHECKING:
    from models.latency import Latency
    from models.parity import Parity

ECE_BINS = 10
FAMILY_ERROR = 0.05
"""The chance, over all segments together, that one is called worse that is not."""
_NAMED = 5


class GateSettings(Strict):
    """The ``[gate]`` table of ``leadheat.toml``."""

    min_positives: int = Field(default=30, ge=1)
    """Won snapshots in the test part below which no comparison means anything."""
    max_ece: float = Field(default=0.03, ge=0, le=1)
    """Expected calibration error allowed beyond what chance alone would show."""
    against_rules: Literal["tie", "better"] = "tie"
    """What a challenger must be beside the rules: ``better``, or a ``tie`` is enough."""
    segment_margin: float = Field(default=0.05, ge=0, le=1)
    """How much worse one part of the leads may become: in AUC, and in the share of the log loss that knowing the base rate alone leaves."""
    max_latency_ms: float = Field(default=250.0, gt=0)
    """Milliseconds within which 95 of 100 scores of one lead, with reasons, must be there."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One verdict: ``figure`` was held against ``limit``; ``detail`` says in words what that means."""

    name: str
    passed: bool
    figure: float | None
    limit: float
    detail: str

    def to_dict(self) -> dict[str, Any]:
        """The verdict as JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SegmentDifference:
    """How the challenger differs from another in one part of the leads: above 0 is better; ``error`` is the standard error by lead."""

    by: str
    value: str
    figure: str
    difference: float
    error: float


class Paired(Protocol):
    """A figure of the challenger minus that of another, with its 95 % interval on the same resamples of leads."""

    @property
    def difference(self) -> float:
        """On all rows."""

    @property
    def low(self) -> float:
        """The lower end of the interval."""

    @property
    def high(self) -> float:
        """The upper end of the interval."""

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, or ``tie`` where the interval holds 0."""


def enough_positives(test: Mapping[str, Any], settings: GateSettings) -> Gate:
    """The test part holds enough won snapshots to judge by."""
    positives = int(test["positives"])
    detail = f"{positives} won snapshots in the test part, {settings.min_positives} are needed"
    return Gate("enough_positives", positives >= settings.min_positives, positives, settings.min_positives, detail)


def audit_clean(audit: Mapping[str, Any] | None) -> Gate:
    """The data were audited, and no error was found but those that were allowed by name.

    Args:
        audit: ``errors`` and ``allowed``: the codes of the errors, and of those among them that were allowed. None: nobody looked.
    """
    if audit is None:
        return Gate("audit_clean", passed=False, figure=None, limit=0, detail="the data were not audited")
    left = [code for code in audit["errors"] if code not in audit["allowed"]]
    allowed = f"allowed as asked for: {', '.join(audit['allowed'])}" if audit["allowed"] else ""
    detail = "; ".join(filter(None, [f"errors: {', '.join(left)}" if left else "no error is left", allowed]))
    return Gate("audit_clean", not left, len(left), 0, detail)


def calibrated(test: Mapping[str, Any], settings: GateSettings) -> Gate:
    """The probabilities mean what they say: the ECE is within the limit, chance allowed for.

    Over bins of equal count even perfect probabilities show an ECE of at most sqrt(2 / pi * bins * p (1 - p) / n) on average, for
    n snapshots with base rate p: the mean absolute deviation of a normal variable, and Jensen's inequality over the bins.
    """
    rows, ece = int(test["rows"]), test["ece"]
    rate = int(test["positives"]) / max(rows, 1)
    chance = sqrt(2 / pi * ECE_BINS * rate * (1 - rate) / max(rows, 1))
    limit = settings.max_ece + chance
    if ece is None:
        return Gate("calibrated", passed=False, figure=None, limit=limit, detail="the test part holds too little to tell")
    detail = f"ECE {ece:.4f}; {settings.max_ece:.4f} is allowed beyond the {chance:.4f} that chance may show on {rows} snapshots"
    return Gate("calibrated", ece <= limit, ece, limit, detail)


def beside_rules(auc: Paired, settings: GateSettings) -> Gate:
    """The challenger ranks better than the rules, or is tied with them where that is enough; points compare by AUC alone."""
    if settings.against_rules == "better":
        return _beside("better_than_rules_auc", "rules", "AUC", auc, fine=("better",))
    return _beside("not_worse_than_rules_auc", "rules", "AUC", auc)


def beside_champion(figures: Mapping[str, Paired] | None, about: str) -> list[Gate]:
    """The challenger is better than the champion or tied with it, by AUC and Brier; without a comparison only that is told.

    Args:
        figures: its AUC and Brier minus the champion's; None where they could not be compared, or there is no champion.
        about: what it was compared with, or why it was not; empty where there is no champion.
    """
    if figures is None:
        return [Gate("compared_with_champion", not about, None, 0, about or "there is no champion yet")]
    compared = Gate("compared_with_champion", passed=True, figure=None, limit=0, detail=about)
    return [compared, *(_beside(f"not_worse_than_champion_{name}", "champion", name, figures[name]) for name in ("auc", "brier"))]


def _beside(name: str, than: str, figure: str, paired: Paired, fine: tuple[str, ...] = ("better", "tie")) -> Gate:
    detail = f"{figure} against the {than}: {paired.verdict}, {paired.difference:+.4f} [{paired.low:+.4f}, {paired.high:+.4f}]"
    difference = None if isnan(paired.difference) else paired.difference
    return Gate(name, paired.verdict in fine, difference, 0.0, detail)


def no_segment_badly_worse(than: str, segments: Sequence[SegmentDifference], settings: GateSettings) -> Gate:
    """No part of the leads is surely worse than with another, and by more than the margin.

    With many parts some look worse by chance. One counts as surely worse when the upper end of its one-sided interval lies below 0, at a
    confidence that is right for all parts together (Bonferroni).

    Args:
        than: ``champion`` or ``rules``.
        segments: all comparisons that were made; those with too few won leads are not among them.
        settings: the margin.
    """
    name, limit = "no_segment_badly_worse", -settings.segment_margin
    if not segments:
        return Gate(name, passed=True, figure=None, limit=limit, detail=f"no segment holds enough won leads to compare with the {than}")
    width = NormalDist().inv_cdf(1 - FAMILY_ERROR / len(segments))
    surely = sorted((one for one in segments if one.difference + width * one.error < 0), key=lambda one: one.difference)
    bad = [f"{one.by} {one.value}: {one.figure} {one.difference:+.3f}" for one in surely if one.difference < limit]
    where = "; ".join(bad[:_NAMED]) + (f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else "")
    detail = f"{len(segments)} comparisons with the {than} in segments: {where or 'none is worse by more than the margin'}"
    return Gate(name, not bad, surely[0].difference if surely else None, limit, detail)


def same_everywhere(parity: Parity) -> Gate:
    """A sample of leads gives the same features, numbers and reasons from the service's records as from the batch."""
    named = f": {', '.join(parity.differing[:_NAMED])}" if parity.differing else ""
    detail = f"{parity.sampled} leads scored as the service does and in batch; {len(parity.differing)} features or fields differ{named}"
    return Gate("parity", not parity.differing and parity.sampled > 0, len(parity.differing), 0, detail)


def fast_enough(latency: Latency, settings: GateSettings) -> Gate:
    """One lead is scored within the allowed time, 95 times of 100."""
    detail = f"{latency.scored} scores one by one: median {latency.median_ms:.1f} ms, 95 % within {latency.p95_ms:.1f} ms"
    return Gate("latency", latency.p95_ms <= settings.max_latency_ms, latency.p95_ms, settings.max_latency_ms, detail)


def passed(verdicts: Iterable[Gate]) -> bool:
    """Whether every gate holds."""
    return all(verdict.passed for verdict in verdicts)


def reason(verdicts: Iterable[Gate]) -> str:
    """Why a version is promoted, or refused: the gates that do not hold, in words."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if not failed:
        return "all gates hold"
    return "refused: " + "; ".join(f"{verdict.name} ({verdict.detail})" for verdict in failed)
