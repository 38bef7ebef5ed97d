"""Who learns: each finds its number of trees on the same held-out leads, then learns so many from all rows, as leadheat does.

Learning rate, the most trees, the patience and the threads are leadheat's for all; the rest is as each library has it when nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.calibration import to_probability
from models.learning import LearningSettings
from models.margin import BoosterMargin
from tests.benchmarks.limits import THREADS

SEED = 0


class Part(NamedTuple):
    """Features float32[m, F], labels and weights float64[m]."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    def of(self, rows: np.ndarray) -> Part:
        """Some of the rows."""
        return Part(self.X[rows], self.y[rows], self.weight[rows])


@dataclass(frozen=True, eq=False)
class Matrices:
    """What all learn from and are judged on.

    Attributes:
        X, y, weight: training rows.
        held_out: bool[m], rows of leads that are kept out while the number of trees is looked for.
        later: bool[m], those of them on which it is found.
        X_test, y_test, lead_test: later rows, and whose they are.
        categorical: positions of columns that hold codes.
        learning: leadheat's settings, as JSON.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    held_out: np.ndarray
    later: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    lead_test: np.ndarray
    categorical: np.ndarray
    learning: np.ndarray

    @classmethod
    def read(cls, file: Path) -> Matrices:
        with np.load(file) as arrays:
            return cls(**{one.name: arrays[one.name] for one in fields(cls)})

    def write(self, file: Path) -> None:
        np.savez(file, **{one.name: getattr(self, one.name) for one in fields(self)})

    @property
    def everything(self) -> Part:
        """All training rows."""
        return Part(self.X, self.y, self.weight)

    @property
    def settings(self) -> LearningSettings:
        """How leadheat learns."""
        return LearningSettings.model_validate_json(str(self.learning))


class Learnt(NamedTuple):
    """Probabilities of the test rows and how many trees give them."""

    probability: np.ndarray
    rounds: int


Fit = Callable[[Part, Part | None, int], tuple[Any, int]]
"""Learn from a part at most so many trees, stopping by another part where there is one: the model, and the best number of trees."""


def two_steps(given: Matrices, fit: Fit) -> tuple[Any, int]:
    """Find the number of trees, then learn from all rows."""
    most, learn = given.settings.rounds, given.everything
    _, best = fit(learn.of(~given.held_out), learn.of(given.later), most)
    model, _ = fit(learn, None, max(best, 1))
    return model, max(best, 1)


def leadheat_trees(given: Matrices) -> Learnt:
    """LightGBM with leadheat's settings: what ``leadheat train`` learns, without features, calibration and bands."""
    from models.conversion import BoostingClassifier

    def fit(learn: Part, stop: Part | None, most: int) -> tuple[BoosterMargin, int]:
        later = None if stop is None else (stop.X, stop.y)
        model = BoostingClassifier(given.settings, tuple(given.categorical.tolist()), most, THREADS).fit(*learn, later)
        return model.margin_, model.rounds_  # type: ignore[return-value]

    margin, rounds = two_steps(given, fit)
    return Learnt(to_probability(margin.margin(given.X_test, THREADS)), rounds)


def lightgbm_alone(given: Matrices) -> Learnt:
    """LightGBM as it is."""
    import lightgbm

    def fit(learn: Part, stop: Part | None, most: int) -> tuple[lightgbm.LGBMClassifier, int]:
        rate = given.settings.learning_rate
        model = lightgbm.LGBMClassifier(n_estimators=most, learning_rate=rate, n_jobs=THREADS, random_state=SEED, verbose=-1)
        watch: dict[str, Any] = {}
        if stop is not None:
            callbacks = [lightgbm.early_stopping(given.settings.patience, verbose=False)]
            watch = {"eval_X": stop.X, "eval_y": stop.y, "eval_metric": "binary_logloss", "callbacks": callbacks}
        model.fit(learn.X, learn.y, sample_weight=learn.weight, categorical_feature=given.categorical.tolist(), **watch)
        return model, model.best_iteration_ or most

    model, rounds = two_steps(given, fit)
    return Learnt(np.asarray(model.predict_proba(given.X_test))[:, 1], rounds)


def hist_gradient_boosting(given: Matrices) -> Learnt:
    """scikit-learn, without the columns that are empty, which it cannot take; its threads are those of the environment."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    filled = np.flatnonzero(~np.isnan(given.X[~given.held_out]).all(axis=0))

    def fit(learn: Part, stop: Part | None, most: int) -> tuple[HistGradientBoostingClassifier, int]:
        model = HistGradientBoostingClassifier(
            max_iter=most,
            learning_rate=given.settings.learning_rate,
            categorical_features=np.isin(filled, given.categorical),
            early_stopping=stop is not None,
            n_iter_no_change=given.settings.patience,
            random_state=SEED,
        )
        watch = {} if stop is None else {"X_val": stop.X[:, filled], "y_val": stop.y}
        model.fit(learn.X[:, filled], learn.y, sample_weight=learn.weight, **watch)
        return model, int(np.argmax(model.validation_score_)) if stop is not None else most

    model, rounds = two_steps(given, fit)
    return Learnt(model.predict_proba(given.X_test[:, filled])[:, 1], rounds)


def xgboost(given: Matrices) -> Learnt:
    """XGBoost, by histograms, as it is."""
    import xgboost as xgb

    kinds = ["c" if column in given.categorical else "q" for column in range(given.X.shape[1])]

    def fit(learn: Part, stop: Part | None, most: int) -> tuple[xgb.XGBClassifier, int]:
        model = xgb.XGBClassifier(
            n_estimators=most,
            learning_rate=given.settings.learning_rate,
            early_stopping_rounds=None if stop is None else given.settings.patience,
            eval_metric="logloss",
            feature_types=kinds,
            enable_categorical=True,
            n_jobs=THREADS,
            random_state=SEED,
        )
        watch = None if stop is None else [(stop.X, stop.y)]
        model.fit(learn.X, learn.y, sample_weight=learn.weight, eval_set=watch, verbose=False)
        return model, most if stop is None else model.best_iteration + 1

    model, rounds = two_steps(given, fit)
    return Learnt(model.predict_proba(given.X_test)[:, 1], rounds)


def catboost(given: Matrices) -> Learnt:
    """CatBoost as it is; it takes codes as whole numbers in a data frame."""
    import catboost as cat
    import pandas as pd

    names = given.categorical.tolist()

    def frame(X: np.ndarray) -> pd.DataFrame:
        table = pd.DataFrame(X)
        table[names] = table[names].fillna(-1).astype(int)
        return table

    def fit(learn: Part, stop: Part | None, most: int) -> tuple[cat.CatBoostClassifier, int]:
        model = cat.CatBoostClassifier(
            iterations=most,
            learning_rate=given.settings.learning_rate,
            thread_count=THREADS,
            random_seed=SEED,
            cat_features=names,
            allow_writing_files=False,
            verbose=False,
        )
        watch = {} if stop is None else {"eval_set": (frame(stop.X), stop.y), "early_stopping_rounds": given.settings.patience}
        model.fit(frame(learn.X), learn.y, sample_weight=learn.weight, **watch)
        return model, most if stop is None else model.get_best_iteration() + 1

    model, rounds = two_steps(given, fit)
    return Learnt(model.predict_proba(frame(given.X_test))[:, 1], rounds)


TRAINERS: dict[str, tuple[str, Callable[[Matrices], Learnt]]] = {
    "leadheat_trees": ("LightGBM, leadheat's settings", leadheat_trees),
    "lightgbm": ("LightGBM", lightgbm_alone),
    "hist_gradient_boosting": ("scikit-learn, HistGradientBoosting", hist_gradient_boosting),
    "xgboost": ("XGBoost", xgboost),
    "catboost": ("CatBoost", catboost),
}
"""Title and function of those who learn from the same matrices."""
