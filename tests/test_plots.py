"""The pictures show the figures they are made from, to the byte the same each time, and touch no global state."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.patches import Rectangle

from models.policies import choose_bands
from models.temperature import Bands, TemperatureSettings
from tests.conftest import REPO
from training.bootstrap import Difference
from training.breakdown import Slice
from training.metrics import Predictions
from training.plots.bands import bands as plot_bands
from training.plots.calm import calm
from training.plots.comparison import agreement, differences
from training.plots.importance import SHOWN, Importance, importance
from training.plots.paths import Path, path
from training.plots.probability import calibration, gains
from training.plots.segments import segments
from training.plots.style import literal, new_figure, png
from training.stability import Stability

RNG = np.random.default_rng(0)
P = RNG.beta(1, 6, 3_000)
Y = (RNG.random(3_000) < P).astype(np.int64)
LEAD = RNG.integers(0, 1_200, 3_000)
SERIES = {"model": Predictions(Y, P, LEAD), "rules": Predictions(Y, np.round(P, 1), LEAD)}


def chosen(**table: object) -> Bands:
    return choose_bands(TemperatureSettings.model_validate(table), P, Y, np.zeros(3_000), LEAD)


def test_calibration_shows_each_bin_of_each_series() -> None:
    axes = calibration(SERIES).axes[0]
    for container, (name, predictions) in zip(axes.containers, SERIES.items(), strict=True):
        table = predictions.reliability()
        assert isinstance(container, ErrorbarContainer)
        points, _, (intervals,) = container.lines
        assert container.get_label() == name
        assert points is not None
        assert np.array_equal(points.get_xydata(), np.stack((table.expected, table.rate), axis=1))
        assert np.array(intervals.get_segments())[:, :, 1] == pytest.approx(np.stack((table.low, table.high), axis=1))


def test_gains_show_each_series_between_random_and_perfect() -> None:
    axes = gains(SERIES).axes[0]
    lines = {str(line.get_label()): np.asarray(line.get_ydata()) for line in axes.lines}
    auc = SERIES["model"].figures().auc
    assert lines[f"model (AUC {auc:.3f})"].tolist() == SERIES["model"].gains()[1].tolist()
    assert len(lines) == 4
    assert np.array_equal(axes.lines[-2].get_xydata(), [[0, 0], [Y.mean(), 1], [1, 1]])


def test_bands_show_the_promise_as_a_box_and_what_came_as_a_point() -> None:
    bands = chosen()
    actual = bands.observed(P[:1_000], Y[:1_000], LEAD[:1_000])
    axes = plot_bands(bands.bands, actual).axes[0]
    boxes = [(box.get_x(), box.get_x() + box.get_width()) for box in axes.patches if isinstance(box, Rectangle)]
    assert np.array(boxes) == pytest.approx(np.array([(band.rate_low, band.rate_high) for band in bands.bands]))
    points = [container.lines[0] for container in axes.containers if isinstance(container, ErrorbarContainer)]
    assert [x for point in points for x in np.asarray(point.get_xdata())] == [band.rate for band in actual]
    assert [text.get_text() for text in axes.texts] == [f"{band.rate:.1%}" for band in actual]


def test_a_band_without_leads_is_shown_as_such() -> None:
    bands = chosen(policy="precision", hot=0.99)
    axes = plot_bands(bands.bands, bands.bands).axes[0]
    assert [text.get_text() for text in axes.texts].count("no leads") == 1
    assert axes.get_yticklabels()[2].get_text().startswith("hot: does not occur")


def test_differences_are_turned_so_that_better_lies_to_the_right() -> None:
    against = {
        "auc": Difference(0.8, 0.7, 0.1, 0.05, 0.15, "better"),
        "brier": Difference(0.03, 0.04, -0.01, -0.02, -0.005, "better"),
        "ece": Difference(0.01, 0.01, 0.0, -0.01, 0.01, "tie"),
        "log_loss": Difference(0.2, 0.1, 0.1, 0.05, 0.2, "worse"),
    }
    axes = differences(against).axes[0]
    shown = {label.get_text(): label.get_position()[1] for label in axes.get_yticklabels()}
    lines = [np.asarray(line.get_xydata()) for line in axes.lines]
    ends = {line[0, 1]: line[:, 0] for line in lines if len(line) == 2 and line[0, 1] == line[1, 1]}
    assert ends[shown["AUC"]].min() > 0
    assert ends[shown["Brier score"]].min() > 0
    assert ends[shown["log loss"]].max() < 0
    assert ends[shown["ECE"]].tolist() == [-1, 1]


def test_tiles_of_few_rows_have_no_colour() -> None:
    rate = np.array([[0.02, 0.1, np.nan], [0.03, 0.2, 0.1], [0.9, 0.1, 0.4]])
    rows = np.array([[500, 300, 0], [400, 100, 50], [5, 30, 60]])
    axes = agreement(rate, rows).axes[0]
    strength = np.array([tile.get_facecolor() for tile in axes.patches])[:, 3].reshape(3, 3)
    assert strength[2, 0] == strength[0, 2] == 0
    assert strength[2, 2] == strength.max()
    assert "no looks" in {text.get_text() for text in axes.texts}


def test_importance_shows_what_each_signal_adds_and_takes() -> None:
    signals = [Importance(name, f"did {name}", 0.5 - at / 100, 0.3, 0.2 - at / 100, 0.5) for at, name in enumerate("abcdefghijklmnop")]
    axes = importance(signals).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()][::-1] == [f"did {name}" for name in "abcdefghijkl"]
    right, left = (sorted(bar.get_width() for bar in bars) for bars in axes.containers)
    assert right == pytest.approx([0.3] * SHOWN)
    assert left == pytest.approx(sorted(-one.lowers for one in signals[:SHOWN]))


def test_a_forest_shows_whole_groupings_and_tells_what_lies_beyond_its_edge() -> None:
    def part(by: str, value: str, rate: float, leads: int, **more: Any) -> Slice:
        return Slice(by, value, 10 * leads, leads, 5, 0.05, rate, rate / 2, rate * 1.5, **more)

    few = part("age", "none", 0.9, 3)
    slices = [few, part("age", "old", 0.06, 400, auc=0.8, auc_low=0.7, auc_high=0.9, rules_auc=0.75)]
    too_many = [part("industry", str(number), 0.05, 100) for number in range(70)]
    rates, aucs = segments([*slices, *too_many, part("month", "May", 0.05, 100)], 0.8).axes
    labels = [label.get_text() for label in rates.get_yticklabels()]
    assert labels == ["none", "old", "May", "age", "month"]
    assert [text.get_text() for text in rates.texts] == ["90% ▸"]
    assert [text.get_text() for text in aucs.texts] == ["too few won"] * 2


def test_calm_shows_both_figures_of_both_with_their_intervals() -> None:
    both = {"model": Stability(10, 5.0, 4.0, 6.0, 7.0, 3, 0.2, 0.1, 0.3), "rules": Stability(0, None, None, None, 7.0, 0, 0.4, 0.3, 0.5)}
    above, below = calm(both).axes
    assert [text.get_text() for text in above.texts] == ["5.0", "nothing to tell it from"]
    assert [text.get_text() for text in below.texts] == ["0.200", "0.400"]
    assert [bar.get_width() for bar in below.patches if isinstance(bar, Rectangle)] == [0.2, 0.4]


def test_a_path_ends_with_what_became_of_the_lead() -> None:
    days, p = np.array([0.0, 1, 2, 5]), np.array([0.05, 0.1, 0.3, 0.2])
    lead = Path(days, p, np.array([0, 1, 2, 2], np.int8), acted=np.array([1.0]), contacted=np.array([]), end=5.0, won=True)
    axes = path(lead, chosen()).axes[0]
    assert np.allclose(1 / (1 + np.exp(-np.asarray(axes.lines[0].get_ydata()))), p)
    assert [line.get_marker() for line in axes.lines[1:]] == ["^", "|", "*"]
    assert len(axes.patches) == 3


@pytest.mark.parametrize("text", ["costs $5 or $7", "東京", "$x^2$", r"\frac{a", "a\nb", "ends in $", "\u202eevil", "x" * 90])
def test_texts_from_the_data_are_drawn_as_they_are(text: str) -> None:
    figure = new_figure(3, 2)
    drawn = figure.text(0, 0, literal(text))
    assert png(figure)
    plain, is_math = drawn._preprocess_math(drawn.get_text())  # type: ignore[attr-defined]
    assert is_math is False
    assert len(plain) <= 36
    assert plain.rstrip("…") == "".join(letter if letter.isprintable() else "�" for letter in text)[: len(plain.rstrip("…"))]


def test_the_bytes_of_a_picture_are_repeatable() -> None:
    bands = chosen()

    def pictures() -> list[bytes]:
        return [png(figure) for figure in (calibration(SERIES), gains(SERIES), plot_bands(bands.bands, bands.bands))]

    for first, again in zip(pictures(), pictures(), strict=True):
        assert first == again
        assert first.startswith(b"\x89PNG")
        assert b"matplotlib" not in first.lower()


def test_importing_the_module_loads_no_matplotlib_and_drawing_no_pyplot() -> None:
    script = (
        "import sys; from training.plots import bands, probability, style; from training.metrics import Predictions\n"
        "assert 'matplotlib' not in sys.modules\n"
        "style.png(probability.gains({'model': Predictions([0, 1], [0.2, 0.7])}))\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
