"""The figures are those that scikit-learn and the definitions give, whether rows are repeated or counted."""

from __future__ import annotations

import json
import math
import random
import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from features.contract import ModelError
from models.intervals import wilson
from training.bootstrap import bootstrap, paired, resample
from training.metrics import COMPARED, Floats, Predictions

Labels = npt.NDArray[np.int64]
ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8).map(lambda n: n / 8), st.integers(0, 5)), min_size=1, max_size=60)


def sample(rows: int, leads: int, seed: int = 0) -> tuple[Labels, Floats, Labels]:
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 5, rows)
    return (rng.random(rows) < p).astype(np.int64), p, rng.integers(0, leads, rows)


@given(ROWS)
@settings(deadline=None)
def test_figures_equal_scikit_learn_with_ties(rows: list[tuple[int, float, int]]) -> None:
    y, p, lead = (np.array(column) for column in zip(*rows, strict=True))
    figures = Predictions(y, p, lead).figures()
    assert figures.brier == pytest.approx(reference.brier_score_loss(y, p))
    assert figures.log_loss == pytest.approx(reference.log_loss(y, p, labels=[0, 1]))
    if y.any():
        assert figures.average_precision == pytest.approx(reference.average_precision_score(y, p))
    if 0 < y.sum() < len(y):
        assert figures.auc == pytest.approx(reference.roc_auc_score(y, p), abs=1e-14)


@given(ROWS, st.data())
@settings(deadline=None)
def test_a_lead_that_counts_three_times_is_a_lead_that_stands_there_three_times(
    rows: list[tuple[int, float, int]], data: st.DataObject
) -> None:
    y, p, lead = (np.array(column) for column in zip(*rows, strict=True))
    predictions = Predictions(y, p, lead)
    times = np.array(data.draw(st.lists(st.integers(0, 4), min_size=predictions.leads, max_size=predictions.leads)))
    code = np.unique(lead, return_inverse=True)[1]
    copies = np.repeat(np.arange(len(y)), times[code])
    if not len(copies):
        return
    counted = predictions.evaluate(times)
    repeated = Predictions(y[copies], p[copies], lead[copies])
    assert counted.tolist() == pytest.approx(repeated.evaluate(np.ones(repeated.leads, dtype=np.int64)).tolist(), abs=1e-12, nan_ok=True)


def test_ece_is_the_mean_distance_of_ten_bins_of_equal_count() -> None:
    y, p, _ = sample(1_000, 1_000)
    order = np.argsort(p).reshape(10, 100)
    expected = np.mean(np.abs(y[order].mean(axis=1) - p[order].mean(axis=1)))
    assert Predictions(y, p).figures().ece == pytest.approx(expected, abs=1e-12)


def test_ece_does_not_depend_on_the_order_of_equal_rows() -> None:
    y = np.array([1] * 30 + [0] * 70)
    assert Predictions(y, np.full(100, 0.3)).figures().ece == pytest.approx(0, abs=1e-12)
    assert Predictions(y, np.full(100, 0.1)).figures().ece == pytest.approx(0.2)


def test_lift_counts_the_top_tenth_rounded_up_and_breaks_ties_by_lead_id() -> None:
    lead = np.array([f"lead-{i:02}" for i in range(15)])
    p = np.full(15, 0.4)
    p[9] = 0.9
    y = np.zeros(15, dtype=int)
    y[[0, 9, 14]] = 1
    assert Predictions(y, p, lead).figures().lift_at_10 == pytest.approx((2 / 2) / (3 / 15))
    y[[0, 1]] = 0, 1
    assert Predictions(y, p, lead).figures().lift_at_10 == pytest.approx((1 / 2) / (3 / 15))
    shuffled = np.random.default_rng(0).permutation(15)
    assert Predictions(y[shuffled], p[shuffled], lead[shuffled]).figures() == Predictions(y, p, lead).figures()


@pytest.mark.parametrize(("rows", "percent", "count"), [(5_900, 10, 590), (140, 5, 7), (15, 20, 3), (5_905, 10, 591)])
def test_only_a_broken_number_of_rows_is_rounded_up(rows: int, percent: int, count: int) -> None:
    y, p, _ = sample(rows, rows, seed=2)
    top = np.argsort(-p)[:count]
    y[top[:-1]], y[top[-1]] = 1, 0
    figures = Predictions(y, p).figures().to_dict()
    assert figures[f"lift_at_{percent}"] == pytest.approx(y[top].mean() / y.mean())
    assert figures[f"gain_at_{percent}"] == pytest.approx(y[top].sum() / y.sum())


def test_the_work_for_80_percent_of_the_wins_ends_at_the_win_that_fills_them() -> None:
    p = np.linspace(0.99, 0.01, 20)
    y = np.zeros(20, dtype=int)
    y[[0, 2, 4, 9, 19]] = 1
    assert Predictions(y, p).figures().work_for_80 == pytest.approx(10 / 20)
    y[10] = 1  # 80 % of six are 4.8, so five must be found
    assert Predictions(y, p).figures().work_for_80 == pytest.approx(11 / 20)


@given(ROWS)
@settings(deadline=None)
def test_the_parts_of_the_brier_add_up(rows: list[tuple[int, float, int]]) -> None:
    """Each row is spread evenly over the places of all rows of its probability, and so over the ten bins."""
    y, p, lead = (np.array(column) for column in zip(*rows, strict=True))
    values, group = np.unique(p, return_inverse=True)
    count = np.bincount(group)
    begin = np.cumsum(count) - count
    edge = np.linspace(0, len(y), 11)
    overlap = np.minimum(edge[1:], (begin + count)[group][:, None]) - np.maximum(edge[:-1], begin[group][:, None])
    weight = np.maximum(overlap, 0) / count[group][:, None]
    mean_p, rate = (p @ weight) / weight.sum(axis=0), (y @ weight) / weight.sum(axis=0)
    share = weight / len(y)
    reliability = (share.sum(axis=0) * (mean_p - rate) ** 2).sum()
    resolution = (share.sum(axis=0) * (rate - y.mean()) ** 2).sum()
    within = (share * (p[:, None] - mean_p) ** 2).sum()
    together = 2 * (share * (p[:, None] - mean_p) * (y[:, None] - rate)).sum()
    figures = Predictions(y, p, lead).figures()
    assert len(values) == len(count)
    assert figures.brier_reliability == pytest.approx(reliability, abs=1e-12)
    assert figures.brier_resolution == pytest.approx(resolution - within + together, abs=1e-12)
    assert figures.brier_uncertainty == pytest.approx(y.mean() * (1 - y.mean()))
    assert figures.brier == pytest.approx(figures.brier_reliability - figures.brier_resolution + figures.brier_uncertainty, abs=1e-12)


def test_the_parts_of_the_brier_say_what_is_wrong() -> None:
    """The same ranking with probabilities that are twice too high has its resolution, but no reliability."""
    y = np.repeat([1, 0, 1, 0], [10, 90, 40, 60])
    honest, boasting = (Predictions(y, np.repeat([low, high], 100)).figures() for low, high in ((0.1, 0.4), (0.2, 0.8)))
    assert honest.brier_reliability == pytest.approx(0, abs=1e-12)
    assert honest.brier_resolution == pytest.approx(boasting.brier_resolution) == pytest.approx(0.15**2)
    assert boasting.brier_reliability == pytest.approx((0.1**2 + 0.4**2) / 2)


@given(ROWS, st.randoms())
@settings(deadline=None)
def test_figures_do_not_depend_on_the_order_of_rows(rows: list[tuple[int, float, int]], chance: random.Random) -> None:
    shuffled = chance.sample(rows, len(rows))
    first, again = (Predictions(*(np.array(column) for column in zip(*some, strict=True))) for some in (rows, shuffled))
    assert again.figures().to_dict() == pytest.approx(first.figures().to_dict(), abs=1e-14)
    assert again.figures().gain_at_20 == first.figures().gain_at_20 or not any(won for won, _, _ in rows)


def test_gains_rise_from_nothing_to_everything_and_are_straight_across_ties() -> None:
    y = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    p = np.array([0.9, 0.9, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    share, found = Predictions(y, p).gains(11)
    assert share.tolist() == pytest.approx(np.arange(11) / 10)
    assert found.tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1])


def test_reliability_tells_each_bin_with_its_interval() -> None:
    y, p, _ = sample(2_000, 2_000)
    table = Predictions(y, p).reliability()
    order = np.argsort(p).reshape(10, 200)
    assert table.rows.tolist() == [200] * 10
    assert table.expected == pytest.approx(p[order].mean(axis=1))
    assert table.rate == pytest.approx(y[order].mean(axis=1))
    low, high = wilson(table.rate, 200)
    assert table.low == pytest.approx(low)
    assert table.high == pytest.approx(high)


def test_equal_probabilities_share_a_bin() -> None:
    table = Predictions([0, 1] * 50, [0.2] * 60 + [0.7] * 40).reliability()
    assert table.rows.tolist() == [60, 40]
    assert table.expected == pytest.approx([0.2, 0.7])
    assert Predictions([1], [0.3]).reliability().rows.tolist() == [1]


@pytest.mark.parametrize("outcome", [0, 1])
def test_figures_of_one_outcome_are_undefined_and_still_json(outcome: int) -> None:
    figures = Predictions([outcome] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]).figures()
    assert math.isnan(figures.auc)
    assert math.isnan(figures.lift_at_10) == (outcome == 0)
    assert json.loads(json.dumps(figures.to_dict(), allow_nan=False))["auc"] is None
    low, high = bootstrap([outcome] * 5, [0.1, 0.2, 0.3, 0.4, 0.5], resamples=20)["auc"]
    assert math.isnan(low)
    assert math.isnan(high)


def test_the_interval_covers_the_truth_and_knows_that_rows_of_a_lead_are_alike() -> None:
    """400 leads, 6 equal rows each: the interval is that of 400 rows, not of 2,400."""
    y, p, _ = sample(400, 400, seed=3)
    copies = np.repeat(np.arange(400), 6)
    single, by_lead = bootstrap(y, p, resamples=300), bootstrap(y[copies], p[copies], copies, resamples=300)
    as_rows = bootstrap(y[copies], p[copies], resamples=300)
    for name in ("auc", "brier", "log_loss"):
        assert by_lead[name] == pytest.approx(single[name], rel=1e-9)
        assert np.diff(as_rows[name])[0] < 0.6 * np.diff(by_lead[name])[0]
    figures = Predictions(y, p).figures()
    assert single["auc"][0] < figures.auc < single["auc"][1]


def test_resamples_are_seeded() -> None:
    y, p, lead = sample(500, 200)
    assert bootstrap(y, p, lead, 50, seed=1) == bootstrap(y, p, lead, 50, seed=1)
    assert bootstrap(y, p, lead, 50, seed=1) != bootstrap(y, p, lead, 50, seed=2)


def test_a_better_ranking_is_called_better_and_a_copy_a_tie() -> None:
    y, p, lead = sample(4_000, 1_500)
    noisy = np.clip(p + np.random.default_rng(1).normal(0, 0.2, len(p)), 0.001, 0.999)
    forwards, backwards = paired(y, p, noisy, lead, 200), paired(y, noisy, p, lead, 200)
    assert {name: difference.verdict for name, difference in forwards.items()} == dict.fromkeys(COMPARED, "better")
    assert {name: difference.verdict for name, difference in backwards.items()} == dict.fromkeys(COMPARED, "worse")
    same = paired(y, p, p, lead, 50)
    assert {(difference.difference, difference.low, difference.high, difference.verdict) for difference in same.values()} == {
        (0, 0, 0, "tie")
    }


def test_one_pass_gives_what_two_passes_give() -> None:
    y, p, lead = sample(800, 300)
    q = np.round(p, 1)
    once = resample({"model": Predictions(y, p, lead), "rules": Predictions(y, q, lead)}, 60, seed=4)
    assert once.intervals("model") == bootstrap(y, p, lead, 60, seed=4)
    assert once.intervals("rules") == bootstrap(y, q, lead, 60, seed=4)
    assert once.differences("model", "rules") == paired(y, p, q, lead, 60, seed=4)


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    y, p, lead = sample(2_000, 700)
    told = []
    for threads in (1, 3, 8):
        monkeypatch.setattr("os.cpu_count", lambda threads=threads: threads)
        told.append(resample({"model": Predictions(y, p, lead)}, 60).values["model"].tobytes())
    assert len(set(told)) == 1


def test_predictions_of_other_leads_cannot_be_compared() -> None:
    with pytest.raises(ModelError, match="same rows"):
        resample({"model": Predictions([1, 0], [0.5, 0.4]), "rules": Predictions([1, 0], [0.5, 0.4], [1, 1])})


def test_a_difference_is_surer_than_its_two_sides() -> None:
    y, p, lead = sample(3_000, 1_000)
    close = np.clip(p * 1.05 + np.random.default_rng(2).normal(0, 0.01, len(p)), 0.001, 0.999)
    difference = paired(y, p, close, lead, 200)["auc"]
    alone = bootstrap(y, p, lead, 200)["auc"]
    assert difference.difference == pytest.approx(Predictions(y, p, lead).figures().auc - Predictions(y, close, lead).figures().auc)
    assert difference.low <= difference.difference <= difference.high
    assert difference.high - difference.low < (alone[1] - alone[0]) / 3
    assert json.loads(json.dumps(difference.to_dict()))["verdict"] == difference.verdict


def test_a_thousand_resamples_of_the_reference_test_set_take_a_moment() -> None:
    y, p, lead = sample(6_000, 2_500)
    start = time.process_time()
    bootstrap(y, p, lead)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([], [], "at least one row"),
        ([1, 0], [0.5], "at least one row"),
        ([1, 0], [0.5, np.nan], "from 0 to 1"),
        ([1, -1], [0.5, 0.5], "labels"),
    ],
)
def test_unusable_rows_are_refused(y: list[int], p: list[float], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Predictions(y, p)


def test_no_resamples_are_no_interval() -> None:
    with pytest.raises(ModelError, match="needs resamples"):
        bootstrap([1, 0], [0.5, 0.4], resamples=0)
