"""The ``[model]`` table: how a conversion model is learnt."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from features.contract import ModelError, Strict

FEWEST_WON = 30
"""With fewer won leads nothing is learnt: the rules stay in charge."""


class LearningSettings(Strict):
    """The ``[model]`` table.

    Attributes:
        kind: ``boosting``, ``logistic``, or by the number of won leads (``auto``): logistic regression below ``boosting_from``.
        boosting_from: won leads in training from which on gradient boosting is tried.
        plenty: won leads from which on boosting is not regularised any further.
        learning_rate, leaves, rows_per_leaf, column_share, row_share, l2, path_smooth, max_bin: of LightGBM.
        penalty: of logistic regression, scikit-learn's C: smaller is stronger.
        rounds: the most trees.
        patience: trees without a better log loss on the later slice after which learning stops.
        calibration_share: the last part of the training moments, on which probability and bands are chosen.
        seed: of all that is random.
    """

    kind: Literal["auto", "boosting", "logistic"] = "auto"
    boosting_from: int = Field(100, ge=FEWEST_WON)
    plenty: int = Field(1_000, ge=FEWEST_WON)
    learning_rate: float = Field(0.03, gt=0, le=1)
    leaves: int = Field(15, ge=2, le=1024)
    rows_per_leaf: int = Field(50, ge=1)
    column_share: float = Field(0.3, gt=0, le=1)
    row_share: float = Field(0.7, gt=0, le=1)
    l2: float = Field(5.0, ge=0)
    path_smooth: float = Field(0.0, ge=0)
    max_bin: int = Field(255, ge=2, le=65_535)
    penalty: float = Field(0.01, gt=0)
    rounds: int = Field(1_500, ge=1)
    patience: int = Field(50, ge=1)
    calibration_share: float = Field(0.25, gt=0, lt=1)
    seed: int = Field(0, ge=0)


def regularised(settings: LearningSettings, won: int) -> LearningSettings:
    """The kind of model and the regularisation that so many won leads can bear.

    Raises:
        ModelError: they are too few for any model.
    """
    if won < FEWEST_WON:
        raise ModelError(
            f"{won} won leads are too few to learn from: {FEWEST_WON - won} are missing, so the rules stay in charge.",
            "Bring more history, lengthen [snapshots] horizon, or wait until more outcomes have matured.",
        )
    kind = settings.kind if settings.kind != "auto" else "boosting" if won >= settings.boosting_from else "logistic"
    if won >= settings.plenty or kind == "logistic":
        return settings.model_copy(update={"kind": kind})
    return settings.model_copy(update={"kind": kind, "leaves": min(settings.leaves, 7), "l2": 4 * settings.l2})


class TuningSettings(Strict):
    """The ``[tuning]`` table: how ``leadheat train --tune N`` judges what it tries.

    Attributes:
        folds: how many times the training part is cut in time, to learn from what came before and to be judged on what came after.
    """

    folds: int = Field(3, ge=1, le=20)
