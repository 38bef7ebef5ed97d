"""The gate lets through what is good or tied, and names what is not."""

from __future__ import annotations

import json
from math import nan
from typing import Any

import numpy as np
import pytest

from models.gate import (
    Gate,
    GateSettings,
    SegmentDifference,
    audit_clean,
    beside_champion,
    beside_rules,
    calibrated,
    enough_positives,
    fast_enough,
    no_segment_badly_worse,
    passed,
    reason,
    same_everywhere,
)
from models.latency import Latency
from models.parity import Parity
from training.bootstrap import Difference, Verdict, paired
from training.metrics import Predictions

GOOD = {"rows": 5905, "positives": 800, "ece": 0.02}
SETTINGS = GateSettings()


def difference(low: float, high: float, verdict: Verdict) -> Difference:
    return Difference(0.0, 0.0, (low + high) / 2, low, high, verdict)


BETTER, TIE, WORSE = difference(0.01, 0.05, "better"), difference(-0.01, 0.02, "tie"), difference(-0.05, -0.01, "worse")


def compared(rules: Difference, champion: dict[str, Difference] | None) -> list[Gate]:
    return [enough_positives(GOOD, SETTINGS), calibrated(GOOD, SETTINGS), beside_rules(rules, SETTINGS), *beside_champion(champion, "")]


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
    verdicts = compared(rules, champion)
    assert [verdict.name for verdict in verdicts if not verdict.passed] == failing
    assert passed(verdicts) == (not failing)
    assert reason(verdicts).startswith("refused: " if failing else "all gates hold")
    assert all(name in reason(verdicts) for name in failing)


@pytest.mark.parametrize(("rules", "holds"), [(BETTER, True), (TIE, False), (WORSE, False)])
def test_the_settings_may_demand_better_than_the_rules(rules: Difference, *, holds: bool) -> None:
    verdict = beside_rules(rules, GateSettings(against_rules="better"))
    assert (verdict.name, verdict.passed) == ("better_than_rules_auc", holds)
    assert rules.verdict in verdict.detail


def test_a_champion_that_cannot_be_asked_is_said_and_does_not_hold() -> None:
    [verdict] = beside_champion(None, "the champion, version 3, answers another question")
    assert (verdict.name, verdict.passed) == ("compared_with_champion", False)
    assert "another question" in verdict.detail
    [nobody] = beside_champion(None, "")
    assert nobody.passed
    assert "no champion yet" in nobody.detail


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
    undefined = paired([0, 0, 0], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1], resamples=20)["auc"]
    assert not passed([enough_positives(nobody_won, SETTINGS), beside_rules(undefined, SETTINGS)])
    assert not calibrated(GOOD | {"ece": None}, SETTINGS).passed
    told = beside_rules(difference(nan, nan, "tie"), SETTINGS).to_dict()
    assert json.loads(json.dumps(told, allow_nan=False))["figure"] is None


@pytest.mark.parametrize(
    ("audit", "holds", "words"),
    [
        (None, False, "not audited"),
        ({"errors": [], "allowed": []}, True, "no error"),
        ({"errors": ["outcome_type"], "allowed": []}, False, "errors: outcome_type"),
        ({"errors": ["outcome_type"], "allowed": ["outcome_type"]}, True, "allowed as asked for: outcome_type"),
        ({"errors": ["outcome_type", "late"], "allowed": ["late"]}, False, "errors: outcome_type"),
    ],
)
def test_only_an_audit_without_errors_is_clean_or_one_whose_errors_were_allowed(
    audit: dict[str, Any] | None, words: str, *, holds: bool
) -> None:
    verdict = audit_clean(audit)
    assert verdict.passed == holds
    assert words in verdict.detail


def segment(value: str, difference: float, error: float) -> SegmentDifference:
    return SegmentDifference("industry", value, "AUC", difference, error)


def test_a_segment_fails_only_if_it_is_surely_worse_and_by_more_than_the_margin() -> None:
    fine = [segment("steel", 0.02, 0.01), segment("retail", -0.04, 0.001), segment("toys", -0.3, 0.2)]
    held = no_segment_badly_worse("champion", fine, SETTINGS)
    assert held.passed
    assert held.figure == -0.04
    verdict = no_segment_badly_worse("champion", [*fine, segment("paper", -0.1, 0.02)], SETTINGS)
    assert not verdict.passed
    assert (verdict.figure, verdict.limit) == (-0.1, -0.05)
    assert "industry paper: AUC -0.100" in verdict.detail
    assert "toys" not in verdict.detail


def test_among_many_segments_more_is_needed_to_be_sure() -> None:
    worse = segment("paper", -0.1, 0.05)
    assert not no_segment_badly_worse("rules", [worse], SETTINGS).passed
    assert no_segment_badly_worse("rules", [worse, *(segment(str(i), 0.0, 0.05) for i in range(50))], SETTINGS).passed


def test_segments_with_too_few_leads_decide_nothing() -> None:
    verdict = no_segment_badly_worse("rules", [], SETTINGS)
    assert verdict.passed
    assert "no segment holds enough won leads" in verdict.detail


def test_one_feature_that_differs_in_the_service_is_one_too_many() -> None:
    assert same_everywhere(Parity(100, ())).passed
    verdict = same_everywhere(Parity(100, ("age_days", "probability")))
    assert (verdict.passed, verdict.figure, verdict.limit) == (False, 2, 0)
    assert "age_days, probability" in verdict.detail
    assert not same_everywhere(Parity(0, ())).passed


def test_a_slow_version_does_not_hold() -> None:
    assert fast_enough(Latency(100, 2.0, 9.0), SETTINGS).passed
    verdict = fast_enough(Latency(100, 2.0, 9.0), GateSettings(max_latency_ms=5))
    assert (verdict.passed, verdict.figure, verdict.limit) == (False, 9.0, 5.0)
    assert "median 2.0 ms" in verdict.detail


def test_a_verdict_is_json() -> None:
    assert Gate("calibrated", passed=True, figure=0.01, limit=0.03, detail="fine").to_dict() == {
        "name": "calibrated",
        "passed": True,
        "figure": 0.01,
        "limit": 0.03,
        "detail": "fine",
    }
