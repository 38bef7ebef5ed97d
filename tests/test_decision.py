"""What sales meet who follow model, rules or chance: small cases by hand, and what must always hold."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from features.contract import DAY
from features.snapshots import Snapshots
from tests.small_data import day
from tests.test_breakdown import judged
from training.decision import PER_DAY, decision_value
from training.evaluate import Evaluation

HORIZON = 14 * DAY


def looked_at(*rows: tuple[int, float, int, float, float]) -> Evaluation:
    """Snapshots: lead, day, label, probability of the model, of the rules."""
    lead, when, label, p, q = (np.array(column) for column in zip(*rows, strict=True))
    return judged(Snapshots(lead, np.array([day(one) for one in when]), label.astype(np.int8)), p.astype(float), q.astype(float))


def crowd(leads: int = 1_000, dates: int = 6, seed: int = 0) -> Evaluation:
    """Leads that are looked at every week; the model knows their chance, the rules only roughly."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 9, (leads, dates))
    label = rng.random((leads, dates)) < p
    rough = np.clip(p + rng.normal(0, 0.2, p.shape), 0.001, 0.999)
    lead, when = np.divmod(np.arange(leads * dates), dates)
    return judged(Snapshots(lead, day(1) + when * 7 * DAY, label.ravel().astype(np.int8)), p.ravel(), rough.ravel())


def test_the_best_are_worked_first_and_not_again_within_the_horizon() -> None:
    rows = [
        (0, 1, 1, 0.9, 0.1), (1, 1, 0, 0.8, 0.2), (2, 1, 0, 0.1, 0.9),
        (0, 2, 1, 0.9, 0.1), (1, 2, 1, 0.8, 0.2), (2, 2, 0, 0.1, 0.9),
        (0, 15, 1, 0.9, 0.1), (1, 15, 0, 0.7, 0.2), (2, 15, 1, 0.1, 0.9),
    ]  # fmt: skip
    # Three dates: day 1 (one day's work), day 2 (13 days'), day 15 (7 days', the median). With one lead a day the model leads
    # to lead 0 on day 1; to 1 and 2 on day 2, 0 being taken; and on day 15, a horizon after day 1, to 0 alone.
    one = decision_value(looked_at(*rows), HORIZON, [1])[0]
    assert (one.days, one.model.worked, one.model.wins) == (1 + 13 + 7, 4, 3)
    assert one.expected == pytest.approx(0.9 + 0.8 + 0.1 + 0.9)
    # The rules lead to 2 on day 1, to 1 and 0 on day 2, and on day 15 to 2 again.
    assert (one.rules.worked, one.rules.wins) == (4, 3)
    assert (one.difference.a, one.difference.b, one.difference.difference, one.difference.verdict) == (3, 3, 0, "tie")


def test_with_room_for_all_every_order_is_the_same_and_no_larger_one_is_told() -> None:
    told = decision_value(crowd(leads=200), HORIZON)
    assert [one.per_day for one in told] == [1, 2, 5, 10, 20, 40, 80][: len(told)]
    last = told[-1]
    assert len(told) < len(PER_DAY)
    assert last.model == last.rules
    assert last.model.wins == last.random.wins == last.random.low == last.random.high == last.possible
    assert (last.difference.low, last.difference.high, last.difference.verdict) == (0, 0, "tie")


def test_more_capacity_finds_more_and_a_better_order_finds_it_sooner() -> None:
    told = decision_value(crowd(), HORIZON, [2, 5, 10, 20])
    wins = [one.model.wins for one in told]
    assert wins == sorted(wins)
    for one in told[:3]:
        assert one.model.wins > one.rules.wins > one.random.high
        assert one.model.low < one.expected < one.model.high
        assert one.random.low < one.random.wins < one.random.high
        assert one.random.wins == pytest.approx(one.random.worked * 0.1, rel=0.2)
    assert told[1].difference.verdict == "better"
    assert told[1].difference.low < told[1].difference.difference == told[1].model.wins - told[1].rules.wins
    json.dumps([one.to_dict() for one in told], allow_nan=False)


def test_the_difference_is_turned_round_with_its_sides() -> None:
    evaluation = crowd()
    backwards = replace(
        evaluation,
        scored=evaluation.scored._replace(probability=evaluation.rules_probability),
        rules_probability=evaluation.probability,
    )
    there, back = (decision_value(one, HORIZON, [5])[0].difference for one in (evaluation, backwards))
    assert (there.verdict, back.verdict) == ("better", "worse")
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))


def test_the_order_of_rows_changes_nothing() -> None:
    evaluation = crowd(leads=100)
    order = np.random.default_rng(1).permutation(len(evaluation.snapshots))
    shuffled = judged(evaluation.snapshots.take(order), evaluation.probability[order], evaluation.rules_probability[order])
    for one, again in zip(decision_value(evaluation, HORIZON, [1, 3]), decision_value(shuffled, HORIZON, [1, 3]), strict=True):
        assert again.expected == pytest.approx(one.expected)
        assert replace(again, expected=0.0, difference=one.difference) == replace(one, expected=0.0)
        assert again.difference.low == pytest.approx(one.difference.low)


def test_nothing_is_worked_with_less_than_a_lead_a_turn() -> None:
    one = decision_value(crowd(leads=20), HORIZON, [0.1])[0]
    assert one.model.worked == one.rules.worked == one.random.worked == one.model.high == 0
