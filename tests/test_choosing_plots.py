"""The pictures for choosing bands show what the policies give, how calm they are and what an order is worth."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.patches import Rectangle

from features.contract import DAY
from models.policies import choose_bands
from models.temperature import Bands, TemperatureSettings
from training.bands import Outlook, outlook
from training.bootstrap import Difference
from training.decision import Capacity, Wins
from training.flicker import Daily
from training.plots.decision import decision
from training.plots.hysteresis import hysteresis
from training.plots.policies import policies
from training.plots.style import png
from training.unseen import Unseen

RNG = np.random.default_rng(0)
P = RNG.beta(1, 6, 3_000)
ROWS = Unseen(P, (RNG.random(3_000) < P).astype(np.int8), np.arange(3_000) % 10 * DAY, np.arange(3_000))
NEAR = 0.3 + 0.06 * np.sin(np.arange(90)) * RNG.random(90)
"""Probabilities that hover about the threshold of hot."""
DAILY = Daily(NEAR, np.repeat(np.arange(3), 30), np.tile(np.arange(30) * DAY, 3), np.zeros(90, np.int8))
POLICIES = {"lift": TemperatureSettings(), "certain": TemperatureSettings(policy="precision", hot=0.99)}


@pytest.fixture(scope="module")
def outlooks() -> list[Outlook]:
    return [outlook(name, settings, ROWS, ROWS.take(np.arange(1_500)), DAILY) for name, settings in POLICIES.items()]


def test_policies_show_stated_and_proved_rates_and_the_leads_a_day(outlooks: list[Outlook]) -> None:
    rates, counts = policies(outlooks).axes
    names = [label.get_text() for label in rates.get_yticklabels()]
    warm, hot = outlooks[0].bands.thresholds
    assert names[:4] == ["lift", f"hot from {hot:.1%}", f"warm from {warm:.1%}", f"cold below {warm:.1%}"]
    assert names[4:6] == ["certain", "hot does not occur"]
    boxes = [(patch.get_x(), patch.get_width()) for patch in rates.patches if isinstance(patch, Rectangle)]
    stated = [band for one in outlooks for band in one.proved.bands[::-1] if band.stated_low is not None and band.stated_high is not None]
    assert boxes == [(band.stated_low, pytest.approx(band.stated_high - band.stated_low)) for band in stated]  # type: ignore[operator]
    points = [x for line in rates.lines if line.get_marker() == "o" for x in np.atleast_1d(np.asarray(line.get_xdata())).tolist()]
    assert points == [band.rate for one in outlooks for band in one.proved.bands[::-1] if band.rate is not None]
    assert [text.get_text() for text in counts.texts] == [f"{one.per_day[name][1]:.1f}" for one in outlooks for name in ("hot", "warm")]


def test_hysteresis_shows_the_days_of_one_lead_in_its_bands() -> None:
    bands = choose_bands(TemperatureSettings(hysteresis=0.3), P, ROWS.label, ROWS.as_of, ROWS.lead)
    above, below = hysteresis(bands, DAILY, 1).axes
    assert np.array_equal(np.asarray(above.lines[0].get_ydata())[:-1], NEAR[30:60])
    assert [np.asarray(line.get_ydata())[0] for line in above.lines[1:]] == [
        level for pair in zip(bands.thresholds, bands.exits, strict=True) for level in pair
    ]
    days = {y: sum(bar.get_width() for bar in _bars(below, y)) for y in (0, 1)}
    assert days == {0: 30, 1: 30}
    changes = {y: len(_bars(below, y)) - 1 for y in (0, 1)}
    assert changes == {0: _changes(bands.along(NEAR[30:60], np.zeros(30))), 1: _changes(bands.of(NEAR[30:60]))}
    assert changes[0] < changes[1]


def test_decision_shows_the_wins_of_each_order() -> None:
    same = Difference(5, 4, 1, -1, 3, "tie")
    some = [Capacity(k, 70, 30, 9.0, Wins(70, 8 * k, 6, 9 * k), Wins(70, 5 * k, 2, 6 * k), Wins(70, k, 0, 2 * k), same) for k in (1.0, 2.0)]
    axes = decision(some).axes[0]
    lines = [
        np.asarray(box.lines[0].get_ydata()).tolist()
        for box in axes.containers
        if isinstance(box, ErrorbarContainer) and box.lines[0] is not None
    ]
    shown = dict(zip(("model", "rules", "random"), lines, strict=True))
    assert shown == {"model": [8, 16], "rules": [5, 10], "random": [1, 2]}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2"]


def test_the_bytes_of_a_picture_are_repeatable(outlooks: list[Outlook]) -> None:
    bands: Bands = outlooks[0].bands
    assert png(policies(outlooks)) == png(policies(outlooks))
    assert png(hysteresis(bands, DAILY, 0)) == png(hysteresis(bands, DAILY, 0))


def _changes(temperature: np.ndarray) -> int:
    return int((np.diff(temperature) != 0).sum())


def _bars(axes: Axes, y: float) -> list[Rectangle]:
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return [bar for bar in bars if abs(bar.get_y() + bar.get_height() / 2 - y) < 0.1]
