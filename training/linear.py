"""The simple model beside the trees: in every training, is logistic regression on the same features as good?"""

from __future__ import annotations

from typing import Any

import numpy as np

from features.snapshots import Snapshots
from models.calibrate import choose_calibration, unseen_log_odds
from models.calibration import Floats, to_probability
from training.bootstrap import Difference, paired

FIGURES = ("log_loss", "auc", "average_precision", "brier")
"""What the two are compared by; the verdict is that of the log loss, which both are learnt by."""


def compare_with_linear(trees: Floats, linear: Floats, rows: Snapshots, weight: Floats | None, seed: int) -> dict[str, Any]:
    """Trees and logistic regression on the calibration part, paired by lead.

    Each margin is calibrated the way that suits it, by other leads' rows: both are judged by probabilities for leads they never saw.

    Args:
        trees: margins, float64[m], of models that have not seen the lead (cross-fitting).
        linear: those of logistic regression, cross-fitted alike.
        rows: m matured snapshots.
        weight: float64[m], how much each row counts when a calibration is fitted; None for all alike.
        seed: of folds and resamples.

    Returns:
        JSON-ready: figures of the linear model, ``trees`` with those of the trees, ``difference`` trees minus linear with 95 % intervals,
        ``verdict`` on the trees (better, worse or tie) and ``words``.
    """
    ours, simple = (_probability(margin, rows, weight, seed) for margin in (trees, linear))
    differences = paired(rows.label, ours, simple, rows.lead, seed=seed)
    loss = differences["log_loss"]
    return {
        **{name: differences[name].to_dict()["b"] for name in FIGURES},
        "trees": {name: differences[name].to_dict()["a"] for name in FIGURES},
        "difference": {name: differences[name].to_dict() for name in FIGURES},
        "verdict": loss.verdict,
        "words": in_words(loss),
        "rows": len(rows),
    }


def _probability(margin: Floats, rows: Snapshots, weight: Floats | None, seed: int) -> Floats:
    method = choose_calibration(margin, rows.label, rows.lead, weight, seed).calibration.method
    return to_probability(unseen_log_odds(method, margin, rows.label, rows.lead, weight, seed))


def in_words(loss: Difference) -> str:
    """What the paired difference of the log losses, trees minus linear, says."""
    figures = f"log loss {loss.a:.4f} against {loss.b:.4f}, difference {loss.difference:+.4f} ({loss.low:+.4f} to {loss.high:+.4f})"
    if np.isnan(loss.low) or loss.verdict == "tie":
        return (
            f'The trees tie with logistic regression on the same features, {figures}: [model] kind = "logistic" would do, and is simpler.'
        )
    if loss.verdict == "better":
        return f"The trees beat logistic regression on the same features: {figures}."
    return f'Logistic regression on the same features beats the trees, {figures}: set kind = "logistic" in [model].'
