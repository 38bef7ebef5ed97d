"""The formula of the true probability against the world run forward, and against itself with finer steps."""

from __future__ import annotations

import numpy as np
import pytest

from training.simulation.dynamics import FIT_LEVELS, HAZARDS, SILENT, WON, Dynamics, dynamics
from training.simulation.population import draw_block
from training.simulation.process import Lives, Starts, live
from training.simulation.truth import Horizons, true_probability, truth_tables
from training.simulation.world import KIND, STATES

AVERAGE_FIT = int(-FIT_LEVELS[0])
HORIZONS = Horizons(np.array([30.0, 200.0]), np.array([60.0, 228.0]))


def start_together(leads: int, states: dict[str, float], segment: int, intent: np.ndarray, created: float) -> Starts:
    """Leads that begin alike, from the states at that moment."""
    alike = np.zeros(leads, np.int64)
    begin = np.tile([states.get(name, 0.0) for name in STATES], (leads, 1))
    return Starts(np.arange(leads), np.full(leads, created), alike + segment, alike + AVERAGE_FIT, intent, alike + KIND["webinar"], begin)


@pytest.mark.parametrize(
    ("segment", "states"),
    [
        (0, {"touch": 1.0, "campaign": 1.0}),
        (4, {"interest": 2.0, "trust": 1.0, "request": 1.0}),
        (8, {"appointment": 2.0, "friction": 2.0}),
    ],
    ids=["cold, fresh", "warm, in full swing", "hot, with missed meetings"],
)
def test_the_formula_says_what_happens_when_the_world_runs_on(segment: int, states: dict[str, float]) -> None:
    leads = 60_000
    world = dynamics(hidden_intent=0.0, trend=0.002)
    starts = start_together(leads, states, segment, np.zeros(leads, np.int64), created=200.0)
    ends = np.array([200.0, 228.0])
    lives = live(world, starts, ends)
    won = lives.outcome == WON
    first = lives.sights[:, 1] == 0
    formula = true_probability(world, truth_tables(world, Horizons(ends, ends + 28.0)), starts, lives)[first]
    assert np.ptp(formula) == 0
    error = np.sqrt(formula[0] * (1 - formula[0]) / leads)
    assert abs(won.mean() - formula[0]) < 4 * error


def test_finer_steps_change_less_than_a_ten_thousandth() -> None:
    world = dynamics(hidden_intent=0.0, trend=0.001)
    starts, _ = draw_block(seed=5, block=0, size=1000, world_days=230.0, hidden_intent=False)
    lives = live(world, starts, HORIZONS.begin)
    usual = true_probability(world, truth_tables(world, HORIZONS), starts, lives)
    finer = true_probability(world, truth_tables(world, HORIZONS, nodes=40, step=0.1), starts, lives)
    assert len(usual) > 200
    np.testing.assert_allclose(usual, finer, rtol=1e-4)


def test_who_stays_open_through_much_hazard_is_thought_to_want_less() -> None:
    world = dynamics(hidden_intent=1.0, trend=0.0)
    starts = start_together(1, {"interest": 2.0}, 4, np.array([2]), created=30.0)
    lives = live(world, starts, np.array([30.0]))
    tables = truth_tables(world, Horizons(np.array([30.0]), np.array([60.0])))

    def after(hazard: float) -> float:
        return float(true_probability(world, tables, starts, lives._replace(exposure=np.array([hazard])))[0])

    assert after(0.0) > 1.2 * after(0.5) > 1.4 * after(2.0)
    assert after(0.0) == pytest.approx(np.mean([_known_intent(world, each, starts, lives) for each in world.intent]), rel=1e-9)


def _known_intent(world: Dynamics, intent: float, starts: Starts, lives: Lives) -> float:
    told = world._replace(intent=np.array([intent]))
    tables = truth_tables(told, Horizons(np.array([30.0]), np.array([60.0])))
    return float(true_probability(told, tables, starts, lives)[0])


def test_after_an_opt_out_little_is_left() -> None:
    world = dynamics(hidden_intent=0.0, trend=0.0)
    starts = start_together(1, {"interest": 3.0}, 8, np.zeros(1, np.int64), created=30.0)
    lives = live(world, starts, np.array([30.0]))
    tables = truth_tables(world, Horizons(np.array([30.0]), np.array([60.0])))
    silent = lives._replace(sights=np.array([[0, 0, SILENT]]))
    assert 0 < true_probability(world, tables, starts, silent)[0] < 0.02 * true_probability(world, tables, starts, lives)[0]


def test_every_segment_calms_down_in_the_end() -> None:
    world = dynamics(hidden_intent=0.0, trend=0.0)
    for segment in range(SILENT):
        offspring = world.push[segment] @ (world.drive[segment] / world.fade).T
        assert np.abs(np.linalg.eigvals(offspring[HAZARDS:, HAZARDS:])).max() < 0.95


def test_the_lives_of_a_lead_are_its_own() -> None:
    world = dynamics(hidden_intent=0.0, trend=0.0)
    starts, _ = draw_block(seed=1, block=0, size=50, world_days=200.0, hidden_intent=False)
    fewer, _ = draw_block(seed=1, block=0, size=8, world_days=200.0, hidden_intent=False)
    assert_same(live(world, fewer, HORIZONS.begin), live(world, starts, HORIZONS.begin), 7)


def assert_same(one: Lives, other: Lives, lead: int) -> None:
    for name in ("kind", "at", "noise"):
        np.testing.assert_array_equal(getattr(one, name)[one.lead == lead], getattr(other, name)[other.lead == lead])
    np.testing.assert_array_equal(one.states[one.sights[:, 0] == lead], other.states[other.sights[:, 0] == lead])
    assert (one.lead == lead).sum() > 1
