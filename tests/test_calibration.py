"""A calibration keeps the order, never says 0 or 1, and is only as complex as the data supports."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from features.contract import ModelError
from models.calibrate import LEAST_OF_EACH, choose_calibration
from models.calibration import METHODS, Calibration, Floats, Method, to_probability
from models.calibration_fit import LEAST_SLOPE, fit_calibration, recalibrate

Labels = npt.NDArray[np.int64]
CURVE = Calibration("isotonic", slope=0.5, intercept=0.1, knots=(-3.0, -1.0, 2.0), levels=(-4.0, -3.5, 1.0))
ROWS = st.lists(st.tuples(st.floats(-30, 30), st.integers(0, 1), st.floats(0.1, 10)), min_size=3, max_size=60)


def draw(rows: int, shift_and_slope: tuple[float, float] = (0.0, 1.0), seed: int = 0) -> tuple[Floats, Labels]:
    """Margins, and labels drawn with the log-odds ``shift + slope * margin``."""
    shift, slope = shift_and_slope
    rng = np.random.default_rng(seed)
    margin = rng.normal(-1.5, 1.3, rows)
    return margin, (rng.random(rows) < to_probability(shift + slope * margin)).astype(np.int64)


def log_loss(calibration: Calibration, margin: Floats, y: Labels) -> float:
    z = calibration.log_odds(margin)
    return float(np.mean(np.logaddexp(0, z) - y * z))


@given(ROWS, st.sampled_from(METHODS))
@settings(max_examples=200, deadline=None)
def test_every_fit_increases_strictly(rows: list[tuple[float, int, float]], method: Method) -> None:
    margin, y, weight = (np.array(column) for column in zip(*rows, strict=True))
    calibration = fit_calibration(method, margin, y, weight)
    at = np.unique(np.round(np.concatenate([np.linspace(-60, 60, 501), margin, calibration.knots]), 3))
    log_odds = calibration.log_odds(at)
    assert (np.diff(log_odds) > 0).all()
    assert np.isfinite(log_odds).all()


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=50), st.sampled_from([Calibration(), Calibration("sigmoid", 0.3, 1.0), CURVE]))
def test_order_is_kept_to_the_last_bit_and_no_probability_is_0_or_1(margins: list[float], calibration: Calibration) -> None:
    margin = np.sort(np.concatenate([margins, np.nextafter(margins, np.inf), calibration.knots, np.nextafter(calibration.knots, -np.inf)]))
    probability = calibration.probability(margin)
    assert (np.diff(calibration.log_odds(margin)) >= 0).all()
    assert (np.diff(probability) >= 0).all()
    assert ((probability > 0) & (probability < 1)).all()


def test_pieces_of_a_curve_meet_without_a_step_down() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        knots, levels = (np.sort(rng.normal(0, 3, 40)) for _ in range(2))
        curve = Calibration("isotonic", 1.0, 0.0, tuple(knots.tolist()), tuple(levels.tolist()))
        assert (curve.log_odds(np.nextafter(knots, -np.inf)) <= curve.log_odds(knots)).all()


@pytest.mark.parametrize("calibration", [Calibration(), Calibration("offset", 1.0, -0.3), Calibration("sigmoid", 0.7, 0.2), CURVE])
def test_one_row_alone_equals_the_row_in_a_batch(calibration: Calibration) -> None:
    margin = np.random.default_rng(3).normal(0, 4, 1001)
    alone = np.array([calibration.probability(margin[i : i + 1])[0] for i in range(len(margin))])
    assert (alone == calibration.probability(margin)).all()


@pytest.mark.parametrize("calibration", [Calibration(), Calibration("offset", 1.0, -0.3), Calibration("sigmoid", 1 / 3, 0.2), CURVE])
def test_json_gives_an_equal_calibration_back(calibration: Calibration) -> None:
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


def test_a_curve_is_straight_between_its_points_and_goes_on_beyond_them() -> None:
    assert CURVE.log_odds(np.array([-5.0, -3.0, -2.0, 0.5, 2.0, 4.0])).tolist() == pytest.approx([-4.9, -3.9, -3.65, -1.15, 1.1, 2.1])


@pytest.mark.parametrize(
    "change",
    [
        {"slope": 0.0},
        {"slope": float("nan")},
        {"intercept": float("inf")},
        {"method": "isotonic"},
        {"knots": [1.0]},
        {"method": "isotonic", "knots": [0.0, 1.0], "levels": [1.0, 1.0]},
        {"method": "isotonic", "knots": [1.0, 0.0], "levels": [0.0, 1.0]},
        {"method": "spline"},
    ],
)
def test_a_map_that_does_not_increase_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="not a strictly increasing map"):
        Calibration.from_dict(Calibration().to_dict() | change)


@pytest.mark.parametrize(
    "values", [{"method": "none"}, Calibration().to_dict() | {"knots": 3}, Calibration().to_dict() | {"slope": "steep"}]
)
def test_a_damaged_calibration_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        Calibration.from_dict(values)


def test_the_sigmoid_is_logistic_regression_on_the_margin() -> None:
    margin, y = draw(20_000, (0.5, 0.6))
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    fitted = fit_calibration("sigmoid", margin, y, weight)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(margin[:, None], y, sample_weight=weight)
    assert fitted.slope == pytest.approx(reference.coef_[0, 0], abs=1e-3)  # apart only by the smoothed targets
    assert fitted.intercept == pytest.approx(reference.intercept_[0], abs=1e-3)


@pytest.mark.parametrize("method", METHODS[1:])
def test_calibrated_probabilities_add_up_to_the_won_rows(method: Method) -> None:
    margin, y = draw(5_000, (1.0, 0.5))
    assert fit_calibration(method, margin, y).probability(margin).sum() == pytest.approx(y.sum(), rel=0.02)


def test_the_isotonic_curve_passes_through_the_smoothed_rates_of_its_blocks() -> None:
    margin = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
    calibration = fit_calibration("isotonic", margin, np.array([0, 0, 1, 0, 1, 1]))
    assert calibration.knots == (-1.5, 0.5, 2.5)
    assert calibration.levels == pytest.approx([np.log(1 / 3), 0.0, np.log(3)])


def test_perfectly_parted_leads_still_get_finite_log_odds() -> None:
    margin = np.linspace(-1, 1, 100)
    y = (margin > 0).astype(int)
    for method in METHODS:
        assert np.abs(fit_calibration(method, margin, y).log_odds(margin)).max() < 30


def test_a_ranking_that_is_upside_down_is_flattened_and_never_turned() -> None:
    margin, y = draw(2_000, (0.0, -1.0))
    fitted = fit_calibration("sigmoid", margin, y)
    assert fitted.slope == LEAST_SLOPE
    assert fitted.probability(margin).mean() == pytest.approx(y.mean(), abs=0.01)


@pytest.mark.parametrize(
    ("shift", "slope", "expected"),
    [(0.0, 1.0, "none"), (0.7, 1.0, "offset"), (0.2, 0.5, "sigmoid")],
    ids=["calibrated", "moved", "too bold"],
)
def test_the_choice_finds_what_is_wrong(shift: float, slope: float, expected: Method) -> None:
    margin, y = draw(6_000, (shift, slope), seed=1)
    choice = choose_calibration(margin, y)
    assert choice.calibration.method == expected
    fresh = draw(50_000, (shift, slope), seed=9)
    assert log_loss(choice.calibration, *fresh) < log_loss(Calibration("sigmoid", slope, shift), *fresh) + 1e-3


def test_isotonic_is_chosen_for_a_bend_and_only_with_enough_won_leads() -> None:
    rng = np.random.default_rng(0)
    margin = rng.normal(-1.5, 1.5, 12_000)
    bent = np.where(margin < -2, margin, -2 + 0.1 * (margin + 2))
    y = (rng.random(len(margin)) < to_probability(bent)).astype(int)
    assert choose_calibration(margin, y).calibration.method == "isotonic"
    few = choose_calibration(margin[:1_200], y[:1_200])
    assert few.calibration.method == "sigmoid"
    assert y[:1_200].sum() < LEAST_OF_EACH["isotonic"]
    assert "needs 200 won" in few.candidates[-1].note


def test_a_lead_that_is_repeated_counts_as_one() -> None:
    """A gain that comes from copies of the same few leads is no evidence."""
    margin, y = draw(200, (0.4, 1.0), seed=4)
    copies = np.repeat(np.arange(len(y)), 50)
    alone = choose_calibration(margin[copies], y[copies])
    together = choose_calibration(margin[copies], y[copies], groups=copies)
    error = [next(c.standard_error for c in choice.candidates if c.method == "offset") for choice in (alone, together)]
    assert error[1] is not None
    assert error[0] is not None
    assert error[1] > 5 * error[0]


def test_the_choice_is_repeatable_and_its_report_is_json() -> None:
    margin, y = draw(3_000, (0.3, 0.8))
    groups = np.arange(len(y)) // 3
    choice = choose_calibration(margin, y, groups)
    assert choice == choose_calibration(margin, y, groups)
    report = json.loads(json.dumps(choice.to_dict()))
    assert [candidate["method"] for candidate in report["candidates"]] == list(METHODS)
    assert report["method"] == choice.calibration.method


@pytest.mark.parametrize(("margin", "y"), [([0.3] * 50, [0, 1] * 25), ([0.1, 0.2, 0.3], [0, 1, 0]), ([0.5], [1])])
def test_too_little_to_calibrate_on_leaves_the_margin_as_it_is(margin: list[float], y: list[int]) -> None:
    choice = choose_calibration(np.array(margin), np.array(y))
    assert choice.calibration == Calibration()
    assert all(candidate.note.startswith("not tried: ") for candidate in choice.candidates[1:])


@pytest.mark.parametrize("start", [Calibration(), Calibration("sigmoid", 0.8, 0.1), CURVE])
def test_recalibrating_follows_the_base_rate_and_keeps_the_shape(start: Calibration) -> None:
    margin, y = draw(5_000, (1.2, 1.0))
    moved = recalibrate(start, margin, y)
    assert moved.probability(margin).mean() == pytest.approx(y.mean(), abs=2e-3)
    shift = moved.log_odds(margin) - start.log_odds(margin)
    assert np.ptp(shift) < 1e-12


@pytest.mark.parametrize(
    ("margin", "y", "weight", "message"),
    [
        ([], [], None, "same rows"),
        ([0.1, 0.2], [1], None, "same rows"),
        ([0.1, np.nan], [1, 0], None, "finite margins"),
        ([0.1, 0.2], [1, -1], None, "labels of 0 or 1"),
        ([0.1, 0.2], [1, 0], [1.0, 0.0], "weights above 0"),
    ],
)
def test_unusable_rows_are_refused(margin: list[float], y: list[int], weight: list[float] | None, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        choose_calibration(np.array(margin), y, weight=weight)
