"""The search space: which settings a tuning tries.

=============  ===================================================  ===========================================================
setting        values                                               what it does
=============  ===================================================  ===========================================================
feature set    as configured, or one of ``SETS``                    windows and half-lives: how soon what a lead did grows old
leaves         4 to 63, logarithmic                                 how many signals one tree can put together
rows_per_leaf  10 to 300, logarithmic                               how many snapshots a tree needs to say something
column_share   0.1 to 1, logarithmic                                how many features each tree may look at
row_share      0.5 to 1                                             how many snapshots each tree learns from
l2             0.1 to 100, logarithmic                              how cautious each tree is
path_smooth    0, 1, 10 or 100                                      how much small leaves follow those above them
penalty        0.0001 to 1, logarithmic                             instead of all these where the model is logistic regression
=============  ===================================================  ===========================================================

The learning rate stays as configured, for the number of trees is found anew for every trial.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from features.contract import DAY, HOUR, format_duration
from models.learning import FEWEST_WON
from models.settings import Settings

CONFIGURED = "as configured"
SETS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "hours": ((6 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY), (12 * HOUR, 2 * DAY, 7 * DAY)),
    "days": ((DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY), (2 * DAY, 7 * DAY, 21 * DAY)),
    "weeks": ((7 * DAY, 14 * DAY, 30 * DAY, 60 * DAY, 120 * DAY), (7 * DAY, 30 * DAY, 60 * DAY)),
    "months": ((7 * DAY, 30 * DAY, 90 * DAY, 180 * DAY, 365 * DAY), (14 * DAY, 60 * DAY, 180 * DAY)),
}
"""Windows and half-lives that are tried, by name."""
_FEATURES = {"features": CategoricalDistribution([CONFIGURED, *SETS])}
_BOOSTING = {
    "leaves": IntDistribution(4, 63, log=True),
    "rows_per_leaf": IntDistribution(10, 300, log=True),
    "column_share": FloatDistribution(0.1, 1.0, log=True),
    "row_share": FloatDistribution(0.5, 1.0),
    "l2": FloatDistribution(0.1, 100.0, log=True),
    "path_smooth": CategoricalDistribution([0.0, 1.0, 10.0, 100.0]),
}
_LOGISTIC = {"penalty": FloatDistribution(1e-4, 1.0, log=True)}


def space(kind: str) -> dict[str, BaseDistribution]:
    """The distributions that are drawn from, for a kind of model."""
    return {**_FEATURES, **(_BOOSTING if kind == "boosting" else _LOGISTIC)}


def tried(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The settings with the values of a trial, which few won leads do not change any more."""
    chosen = {name: value for name, value in values.items() if name != "features"}
    model = settings.model.model_copy(update=chosen | {"plenty": FEWEST_WON})
    features = settings.features
    if values["features"] != CONFIGURED:
        windows, half_lives = SETS[values["features"]]
        features = features.model_copy(update={"windows": windows, "half_lives": half_lives})
    return settings.model_copy(update={"model": model, "features": features})


def rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a trial with three significant digits, so that what is written down is what was tried."""
    return {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in values.items()}


def snippet(settings: Settings, kind: str) -> str:
    """The tuned tables of ``leadheat.toml``, to be pasted into it."""
    names = (*(name for name in space(kind) if name != "features"), "plenty")
    model = [f"{name} = {_toml(getattr(settings.model, name))}" for name in names]
    durations = {name: [format_duration(value) for value in getattr(settings.features, name)] for name in ("windows", "half_lives")}
    features = [f"{name} = {_toml(values)}" for name, values in durations.items()]
    return "\n".join(["[model]", *model, "", "[features]", *features, ""])


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list) else repr(value)
