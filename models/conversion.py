"""Learning the conversion model: scikit-learn estimators over the feature matrix, each of which gives a ``Margin``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import lightgbm
import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from features.progress import progress
from models.calibration import to_probability
from models.learning import LearningSettings
from models.margin import BoosterMargin, LinearMargin, Margin, squash

Floats = npt.NDArray[np.float64]


class _TwoClasses(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What both estimators share: two classes, missing values allowed, a probability from ``margin_``."""

    margin_: Margin
    classes_: npt.NDArray[Any]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    def _take(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None) -> tuple[Floats, Floats, Floats]:
        """Checked inputs: X float64[m, F], y 0.0 or 1.0, weights float64[m]."""
        rows, target = validate_data(self, X, y, dtype=[np.float32, np.float64], ensure_all_finite="allow-nan", ensure_min_samples=2)
        check_classification_targets(target)
        self.classes_ = np.unique(target)
        if len(self.classes_) > 2:
            found = len(self.classes_)
            raise ValueError(f"Only binary classification is supported. The type of the target is multiclass: {found} classes.")
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        return rows, (target == self.classes_[1]).astype(np.float64), _check_sample_weight(sample_weight, rows, dtype=np.float64)

    def decision_function(self, X: npt.ArrayLike) -> Floats:
        """The margin, float64[m]: raw log-odds of the second class."""
        check_is_fitted(self)
        return self.margin_.margin(validate_data(self, X, dtype=[np.float32, np.float64], ensure_all_finite="allow-nan", reset=False))

    def predict_proba(self, X: npt.ArrayLike) -> Floats:
        """Uncalibrated probabilities of both classes, float64[m, 2]."""
        won = to_probability(self.decision_function(X))
        return np.stack([1 - won, won], axis=1)

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The likelier class."""
        won = self.decision_function(X) > 0
        return np.asarray(self.classes_[won.astype(int)])


class BoostingClassifier(_TwoClasses):
    """LightGBM on log loss, deterministic: the same rows, settings and seed give the same trees, bit for bit, on any number of threads.

    Args:
        settings: the ``[model]`` table; by default as it is when nothing is written.
        categorical: positions of the columns whose numbers are codes.
        rounds: how many trees, instead of the most that the settings allow.
        threads: that learn.
    """

    def __init__(
        self, settings: LearningSettings | None = None, categorical: tuple[int, ...] = (), rounds: int | None = None, threads: int = 1
    ) -> None:
        self.settings = settings
        self.categorical = categorical
        self.rounds = rounds
        self.threads = threads

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        later: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    ) -> Self:
        """Learn; with ``later`` (X, y of later snapshots) stop when their log loss gets no better. ``rounds_`` is how many trees stayed."""
        rows, won, weight = self._take(X, y, sample_weight)
        settings = self.settings or LearningSettings()
        data = lightgbm.Dataset(rows, won, weight=weight, categorical_feature=list(self.categorical), params=self._data(settings))
        sets = [] if later is None else [data.create_valid(*later)]
        callbacks: list[Callable[..., Any]] = [] if later is None else [lightgbm.early_stopping(settings.patience, verbose=False)]
        rounds = self.rounds or settings.rounds
        with progress("learning trees", rounds) as advance:
            callbacks.append(lambda _: advance(1))
            booster = lightgbm.train(self._params(settings), data, num_boost_round=rounds, valid_sets=sets, callbacks=callbacks)
        self.rounds_ = booster.best_iteration if later is not None else rounds
        self.margin_ = BoosterMargin(_plain(booster.model_to_string(num_iteration=self.rounds_)))
        return self

    def _data(self, settings: LearningSettings) -> dict[str, Any]:
        return {"max_bin": settings.max_bin, "verbosity": -1, "feature_pre_filter": False, "min_data_in_bin": 3}

    def _params(self, settings: LearningSettings) -> dict[str, Any]:
        return {
            **self._data(settings),
            "objective": "binary",
            "metric": "binary_logloss",
            "learning_rate": settings.learning_rate,
            "num_leaves": settings.leaves,
            "min_data_in_leaf": settings.rows_per_leaf,
            "feature_fraction": settings.column_share,
            "bagging_fraction": settings.row_share,
            "bagging_freq": 1 if settings.row_share < 1 else 0,
            "lambda_l2": settings.l2,
            "path_smooth": settings.path_smooth,
            "cat_smooth": 20,
            "seed": settings.seed,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": self.threads,
        }


class LogisticClassifier(_TwoClasses):
    """Logistic regression with an L2 penalty, for few won leads and as the simple model beside the trees.

    It is fitted in the precision of the rows: in float32, as features are, in half the time and to the same loss.

    Args:
        penalty: C of scikit-learn's; smaller is stronger.
        categorical: positions of the columns whose numbers are codes.
    """

    def __init__(self, penalty: float = 0.01, categorical: tuple[int, ...] = ()) -> None:
        self.penalty = penalty
        self.categorical = categorical

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Learn."""
        rows, won, weight = self._take(X, y, sample_weight)
        counts = weight > 0
        rows, won, weight = rows[counts], won[counts], weight[counts]
        numbers = np.setdiff1d(np.arange(rows.shape[1]), self.categorical)
        squashed = squash(rows[:, numbers])
        varies = np.fmax.reduce(squashed, axis=0) > np.fmin.reduce(squashed, axis=0)
        columns, squashed = numbers[varies], squashed[:, varies]
        mean, scale = _weighted_moments(squashed, weight)
        levels = [int(np.nanmax(rows[:, i], initial=-1)) + 1 for i in self.categorical]
        dummies = [rows[:, [i]] == np.arange(count) for i, count in zip(self.categorical, levels, strict=True)]
        design = np.concatenate([np.nan_to_num((squashed - mean) / scale), *dummies], axis=1, dtype=rows.dtype, casting="same_kind")
        intercept, slopes = self._solve(design, won, weight)
        weights = np.split(slopes, np.cumsum([len(columns), *levels])[:-1])
        tables = tuple((i, tuple(part.tolist())) for i, part in zip(self.categorical, weights[1:], strict=True))
        self.margin_ = LinearMargin(
            intercept,
            tuple(columns.tolist()),
            tuple(mean.tolist()),
            tuple(scale.tolist()),
            tuple(weights[0].tolist()),
            tables,
            rows.shape[1],
        )
        return self

    def _solve(self, design: npt.NDArray[Any], won: Floats, weight: Floats) -> tuple[float, Floats]:
        """Intercept and slopes. k equal columns are solved as one that is sqrt(k) as long: the same model, for the penalty is the same."""
        positions: dict[bytes, list[int]] = {}
        for i, column in enumerate(np.ascontiguousarray(design.T)):
            positions.setdefault(column.tobytes(), []).append(i)
        first = [some[0] for some in positions.values()]
        lengths = np.sqrt([len(some) for some in positions.values()], dtype=design.dtype)
        model = LogisticRegression(C=self.penalty, solver="newton-cholesky")
        with threadpool_limits(1, "blas"):  # sums in another order would be other bits, and threads cost more than they gain here
            model.fit(design[:, first] * lengths, won, weight)
        slopes = np.empty(design.shape[1])
        for some, slope in zip(positions.values(), (model.coef_[0] / lengths).tolist(), strict=True):
            slopes[some] = slope
        return float(model.intercept_[0]), slopes


def _weighted_moments(x: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each column's values that are not missing."""
    share = np.where(np.isnan(x), 0.0, weight[:, None])
    share /= share.sum(axis=0)
    mean: Floats = (share * np.nan_to_num(x)).sum(axis=0)
    return mean, np.sqrt((share * np.nan_to_num(x - mean) ** 2).sum(axis=0))


def _plain(text: str) -> str:
    """LightGBM's text without the parameters at its end, which tell of the machine (threads) and not of the model."""
    return text[: text.index("\nparameters:")] + "\n" if "\nparameters:" in text else text
