"""The pictures show the figures they are made from, to the byte the same each time, and touch no global state."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.patches import Rectangle

from models.policies import choose_bands
from models.temperature import Bands, TemperatureSettings
from tests.conftest import REPO
from training.metrics import Predictions
from training.plots.bands import bands as plot_bands
from training.plots.probability import calibration, gains
from training.plots.style import png

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


def test_bands_show_expected_beside_actual() -> None:
    bands = chosen()
    actual = bands.observed(P[:1_000], Y[:1_000], LEAD[:1_000])
    rates, shares = plot_bands(bands.bands, actual).axes
    seen = {text.get_text() for text in rates.texts}
    assert seen == {f"{band.rate:.1%}" for band in (*bands.bands, *actual)}
    assert [bar.get_height() for bar in shares.patches if isinstance(bar, Rectangle)] == [
        band.share for pair in zip(bands.bands, actual, strict=True) for band in pair
    ]


def test_a_band_without_leads_is_shown_as_such() -> None:
    bands = chosen(policy="precision", hot=0.99)
    rates = plot_bands(bands.bands, bands.bands).axes[0]
    assert [text.get_text() for text in rates.texts].count("no leads") == 2
    assert rates.get_xticklabels()[2].get_text() == "hot\ndoes not occur"


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
