"""The pictures of a model in service show what was expected, stated and came, and which features have moved beyond their limit."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.patches import Rectangle

from features.contract import WEEK
from models.monitoring import MonitorSettings
from tests.small_world import SmallWorld
from training.monitoring.monitor import monitor, rescore
from training.monitoring.report import Drift, VersionReport
from training.plots.ageing import ageing, drift
from training.plots.style import png

SETTINGS = MonitorSettings(max_psi=0.2, least_importance=0.01)
DRIFTS = [
    Drift("age_days", 0.1, 0.05, 0, 0, 0.2),
    Drift("count(demo, 7d)", 0.9, 0.05, 0, 0, 0.3),
    Drift("count(other, 7d)", 0.8, 0.05, 0, 0, 0.001),
    Drift("trend", 0.24, 0.05, 0, 0, 0.1),
]


@pytest.fixture(scope="module")
def report(world: SmallWorld) -> VersionReport:
    """Of what the model would have said of the test part."""
    log = rescore(world.scorer, world.dataset, world.parts.test)
    return monitor(world.dataset, log, {world.scorer.fingerprint: world.scorer}, SETTINGS, rescored=True).versions[0]


def points(axes: Axes) -> list[tuple[float, float]]:
    """The single points, from left to right."""
    drawn = [np.asarray(line.get_xydata()).tolist() for line in axes.lines if line.get_marker() == "o"]
    return [(x, y) for some in drawn for x, y in some]


def test_ageing_shows_every_period_with_what_was_expected_stated_and_came(report: VersionReport) -> None:
    everyone, bands = ageing({"May": report, "June": report}).axes
    assert [label.get_text() for label in everyone.get_xticklabels()] == ["May", "June"]
    assert points(everyone) == [(0, report.overall.rate), (1, report.overall.rate)]
    expected = [np.asarray(line.get_ydata()).tolist() for line in everyone.lines if np.asarray(line.get_xdata()).tolist() == [-0.3, 0.3]]
    assert expected == [[report.overall.expected] * 2]
    assert [y for x, y in points(bands) if x < 0.5] == [band.rate for band in report.bands if band.rate is not None]
    boxes = [patch.get_y() + patch.get_height() for patch in bands.patches if isinstance(patch, Rectangle)]
    assert boxes == pytest.approx([band.stated_high for band in report.bands] * 2)


def test_ageing_leaves_out_what_has_not_matured(world: SmallWorld) -> None:
    now = world.dataset.observed_until
    some = world.parts.test.take(world.parts.test.as_of >= now - 5 * WEEK)
    young = type(some)(some.lead, np.full(len(some), now - WEEK), some.label)
    log = rescore(world.scorer, world.dataset, young)
    found = monitor(world.dataset, log, {world.scorer.fingerprint: world.scorer}, SETTINGS, rescored=True).versions[0]
    assert found.matured == 0
    assert not any(points(axes) for axes in ageing({"now": found}).axes)


def test_drift_tells_what_has_moved_too_far_and_whether_it_weighs() -> None:
    axes = drift(DRIFTS, SETTINGS).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["count(demo, 7d)", "count(other, 7d)", "trend", "age_days"]
    bars = {str(box.get_label()): [bar.get_width() for bar in box.patches] for box in axes.containers if isinstance(box, BarContainer)}
    assert bars == {"too far, and it weighs": [0.9], "too far, but it hardly weighs": [0.8], "not too far": [0.24, 0.1]}
    assert np.asarray(axes.lines[0].get_xdata()) == pytest.approx([0.25] * 4)


def test_the_bytes_of_a_picture_are_repeatable(report: VersionReport) -> None:
    assert png(ageing({"May": report})) == png(ageing({"May": report}))
    assert png(drift(DRIFTS, SETTINGS)) == png(drift(DRIFTS, SETTINGS))
