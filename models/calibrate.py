"""Choosing which kind of calibration the data support: each is judged on leads that it was not fitted on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.calibration import METHODS, Calibration, Floats, Method
from models.calibration_fit import AS_IS, checked, fit_calibration

FOLDS = 5
LEAST_OF_EACH: dict[Method, int] = {"none": 0, "offset": 10, "sigmoid": 30, "isotonic": 200}
"""So many won and so many not won rows must be there before a method is tried."""


@dataclass(frozen=True)
class Candidate:
    """How one method did: its log loss on leads it was not fitted on, and its gain over the simpler method that stood before.

    ``note`` says why it was taken, left or not tried. Losses are means per row in nats.
    """

    method: Method
    log_loss: float | None
    gain: float | None
    standard_error: float | None
    note: str


@dataclass(frozen=True)
class CalibrationChoice:
    """The chosen calibration, fitted on all rows, and what each candidate achieved."""

    calibration: Calibration
    candidates: tuple[Candidate, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, for the log of a training."""
        return {"method": self.calibration.method, "candidates": [asdict(candidate) for candidate in self.candidates]}


def choose_calibration(
    margin: Floats,
    y: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
    weight: npt.ArrayLike | None = None,
    seed: int = 0,
    current: Calibration = AS_IS,
) -> CalibrationChoice:
    """The simplest calibration that no more complex one clearly beats.

    Candidates stand in the order none, offset, sigmoid, isotonic. Each is scored by its log loss over 5 folds of whole groups; one
    replaces the simpler one before it when its mean gain is larger than that gain's standard error, taken over groups.

    Args:
        margin: raw log-odds, float64[m], of rows that the model was not trained on.
        y: 1 won, 0 not, [m].
        groups: the lead of each row, [m]; rows of a lead are never parted. Default: each row is its own.
        weight: how much each row counts, [m], on any scale. Default: all alike.
        seed: of the folds.
        current: the calibration of a model that is there already: what "none" leaves as it is and "offset" shifts.

    Raises:
        ModelError: no rows, unequal lengths, margins or weights that are not finite, or labels other than 0 and 1.
    """
    margin, label, weight = checked(margin, y, weight)
    members = _members(groups, len(label))
    fold = _folds(members, seed)
    standing: Method = "none"
    standing_loss = _row_loss(current.log_odds(margin), label)
    as_it_is = "the margin as it is" if current == AS_IS else "the calibration as it is"
    candidates = [Candidate("none", _mean(standing_loss, weight), None, None, as_it_is)]
    for method in METHODS[1:]:
        obstacle = _obstacle(method, margin, label)
        if obstacle:
            candidates.append(Candidate(method, None, None, None, f"not tried: {obstacle}"))
            continue
        loss = _row_loss(_held_out(method, margin, label, weight, fold, current), label)
        gain, error = mean_and_error(standing_loss - loss, members, weight)
        better = gain > error
        candidates.append(Candidate(method, _mean(loss, weight), gain, error, f"{'' if better else 'not '}clearly better than {standing}"))
        if better:
            standing, standing_loss = method, loss
    return CalibrationChoice(fit_calibration(standing, margin, label, weight, current), tuple(candidates))


def unseen_log_odds(
    method: Method, margin: Floats, y: npt.ArrayLike, groups: npt.ArrayLike | None = None, weight: Floats | None = None, seed: int = 0
) -> Floats:
    """Calibrated log-odds, float64[m], of each row by a calibration that was fitted on other groups' rows.

    Models can be compared by them, and none gains by bending more to its rows. Arguments and errors as for ``choose_calibration``.
    """
    margin, label, weight = checked(margin, y, weight)
    return _held_out(method, margin, label, weight, _folds(_members(groups, len(label)), seed))


def mean_and_error(values: Floats, groups: npt.ArrayLike, weight: Floats) -> tuple[float, float]:
    """Weighted mean of values, float64[m], and its standard error over groups (the linearised ratio estimator)."""
    mean = _mean(values, weight)
    spread = np.bincount(_members(groups, len(values)), weight * (values - mean))
    return mean, float(np.sqrt((spread**2).sum()) / weight.sum())


def _members(groups: npt.ArrayLike | None, rows: int) -> npt.NDArray[np.intp]:
    """The group of each row, numbered from 0 on."""
    return np.unique(np.arange(rows) if groups is None else np.asarray(groups), return_inverse=True)[1]


def _folds(members: npt.NDArray[np.intp], seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(int(members.max()) + 1)[members] % FOLDS


def _obstacle(method: Method, margin: Floats, label: Floats) -> str:
    if np.ptp(margin) == 0:
        return "all margins are equal"
    least, won = LEAST_OF_EACH[method], int(label.sum())
    fewest = min(won, len(label) - won)
    return f"it needs {least} won and {least} other rows, and there are only {fewest} of one kind" if fewest < least else ""


def _held_out(
    method: Method, margin: Floats, label: Floats, weight: Floats, fold: npt.NDArray[np.int64], current: Calibration = AS_IS
) -> Floats:
    log_odds = np.empty_like(margin)
    for held in np.unique(fold):
        out = fold == held
        log_odds[out] = fit_calibration(method, margin[~out], label[~out], weight[~out], current).log_odds(margin[out])
    return log_odds


def _row_loss(log_odds: Floats, label: Floats) -> Floats:
    return np.logaddexp(0.0, log_odds) - label * log_odds


def _mean(values: Floats, weight: Floats) -> float:
    return float((weight * values).sum() / weight.sum())
