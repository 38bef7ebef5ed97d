"""How calm a score is: against a loop over the leads, between model and rules, and where there is nothing to tell."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from features.contract import DAY, WEEK
from features.snapshots import grid, on_dates
from models.temperature import Bands
from tests.small_world import SmallWorld
from training import stability as module
from training.stability import stability


def bands_of(world: SmallWorld) -> Bands:
    assert world.scorer.bands is not None
    return world.scorer.bands


def test_score_changes_are_those_of_a_loop_over_the_interactions(world: SmallWorld) -> None:
    told = stability(world.scorer, world.dataset, world.parts.test)
    history, test = world.dataset.history, world.parts.test
    everyone = world.scorer.numbers(history, test.lead, test.as_of)
    moved: dict[str, list[float]] = {"model": [], "rules": []}
    for number in range(len(history)):
        known = np.unique(history.known_at[history.start[number] : history.start[number + 1]]) + 1
        open_ = (known >= test.as_of.min()) & (known <= test.as_of.max()) & (known <= world.dataset.outcomes.closed_at[number])
        as_of = known[open_ & (known > history.created_at[number])]
        scored = world.scorer.numbers(history, np.full(len(as_of), number), as_of)
        for name, mine, theirs in (("model", scored.probability, everyone.probability), ("rules", scored.points, everyone.points)):
            moved[name] += np.abs(np.diff([100 * (theirs < value).mean() for value in mine])).tolist()
    for name, changes in moved.items():
        assert told[name].steps == len(changes) > 1_000
        assert told[name].mean_change == pytest.approx(np.mean(changes))


def test_band_changes_are_those_of_a_loop_over_the_days(world: SmallWorld) -> None:
    told = stability(world.scorer, world.dataset, world.parts.test)
    bands, test = bands_of(world), world.parts.test
    days = on_dates(world.dataset, grid(int(test.as_of.min()), int(test.as_of.max()), DAY), world.scorer.horizon)
    scored = world.scorer.numbers(world.dataset.history, days.lead, days.as_of)
    changes, weeks = {"model": 0, "rules": 0}, 0.0
    for number in np.unique(days.lead):
        rows = np.flatnonzero(days.lead == number)
        warmth = [bands.of(scored.probability[rows[:1]])[0]]
        for row in rows[1:]:
            warmth.append(bands.of(scored.probability[[row]], warmth[-1:])[0])
        changes["model"] += int((np.diff(warmth) != 0).sum())
        changes["rules"] += int((np.diff(scored.rules_temperature[rows]) != 0).sum())
        weeks += (days.as_of[rows[-1]] - days.as_of[rows[0]]) / WEEK
    for name, count in changes.items():
        assert told[name].band_changes == count > 100
        assert told[name].lead_weeks == pytest.approx(weeks)
        assert told[name].per_lead_week == pytest.approx(count / weeks)


def test_intervals_surround_the_figures_and_are_json(world: SmallWorld) -> None:
    for one in stability(world.scorer, world.dataset, world.parts.test).values():
        told = one.to_dict()
        assert told["mean_change_low"] < told["mean_change"] < told["mean_change_high"]
        assert told["per_lead_week_low"] < told["per_lead_week"] < told["per_lead_week_high"]
        json.dumps(told, allow_nan=False)


def test_hysteresis_calms_the_bands_and_leaves_the_score(world: SmallWorld) -> None:
    nervous, calm = (
        stability(replace(world.scorer, bands=replace(bands_of(world), hysteresis=share)), world.dataset, world.parts.test)["model"]
        for share in (0.0, 0.4)
    )
    assert calm.band_changes < nervous.band_changes
    assert calm.mean_change == nervous.mean_change


def test_with_very_many_looks_a_part_of_the_leads_stands_for_all(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = stability(world.scorer, world.dataset, world.parts.test)["model"]
    monkeypatch.setattr(module, "MOST_LOOKS", 2_000)
    part = stability(world.scorer, world.dataset, world.parts.test)["model"]
    assert 0.3 * whole.steps < part.steps < 0.7 * whole.steps
    assert part.mean_change_low < whole.mean_change < part.mean_change_high  # type: ignore[operator]


def test_without_successive_looks_there_is_no_figure(world: SmallWorld) -> None:
    told = stability(world.scorer, world.dataset, world.parts.test.take(np.array([0])))["rules"]
    assert (told.steps, told.mean_change, told.per_lead_week, told.band_changes) == (0, None, None, 0)
