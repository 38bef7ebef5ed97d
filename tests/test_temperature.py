"""Bands are half-open and do not flicker; settings that contradict themselves are refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from features.contract import ModelError
from models.temperature import Bands, TemperatureSettings, measure
from tests.conftest import REPO

PROBABILITY = st.floats(1e-9, 1 - 1e-9)


def bands_at(warm: float, hot: float, hysteresis: float = 0.1) -> Bands:
    """Bands with thresholds alone; nothing was measured by them."""
    return Bands("lift", hysteresis, 0.1, measure((warm, hot), [0.5], [1], [0]))


BANDS = st.tuples(PROBABILITY, PROBABILITY, st.floats(0, 0.9)).map(lambda t: bands_at(min(t[:2]), max(t[:2]), t[2]))


@given(BANDS)
def test_thresholds_belong_to_the_band_above(bands: Bands) -> None:
    warm, hot = bands.thresholds
    assert bands.of([hot])[0] == 2
    assert bands.of([np.nextafter(hot, 0)])[0] < 2
    assert bands.of([warm])[0] >= 1
    assert bands.of([np.nextafter(warm, 0)])[0] == 0


@given(BANDS, st.lists(PROBABILITY, min_size=1, max_size=30), st.data())
def test_more_probability_never_cools_and_a_warmer_past_never_does(bands: Bands, probabilities: list[float], data: st.DataObject) -> None:
    p = np.sort(probabilities)
    previous = np.full(len(p), data.draw(st.integers(-1, 2)), dtype=np.int8)
    now = bands.of(p, previous)
    assert (np.diff(now) >= 0).all()
    assert (now >= bands.of(p)).all()
    assert (now <= np.maximum(bands.of(p), previous)).all()
    assert (bands.of(p, now) == now).all()


@given(BANDS, st.integers(0, 1), st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_a_probability_that_trembles_within_the_margin_changes_the_band_once_at_most(
    bands: Bands, edge: int, trembling: list[float]
) -> None:
    """Between a band's exit and its threshold, a lead that came in stays in, and one that did not stays out."""
    low, high = bands.exits[edge], bands.thresholds[edge]
    at_least = edge + 1
    states = [np.int8(-1)]
    for share in trembling:
        states.append(bands.of([max(low, high - share * (high - low))], states[-1:])[0])
    inside = [state >= at_least for state in states[1:]]
    assert inside == sorted(inside)


@given(PROBABILITY, st.floats(0, 0.9))
def test_a_hot_lead_cools_when_its_odds_fall_below_the_threshold_by_the_margin(threshold: float, hysteresis: float) -> None:
    bands = bands_at(threshold / 2, threshold, hysteresis)
    leaves = bands.exits[1]
    assert leaves / (1 - leaves) == pytest.approx(threshold / (1 - threshold) * (1 - hysteresis))
    assert bands.of([leaves], [2])[0] == 2
    assert bands.of([np.nextafter(leaves, 0)], [2])[0] < 2


def test_a_threshold_of_one_is_never_reached() -> None:
    bands = bands_at(0.2, 1.0)
    assert bands.of([np.nextafter(1.0, 0)], [2]).tolist() == [1]
    assert bands.of([0.1, 0.3]).dtype == np.int8


def test_damaged_bands_are_refused() -> None:
    values = bands_at(0.2, 0.4).to_dict()
    with pytest.raises(ModelError, match="cannot be read"):
        Bands.from_dict({**values, "bands": [{"name": "cold"}]})
    with pytest.raises(ModelError, match="are no temperatures"):
        Bands.from_dict({**values, "bands": values["bands"][::-1]})
    with pytest.raises(ModelError, match="are no temperatures"):
        bands_at(0.4, 0.2)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"hot_per_day": 40}, 'hot_per_day belongs to policy = "capacity"'),
        ({"policy": "value", "contact_cost": 3, "win_value": 10, "warm": 2}, "warm belongs to policy"),
        ({"warm": 5}, r"warm \(5\) must be below hot \(4\)"),
        ({"policy": "precision", "hot": 1.5}, "must be below 1"),
        ({"policy": "capacity"}, "either hot_per_day"),
        ({"policy": "capacity", "hot_per_day": 5, "hot_share": 0.1}, "either hot_per_day"),
        ({"policy": "capacity", "hot_share": 0.1, "warm_share": 0.1, "warm_per_day": 3}, "either warm_per_day or warm_share"),
        ({"policy": "capacity", "hot_share": 0.6, "warm_share": 0.6}, "more than all leads"),
        ({"policy": "value", "win_value": 10}, "needs contact_cost and win_value"),
        ({"policy": "value", "contact_cost": 10, "win_value": 10}, "no contact ever pays"),
        ({"policy": "value", "contact_cost": 1, "win_value": 10, "nurture_cost": 2}, "must be below contact_cost"),
        ({"hysteresis": 1.0}, "less than 1"),
        ({"polcy": "lift"}, "polcy"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TemperatureSettings.model_validate(table)


@pytest.mark.parametrize(
    "table",
    [{}, {"policy": "capacity", "hot_per_day": 40}, {"policy": "value", "contact_cost": 5, "win_value": 90}, {"policy": "precision"}],
)
def test_settings_survive_their_own_json(table: dict[str, object]) -> None:
    settings = TemperatureSettings.model_validate(table)
    assert TemperatureSettings.model_validate_json(settings.model_dump_json()) == settings


def test_scoring_parts_need_neither_scikit_learn_nor_pandas_nor_scipy() -> None:
    script = (
        "import sys; from models.calibration import Calibration; from models.temperature import Bands, measure; import numpy as np;"
        "Bands('lift', 0.1, 0.1, measure((0.2, 0.4), [0.5], [1], [0])).of(Calibration().probability(np.zeros(1)));"
        "assert not {'sklearn', 'pandas', 'scipy', 'mlflow'} & set(sys.modules), sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
