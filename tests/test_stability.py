"""How calm a score is: followed by hand, against a loop over the leads, and the extremes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from features.contract import WEEK
from features.snapshots import after_interactions
from models.policies import choose_bands
from models.temperature import TemperatureSettings
from tests.small_world import SmallWorld
from training import stability as module
from training.stability import followed, stability


def test_a_lead_cools_only_below_the_exit_and_starts_anew_with_each_lead() -> None:
    bands = choose_bands(TemperatureSettings(), np.linspace(0.001, 0.999, 1000), np.arange(1000) % 10 == 0, np.zeros(1000), np.arange(1000))
    warm, hot = bands.thresholds
    cool, _ = bands.exits
    between = (warm + cool) / 2
    assert cool < between < warm < hot
    probability = np.array([between, warm, between, cool - 0.001, between, hot, between, between])
    lead = np.array([3, 3, 3, 3, 3, 3, 3, 8])
    assert followed(bands, probability, lead).tolist() == [0, 1, 1, 0, 0, 2, 1, 0]


def test_the_figures_are_those_of_a_loop_over_the_leads(world: SmallWorld) -> None:
    told = stability(world.scorer, world.dataset, world.parts.test)
    scorer, test, bands = world.scorer, world.parts.test, world.scorer.bands
    assert bands is not None
    after = after_interactions(world.dataset, scorer.horizon, int(test.as_of.min()), int(test.as_of.max()))
    moments = {(int(lead), int(moment)) for part in (after, test) for lead, moment in zip(part.lead, part.as_of, strict=True)}
    interactions = set(zip(after.lead.tolist(), after.as_of.tolist(), strict=True))
    lead, as_of = (np.array(column) for column in zip(*sorted(moments), strict=True))
    scored = scorer.numbers(world.dataset.history, lead, as_of)
    population = scorer.numbers(world.dataset.history, test.lead, test.as_of)
    for name, values, everyone in (
        ("model", scored.probability, population.probability),
        ("rules", scored.points, population.points),
    ):
        moved: list[float] = []
        changes, weeks = 0, 0.0
        for number in np.unique(lead):
            rows = np.flatnonzero(lead == number)
            scores = [100 * (everyone < values[row]).mean() for row in rows if (number, as_of[row]) in interactions]
            moved += np.abs(np.diff(scores)).tolist()
            warmth = [scored.rules_temperature[row] for row in rows] if name == "rules" else []
            for row in rows if name == "model" else ():
                warmth.append(bands.of(values[[row]], warmth[-1:] or None)[0])
            changes += int((np.diff(warmth) != 0).sum())
            weeks += (as_of[rows[-1]] - as_of[rows[0]]) / WEEK
        one = told[name]
        assert (one.leads, one.steps, one.band_changes) == (len(np.unique(lead)), len(moved), changes)
        assert one.mean_change == pytest.approx(np.mean(moved))
        assert one.lead_weeks == pytest.approx(weeks)
        assert one.per_lead_week == pytest.approx(changes / weeks)


def test_intervals_surround_the_figures_and_are_json(world: SmallWorld) -> None:
    for one in stability(world.scorer, world.dataset, world.parts.test).values():
        told = one.to_dict()
        assert told["mean_change_low"] < told["mean_change"] < told["mean_change_high"]
        assert told["per_lead_week_low"] < told["per_lead_week"] < told["per_lead_week_high"]
        json.dumps(told, allow_nan=False)


def test_hysteresis_calms_the_bands(world: SmallWorld) -> None:
    bands = world.scorer.bands
    assert bands is not None
    nervous, calm = (
        stability(replace(world.scorer, bands=replace(bands, hysteresis=share)), world.dataset, world.parts.test)["model"]
        for share in (0.0, 0.4)
    )
    assert calm.band_changes < nervous.band_changes
    assert calm.mean_change == nervous.mean_change


def test_beyond_the_most_looks_a_fixed_part_of_the_leads_stands_for_all(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = stability(world.scorer, world.dataset, world.parts.test)["model"]
    monkeypatch.setattr(module, "MOST_LOOKS", 1_500)
    part, again = (stability(world.scorer, world.dataset, world.parts.test)["model"] for _ in range(2))
    assert part == again
    assert 0.3 * whole.leads < part.leads < 0.8 * whole.leads
    assert part.mean_change_low < whole.mean_change < part.mean_change_high  # type: ignore[operator]


def test_without_successive_looks_there_is_no_figure(world: SmallWorld) -> None:
    alone = world.parts.test.take(np.array([0]))
    told = stability(world.scorer, world.dataset, alone)["rules"]
    assert (told.leads, told.steps, told.mean_change, told.per_lead_week) == (1, 0, None, None)
