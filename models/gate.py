"""What a challenger must show before it becomes the champion: a list of verdicts, each with its figure and its limit.

Pure functions over the figures of the test part; they know neither MLflow nor how the figures were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import isnan, pi, sqrt
from typing import Any, Protocol

from pydantic import Field

from features.contract import Strict

ECE_BINS = 10


class GateSettings(Strict):
    """The ``[gate]`` table of ``leadheat.toml``."""

    min_positives: int = Field(default=30, ge=1)
    """Won snapshots in the test part below which no comparison means anything."""
    max_ece: float = Field(default=0.03, ge=0, le=1)
    """Expected calibration error allowed beyond what chance alone would show."""


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


def not_worse(than: str, figure: str, paired: Paired) -> Gate:
    """The challenger is better than another, or the two are tied.

    Args:
        than: ``rules`` or ``champion``.
        figure: which figure is compared, by its name in the test part.
        paired: the challenger's minus the other's.
    """
    detail = f"{figure} against the {than}: {paired.verdict}, {paired.difference:+.4f} [{paired.low:+.4f}, {paired.high:+.4f}]"
    difference = None if isnan(paired.difference) else paired.difference
    return Gate(f"not_worse_than_{than}_{figure}", paired.verdict != "worse", difference, 0.0, detail)


def gate(
    test: Mapping[str, Any],
    settings: GateSettings,
    against_rules: Mapping[str, Paired],
    against_champion: Mapping[str, Paired] | None = None,
) -> list[Gate]:
    """All verdicts on a challenger.

    Args:
        test: its figures on the test part: ``rows``, ``positives``, ``ece``.
        settings: the limits.
        against_rules: ``auc`` compared with the rules on the same snapshots. Points are no probabilities, so it is all that compares.
        against_champion: ``auc`` and ``brier`` compared with the champion on the same snapshots; None while there is no champion.
    """
    verdicts = [enough_positives(test, settings), calibrated(test, settings), not_worse("rules", "auc", against_rules["auc"])]
    if against_champion is not None:
        verdicts += [not_worse("champion", figure, against_champion[figure]) for figure in ("auc", "brier")]
    return verdicts


def passed(verdicts: Iterable[Gate]) -> bool:
    """Whether every gate holds."""
    return all(verdict.passed for verdict in verdicts)


def reason(verdicts: Iterable[Gate]) -> str:
    """Why a version is promoted, or refused: the gates that do not hold, in words."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if not failed:
        return "all gates hold"
    return "refused: " + "; ".join(f"{verdict.name} ({verdict.detail})" for verdict in failed)
