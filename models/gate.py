"""What a challenger must show before it becomes the champion: a list of verdicts, each with its figure and its limit.

Pure functions over the figures of the test part; they know neither MLflow nor how the figures were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import pi, sqrt
from typing import Any, Protocol

from pydantic import Field

from features.contract import Strict

ECE_BINS = 10


class GateSettings(Strict):
    """The ``[gate]`` table of ``leadheat.toml``."""

    min_positives: int = Field(30, ge=1)
    """Won snapshots in the test part below which no comparison means anything."""
    max_ece: float = Field(0.03, ge=0, le=1)
    """Expected calibration error allowed beyond what chance alone would show."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One verdict: ``figure`` was held against ``limit``; ``detail`` says in words what that means."""

    name: str
    passed: bool
    figure: float
    limit: float
    detail: str

    def to_dict(self) -> dict[str, Any]:
        """The verdict as JSON-ready values."""
        return asdict(self)


class Paired(Protocol):
    """A difference, challenger minus other, with the ends of its 95 % interval from the same resamples of leads."""

    @property
    def difference(self) -> float:
        """On all rows."""

    @property
    def low(self) -> float:
        """The lower end of the interval."""

    @property
    def high(self) -> float:
        """The upper end of the interval."""


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
    rows, rate = int(test["rows"]), int(test["positives"]) / max(int(test["rows"]), 1)
    chance = sqrt(2 / pi * ECE_BINS * rate * (1 - rate) / max(rows, 1))
    limit = settings.max_ece + chance
    detail = f"ECE {test['ece']:.4f}; {settings.max_ece:.4f} is allowed beyond the {chance:.4f} that chance may show on {rows} snapshots"
    return Gate("calibrated", float(test["ece"]) <= limit, float(test["ece"]), limit, detail)


def not_worse(name: str, than: str, metric: str, paired: Paired, *, lower_is_better: bool = False) -> Gate:
    """The challenger is better than another, or the two are tied: the interval of the difference is not wholly on the bad side.

    Args:
        name: the gate's.
        than: whom it is compared with, in words.
        metric: what is compared, in words.
        paired: challenger minus other.
        lower_is_better: true of losses such as the Brier score.
    """
    best, worst = (paired.low, paired.high) if lower_is_better else (paired.high, paired.low)
    sign = -1 if lower_is_better else 1
    word = "better" if sign * worst > 0 else "tie" if sign * best >= 0 else "worse"
    detail = f"{metric} against {than}: {word}, {paired.difference:+.4f} [{paired.low:+.4f}, {paired.high:+.4f}]"
    return Gate(name, word != "worse", best, 0.0, detail)


def gate(
    test: Mapping[str, Any],
    settings: GateSettings,
    rules_auc: Paired,
    champion_auc: Paired | None = None,
    champion_brier: Paired | None = None,
) -> list[Gate]:
    """All verdicts on a challenger.

    Args:
        test: its figures on the test part: ``rows``, ``positives``, ``ece``.
        settings: the limits.
        rules_auc: its AUC minus that of the rules on the same snapshots.
        champion_auc: its AUC minus the champion's on the same snapshots; None while there is no champion.
        champion_brier: its Brier score minus the champion's, likewise.
    """
    verdicts = [
        enough_positives(test, settings),
        calibrated(test, settings),
        not_worse("not_worse_than_rules", "the rules", "AUC", rules_auc),
    ]
    if champion_auc is not None:
        verdicts.append(not_worse("not_worse_than_champion_auc", "the champion", "AUC", champion_auc))
    if champion_brier is not None:
        verdicts.append(not_worse("not_worse_than_champion_brier", "the champion", "Brier score", champion_brier, lower_is_better=True))
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
