"""The gate lets through what is good or tied, and names what is not."""

from __future__ import annotations

import json
from math import nan

import numpy as np
import pytest

from models.gate import Gate, GateSettings, calibrated, enough_positives, gate, passed, reason
from training.bootstrap import Difference, Verdict, paired
from training.metrics import Predictions

GOOD = {"rows": 5905, "positives": 800, "ece": 0.02}
SETTINGS = GateSettings()


def difference(low: float, high: float, verdict: Verdict) -> Difference:
    return Difference(0.0, 0.0, (low + high) / 2, low, high, verdict)


BETTER, TIE, WORSE = difference(0.01, 0.05, "better"), difference(-0.01, 0.02, "tie"), difference(-0.05, -0.01, "worse")


@pytest.mark.parametrize(
    ("rules", "champion", "failing"),
    [
        (BETTER, None, []),
        (TIE, None, []),
        (WORSE, None, ["not_worse_than_rules_auc"]),
        (BETTER, {"auc": TIE, "brier": BETTER}, []),
        (BETTER, {"auc": WORSE, "brier": TIE}, ["not_worse_than_champion_auc"]),
        (BETTER, {"auc": TIE, "brier": WORSE}, ["not_worse_than_champion_brier"]),
        (
            WORSE,
            {"auc": WORSE, "brier": WORSE},
            ["not_worse_than_rules_auc", "not_worse_than_champion_auc", "not_worse_than_champion_brier"],
        ),
    ],
)
def test_only_what_is_worse_fails(rules: Difference, champion: dict[str, Difference] | None, failing: list[str]) -> None:
    verdicts = gate(GOOD, SETTINGS, {"auc": rules}, champion)
    assert [verdict.name for verdict in verdicts if not verdict.passed] == failing
    assert passed(verdicts) == (not failing)
    assert reason(verdicts).startswith("refused: " if failing else "all gates hold")
    assert all(name in reason(verdicts) for name in failing)


@pytest.mark.parametrize(("positives", "holds"), [(29, False), (30, True)])
def test_too_few_positives_decide_nothing(*, positives: int, holds: bool) -> None:
    verdict = enough_positives(GOOD | {"positives": positives}, SETTINGS)
    assert (verdict.passed, verdict.figure, verdict.limit) == (holds, positives, 30)


def test_perfect_probabilities_pass_whatever_the_size_and_shifted_ones_do_not() -> None:
    rng = np.random.default_rng(0)
    for rows in (200, 1_000, 20_000):
        held = {"right": 0, "shifted": 0}
        for _ in range(50):
            p = rng.beta(1, 7, rows)
            y = rng.random(rows) < p
            for kind, stated in (("right", p), ("shifted", np.minimum(p + 0.15, 1))):
                held[kind] += calibrated(Predictions(y, stated).figures().to_dict(), SETTINGS).passed
        assert held == {"right": 50, "shifted": 0}


def test_figures_that_are_not_defined_do_not_pass_as_good() -> None:
    nobody_won = Predictions([0, 0, 0], [0.1, 0.2, 0.3]).figures().to_dict()
    verdicts = gate(nobody_won, SETTINGS, paired([0, 0, 0], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1], resamples=20))
    assert not passed(verdicts)
    assert not calibrated(GOOD | {"ece": None}, SETTINGS).passed
    undefined = gate(GOOD, SETTINGS, {"auc": difference(nan, nan, "tie")})
    assert json.loads(json.dumps([verdict.to_dict() for verdict in undefined], allow_nan=False))[-1]["figure"] is None


def test_a_verdict_is_json() -> None:
    assert Gate("calibrated", passed=True, figure=0.01, limit=0.03, detail="fine").to_dict() == {
        "name": "calibrated",
        "passed": True,
        "figure": 0.01,
        "limit": 0.03,
        "detail": "fine",
    }
