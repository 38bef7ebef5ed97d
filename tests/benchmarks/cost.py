"""What a run costs by its size: the exponent, and a model of fixed, per-interaction and per-lead seconds that tells of sizes not tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

FITTED_FROM = 1_000_000
"""Interactions from which on the exponent is fitted: below, the start of the process is most of the time."""


@dataclass(frozen=True)
class Size:
    """One run."""

    interactions: int
    leads: int
    seconds: float


@dataclass(frozen=True)
class Cost:
    """Seconds of a run are ``fixed + per_interaction * interactions + per_lead * leads``, none of them negative.

    Attributes:
        residuals: of each run that was fitted: measured over modelled seconds, less 1.
    """

    fixed: float
    per_interaction: float
    per_lead: float
    residuals: tuple[float, ...]

    def seconds(self, interactions: float, leads: float) -> float:
        """What a run of this size would take here."""
        return self.fixed + self.per_interaction * interactions + self.per_lead * leads

    def on_cluster(self, interactions: float, leads: float, machines: int, factor: float = 1.0) -> float:
        """Seconds on so many machines like this one.

        Args:
            interactions: of all leads.
            leads: hashed evenly over the machines.
            machines: each with the processors of this one, and its share of the data as near as it is here.
            factor: what the cluster's engine takes of a machine's time, as a multiple of the time here.
        """
        share = self.seconds(interactions, leads) - self.fixed
        return self.fixed + factor * share / machines


def fit_cost(runs: Sequence[Size]) -> Cost:
    """The least squares of relative residuals, no coefficient below zero.

    Raises:
        ValueError: fewer than three runs, or all with as many interactions a lead, which leaves the two apart unknown.
    """
    if len(runs) < 3 or len({round(run.interactions / run.leads, 1) for run in runs}) < 2:
        raise ValueError("A model of the cost needs three runs or more, of at least two densities.")
    design = np.array([[1.0, run.interactions, run.leads] for run in runs])
    seconds = np.array([run.seconds for run in runs])
    scale = design.max(axis=0)  # or the solver would take seconds an interaction for nothing
    coefficients, _ = nnls(design / scale / seconds[:, None], np.ones(len(runs)))
    fixed, per_interaction, per_lead = (coefficients / scale).tolist()
    modelled = design @ (coefficients / scale)
    return Cost(fixed, per_interaction, per_lead, tuple((seconds / modelled - 1).tolist()))


def exponent(runs: Sequence[Size], smallest: int = FITTED_FROM) -> float | None:
    """The slope of log seconds over log interactions, by least squares, of the runs from ``smallest`` on; None for fewer than two sizes."""
    large = [run for run in runs if run.interactions >= smallest]
    if len({run.interactions for run in large}) < 2:
        return None
    x, y = (np.log([getattr(run, name) for run in large]) for name in ("interactions", "seconds"))
    return float(np.polyfit(x, y, 1)[0])


def sizes_of(rows: Sequence[dict[str, Any]]) -> list[Size]:
    """The runs that came to their end."""
    return [Size(row["interactions"], row["leads"], row["seconds"]) for row in rows if row.get("seconds")]
