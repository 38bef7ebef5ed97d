"""The pictures of a data set show its leads, its looks and its rates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from features.contract import DAY
from features.history import INBOUND, OUTBOUND
from features.records import InteractionRecord, LeadRecord
from features.signals import SignalSettings
from features.snapshots import grid, on_dates
from tests.small_data import dataset_of, day
from tests.small_world import SmallWorld
from training.breakdown import Slice
from training.plots.histories import histories
from training.plots.maturing import base_rate
from training.plots.parts import parts
from training.plots.rates import rates
from training.plots.style import png


def one(by: str, value: str, rate: float, verdict: str = "as expected") -> Slice:
    return Slice(by, value, 100, 50, int(rate * 100), 0.1, rate, rate / 2, rate * 2, verdict=verdict)  # type: ignore[arg-type]


SLICES = [one("role", "owner", 0.2, "more won"), one("role", "student", 0.02, "fewer won"), one("source", "fair", 0.11)]


def of(figure: Figure, label: str) -> list[list[float]]:
    """The places of the marks that the legend calls so, apart from the legend's own."""
    (axes,) = figure.axes
    (meant,) = (line for line in axes.lines if line.get_label() == label)
    style = (meant.get_marker(), meant.get_color(), meant.get_markersize())
    same = [line for line in axes.lines if (line.get_marker(), line.get_color(), line.get_markersize()) == style]
    return [point.tolist() for line in same for point in np.asarray(line.get_xydata())]


def test_histories_show_who_acted_when_and_how_it_ended() -> None:
    calls = [InteractionRecord("call", day(3), direction=OUTBOUND), InteractionRecord("demo", day(5), direction=INBOUND)]
    more = [InteractionRecord("visit", day(4), direction=INBOUND)]
    leads = [LeadRecord("a", day(1), interactions=calls), LeadRecord("b", day(2), interactions=more), LeadRecord("c", day(2))]
    dataset = dataset_of(leads, [("a", 8, True), ("b", 9, False)], 20)
    figure = histories(dataset, [1, 0, 2], {"asked": SignalSettings(types=("de*",), strength="strong")})
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["b", "a", "c"]
    assert of(figure, "we acted") == [[2, -1]]
    assert of(figure, "the lead acted") == [[2, 0]]
    assert of(figure, "a strong signal") == [[4, -1]]
    assert of(figure, "won") == [[7, -1]]
    assert of(figure, "lost") == [[7, 0]]
    assert figure.axes[0].lines[2].get_xdata() is not None


def test_without_strong_signals_the_legend_speaks_of_none() -> None:
    dataset = dataset_of([LeadRecord("a", day(1))], [], 20)
    assert "a strong signal" not in {line.get_label() for line in histories(dataset, [0]).axes[0].lines}


def test_the_base_rate_is_dashed_where_it_has_not_matured() -> None:
    leads = [LeadRecord(f"{number}", day(1)) for number in range(4)]
    dataset = dataset_of(leads, [("0", 12, True), ("1", 38, True)], 40)
    looks = on_dates(dataset, grid(day(10), day(40), 10 * DAY), 10 * DAY)
    known, open_ = base_rate(dataset, looks, 10 * DAY).axes[0].lines
    assert np.asarray(known.get_ydata()).tolist() == [1 / 4, 0, 1 / 3]
    assert np.asarray(open_.get_ydata()).tolist() == [1 / 3, 0]


def test_parts_are_drawn_week_by_week_with_all_their_snapshots(world: SmallWorld) -> None:
    drawn = [patch for patch in parts(world.parts).axes[0].patches if isinstance(patch, StepPatch)]
    sizes = [len(world.parts.learn), len(world.parts.calibrate), len(world.parts.test)]
    assert [patch.get_data()[0].sum() for patch in drawn] == sizes
    assert [patch.get_label() for patch in drawn] == [
        f"{name}: {size:,}" for name, size in zip(("learn", "calibrate", "test"), sizes, strict=True)
    ]


def test_rates_stand_below_their_headings_each_with_its_interval() -> None:
    axes = rates(SLICES).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["role", "owner", "student", "source", "fair"]
    drawn = [np.asarray(line.get_xydata()).tolist() for line in axes.lines]
    for place, shown in zip((1, 2, 4), SLICES, strict=True):
        assert [[shown.rate_low, -place], [shown.rate_high, -place]] in drawn
        assert [[shown.rate, -place]] in drawn
        assert [[shown.expected, -place]] in drawn


def test_where_each_heading_has_one_slice_it_is_its_name() -> None:
    axes = rates([one("asked", "seen", 0.3), one("opted out", "seen", 0.01)]).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["asked", "opted out"]


@pytest.mark.parametrize("draw", [lambda: rates(SLICES), lambda: histories(dataset_of([LeadRecord("a", day(1))], [], 9), [0])])
def test_the_bytes_of_a_picture_are_repeatable(draw: Callable[[], Figure]) -> None:
    assert png(draw()) == png(draw())
