"""A scorecard has few lines of whole points, says what the model says as well as they can, and is exactly what is pasted."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from features.compute import compute
from features.dataset import Dataset
from models.calibration import to_probability
from models.feature_set import fit_feature_set
from models.rules import Rules
from models.rules_settings import Range, RulesSettings
from models.settings import read_settings
from models.strength import strength_of
from tests.conftest import DATASETS, shared_data
from tests.small_world import SmallWorld
from training.learn import learn
from training.scorecard.distil import Distiller, reachable
from training.scorecard.fitting import Problem, _fit, exchange, log_loss, select
from training.scorecard.judge import Judged, judged_scorecard
from training.scorecard.lines import Line, design, possible_lines
from training.scorecard.rounding import whole_points
from training.split import split

MOST = 10


@pytest.fixture(scope="module")
def distiller(world: SmallWorld) -> Distiller:
    return Distiller(world.scorer, world.dataset, world.parts)


@pytest.fixture(scope="module")
def judged(world: SmallWorld, distiller: Distiller) -> Judged:
    return judged_scorecard(distiller, world.dataset, MOST)


# On hand-made problems


def line(name: str, sign: int = 0) -> Line:
    return Line("signal", name, name, sign)


def problem(points: list[int], doubling: int, signs: list[int] | None = None, rows: int = 4_000) -> Problem:
    """Columns of chance, and the probability that so many points on such a scale stand for."""
    columns = np.random.default_rng(0).random((rows, len(points))).round(2)
    target = to_probability(columns @ np.array(points) * math.log(2) / doubling - 1.0)
    lines = [line(f"signal {i}", sign) for i, sign in enumerate(signs or [0] * len(points))]
    return Problem(lines, columns, target, np.ones(rows))


def test_points_that_made_the_target_are_found_again() -> None:
    known = problem([7, -4, 0, 12, 1], doubling=5)
    fit = exchange(known, select(known, 5))
    found = whole_points(known, fit)
    scale = 5 / found.doubling
    assert {place: number * scale for place, number in zip(found.chosen, found.points, strict=True)} == pytest.approx(
        {0: 7, 1: -4, 3: 12, 4: 1}, abs=scale / 2 + 1e-9
    )
    assert 0 < found.doubling <= 5


def test_the_lines_that_tell_most_come_first() -> None:
    known = problem([1, 9, -3, 5], doubling=3)
    assert select(known, 1).chosen == (1,)
    assert select(known, 2).chosen == (1, 3)
    assert set(select(known, 3).chosen) == {1, 2, 3}


def test_a_line_never_counts_against_its_sign() -> None:
    known = problem([6, 6, -6, -6], doubling=3, signs=[1, -1, 1, -1])
    fit = exchange(known, select(known, 4))
    assert sorted(fit.chosen) == [0, 3]
    found = whole_points(known, fit)
    points = dict(zip(found.chosen, found.points, strict=True))
    assert points[0] > 0 > points[3]


def test_a_line_whose_leads_are_never_won_keeps_a_sober_number() -> None:
    columns = np.column_stack((np.arange(2_000) % 2, np.arange(2_000) % 50 == 0)).astype(float)
    target = np.where(columns[:, 1] == 1, 0.0, 0.2 + 0.3 * columns[:, 0])
    known = Problem([line("often"), line("never won")], columns, target, np.ones(2_000))
    fit = select(known, 2)
    found = whole_points(known, fit)
    assert len(found.points) == 2
    for number, weight in zip(found.points, fit.weights, strict=True):
        assert abs(number - weight / found.slope) <= 2


@pytest.mark.parametrize("signs", [[0, 0, 0, 0], [1, 1, -1, -1], [-1, 0, 1, 0]])
def test_weights_are_those_of_a_general_optimiser(signs: list[int]) -> None:
    known = problem([4, -2, 3, -5], doubling=4, signs=signs, rows=500)
    found = _fit(known, (0, 1, 2, 3))
    bounds = [(None, None), *((0 if sign > 0 else None, 0 if sign < 0 else None) for sign in signs)]
    design = np.column_stack((np.ones(500), known.columns))
    other = minimize(lambda w: log_loss(design @ w, known.target, known.weight), np.zeros(5), bounds=bounds, method="L-BFGS-B", tol=1e-12)
    assert np.append(found.intercept, found.weights) == pytest.approx(other.x, abs=0.02)


def test_an_exchange_finds_what_a_greedy_choice_missed() -> None:
    """Two columns make the target; a third, their sum with some noise, looks best alone."""
    rng = np.random.default_rng(1)
    x = rng.random((3_000, 2))
    columns = np.column_stack((x, x.sum(axis=1) + 0.1 * rng.standard_normal(3_000)))
    known = Problem([line(name) for name in "abc"], columns, to_probability(2 * x[:, 0] + 1.6 * x[:, 1] - 2), np.ones(3_000))
    greedy = select(known, 2)
    assert 2 in greedy.chosen
    assert sorted(exchange(known, greedy).chosen) == [0, 1]


EDGE = st.one_of(st.none(), st.integers(0, 6).map(float))


@given(st.tuples(EDGE, EDGE), st.tuples(EDGE, EDGE))
def test_ranges_clash_where_the_rules_would_refuse_them(
    one: tuple[float | None, float | None], two: tuple[float | None, float | None]
) -> None:
    ranges = [Range(points=1, at_least=low, below=high) for low, high in (one, two)]
    if any(part.bounds[0] >= part.bounds[1] for part in ranges):
        return
    lines = [Line("range", "size", "", at_least=low, below=high) for low, high in (one, two)]
    try:
        RulesSettings(fit={"size": tuple(ranges)})
        stands = True
    except ValueError:
        stands = False
    assert lines[0].clashes(lines[1]) == lines[1].clashes(lines[0]) == (not stands)


# On a world


def test_the_table_is_short_whole_and_never_against_sense(world: SmallWorld, judged: Judged) -> None:
    told = json.loads(json.dumps(judged.to_dict(), allow_nan=False))
    assert 5 <= len(told["lines"]) <= MOST
    strengths = {signal.name: strength_of(signal) for signal in world.scorer.features.signals}
    for one in told["lines"]:
        assert isinstance(one["points"], int)
        assert one["points"] != 0
        if one["kind"] == "signal" and strengths[one["name"]] is not None:
            assert (one["points"] < 0) == (strengths[one["name"]] == "negative")


def test_pasted_into_the_file_it_gives_exactly_the_same_points(
    world: SmallWorld, distiller: Distiller, judged: Judged, tmp_path: Path
) -> None:
    shutil.copytree(world.folder / "data", tmp_path / "data")
    file = tmp_path / "data" / "leadheat.toml"
    assert "[rules" not in file.read_text()
    file.write_text(f"{file.read_text()}\n{judged.card.toml()}")
    source = read_settings(file)
    assert source.settings.rules == judged.card.settings
    dataset, test = Dataset.read(source.settings.data, source.root), world.parts.test
    features = fit_feature_set(dataset.history, source.settings.scoring, int(world.parts.train.as_of.max()))
    pasted = Rules(source.settings.rules, features)
    X = compute(features, dataset.history, test.lead, test.as_of)
    mine = Rules(judged.card.settings, distiller.features)
    assert (pasted.points(X) == mine.points(distiller.matrix(test))).all()
    assert (pasted.temperature(X) == mine.temperature(distiller.matrix(test))).all()
    assert pasted.points(X).std() > 1


def test_the_points_are_the_lines_added_up(distiller: Distiller, judged: Judged) -> None:
    card = judged.card
    X = distiller.matrix(distiller.parts.test)
    summed = design(card.lines, distiller.features, X, card.settings.half_life) @ np.array(card.points)
    points = Rules(card.settings, distiller.features).points(X)
    assert points == pytest.approx(summed, abs=1e-4)
    low, high = reachable(card)
    assert low <= points.min() <= points.max() <= high


def test_it_ranks_nearly_as_the_model_does(judged: Judged) -> None:
    auc = judged.against_champion["auc"]
    assert auc.difference > -0.06
    assert judged.figures["scorecard"]["auc"] == auc.a
    assert judged.figures["champion"]["auc"] == auc.b == pytest.approx(auc.a - auc.difference)
    assert judged.against_rules["auc"].b == judged.figures["rules"]["auc"]
    assert judged.figures["scorecard"]["ece"] < 0.03


def test_its_temperatures_follow_the_policy_of_the_model(world: SmallWorld, distiller: Distiller, judged: Judged) -> None:
    card, policy = judged.card, world.scorer.settings.temperature
    assert card.bands.policy == policy.policy == "lift"
    warm, hot = card.settings.warm, card.settings.hot
    calibration = Rules(card.settings, distiller.features).points(distiller.matrix(distiller.parts.calibrate))
    for threshold, edge in zip((warm, hot), card.bands.thresholds, strict=True):
        assert threshold == int(threshold)
        below, above = card.probability(np.array([threshold - 1.0, threshold + 1.0]))
        assert below < edge < above
        wanted = (card.probability(calibration) >= edge).mean()
        misses = [abs((calibration >= number).mean() - wanted) for number in (threshold - 1, threshold, threshold + 1)]
        assert misses[1] == min(misses)
    points = Rules(card.settings, distiller.features).points(distiller.matrix(distiller.parts.test))
    assert judged.bands["scorecard"]["hot"]["share"] == float((points >= hot).mean())
    assert judged.bands["champion"]["as_the_model"] == 1
    assert judged.bands["scorecard"]["as_the_model"] > judged.bands["rules"]["as_the_model"]


def test_what_points_stand_for_rises_and_doubles_the_odds(judged: Judged) -> None:
    marks = judged.table
    assert 5 <= len(marks) <= 12
    assert [mark["probability"] for mark in marks] == sorted({mark["probability"] for mark in marks})
    assert [mark["share_from_here"] for mark in marks] == sorted((mark["share_from_here"] for mark in marks), reverse=True)
    assert judged.card.slope * judged.card.doubling == pytest.approx(math.log(2))


def test_a_line_must_speak_of_some_leads(world: SmallWorld, distiller: Distiller) -> None:
    X = distiller.matrix(world.parts.train)
    lines = possible_lines(distiller.features, X)
    columns = design(lines, distiller.features, X, distiller.features.half_lives[0])
    assert ((columns != 0).mean(axis=0) >= 0.005).all()
    assert {one.kind for one in lines} == {"signal", "level", "range"}
    assert len(set(lines)) == len(lines)


# On real data


@pytest.mark.slow
def test_bpic2012_in_twenty_lines() -> None:
    shared_data("bpic2012")
    settings, root, _ = read_settings(DATASETS / "bpic2012.toml")
    dataset = Dataset.read(settings.data, root)
    parts = split(dataset, settings.snapshots, settings.model.calibration_share)
    found = judged_scorecard(Distiller(learn(dataset, parts, settings), dataset, parts), dataset, 20)
    assert found.against_rules["auc"].verdict != "worse"
    assert found.figures["scorecard"]["auc"] >= 0.79
    assert found.against_champion["auc"].difference > -0.025
    assert found.figures["scorecard"]["ece"] < 0.04
