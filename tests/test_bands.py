"""Policies are seen before they are chosen: on the very rows that the version's own bands were chosen on."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.contract import DAY, DataError, ModelError, SettingsError
from models.registry import Registry
from models.temperature import Bands, TemperatureSettings
from tests.small_world import SmallWorld
from tests.test_temperature import bands_at
from training.bands import candidates, compare, toml
from training.flicker import Daily, flicker
from training.unseen import FILE, Unseen

LIFT = TemperatureSettings()
CAPACITY = TemperatureSettings(policy="capacity", hot_per_day=20)
VALUE = TemperatureSettings(policy="value", contact_cost=5, win_value=100)


# The rows


def test_the_kept_rows_give_the_bands_of_the_version_bit_for_bit(world: SmallWorld, registry: Registry, tmp_path: Path) -> None:
    world.unseen.write(tmp_path / FILE)
    with registry.run("test") as run:
        run.log_file(tmp_path / FILE)
        version = run.log_model(world.folder / "model", world.scorer.fingerprint, {"lead": {}}, {}, [])
    with registry.artifact(version, FILE) as file:
        kept = Unseen.read(file)
    assert kept.bands(world.scorer.settings.temperature) == world.scorer.bands
    assert (np.sort(kept.probability) == world.scorer.reference).all()
    assert all((vars(kept)[name] == values).all() for name, values in vars(world.unseen).items())
    with pytest.raises(ModelError, match=r"keeps no other\.parquet"), registry.artifact(version, "other.parquet"):
        pass


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("no parquet")
    with pytest.raises(ModelError, match="does not hold the rows"):
        Unseen.read(tmp_path / FILE)


# Policies side by side


def compared(world: SmallWorld, **policies: TemperatureSettings) -> dict[str, Any]:
    return compare(world.scorer, world.unseen, world.dataset, world.settings, policies)


def test_each_policy_is_shown_as_it_would_be(world: SmallWorld) -> None:
    result = compared(world, stored=LIFT, capacity=CAPACITY, value=VALUE)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["test"]["rows"] == len(world.parts.test)
    assert result["calibration"]["rows"] == len(world.unseen)
    stored, capacity, value = result["policies"]
    assert world.scorer.bands is not None
    assert (stored["thresholds"]["warm"], stored["thresholds"]["hot"]) == world.scorer.bands.thresholds
    assert value["thresholds"]["hot"] == 0.05
    assert 15 < capacity["per_day"]["hot"]["calibration"] <= 20
    scored = world.scorer.numbers(world.dataset.history, world.parts.test.lead, world.parts.test.as_of)
    won = world.parts.test.label == 1
    assert stored["wins"]["all"] == len(np.unique(world.parts.test.lead[won]))
    assert stored["wins"]["hot"] == len(np.unique(world.parts.test.lead[won & (scored.temperature == 2)]))
    assert stored["wins"]["hot"] <= stored["wins"]["hot_or_warm"] <= stored["wins"]["all"]
    for one in (stored, capacity, value):
        without, with_it = one["flicker"]["without_hysteresis"], one["flicker"]["with_hysteresis"]
        assert 0 < with_it["changes"] < without["changes"]
        assert with_it["taken_back"] < without["taken_back"]


def test_what_the_version_has_learnt_from_proves_nothing(world: SmallWorld) -> None:
    late = replace(world.unseen, as_of=world.unseen.as_of + 365 * DAY)
    with pytest.raises(DataError, match="No matured snapshot is later than what version"):
        compare(world.scorer, late, world.dataset, world.settings, {"stored": LIFT})


@pytest.mark.parametrize("settings", [LIFT, CAPACITY, VALUE, TemperatureSettings(policy="precision", hot=0.4, hysteresis=0.25)])
def test_the_table_to_paste_is_the_policy(settings: TemperatureSettings) -> None:
    assert TemperatureSettings.model_validate(tomllib.loads(toml(settings))["temperature"]) == settings


# Which policies


def test_without_options_those_are_shown_that_need_no_number() -> None:
    assert list(candidates(LIFT, LIFT, (), {})) == ["stored", "precision"]
    assert list(candidates(LIFT, VALUE, (), {})) == ["stored", "written", "precision"]
    assert list(candidates(CAPACITY, CAPACITY, (), {})) == ["stored", "lift", "precision"]


def test_numbers_bring_their_policy_along() -> None:
    shown = candidates(LIFT, LIFT, (), {"hot_per_day": 20, "contact_cost": 5, "win_value": 100})
    assert list(shown) == ["stored", "precision", "capacity", "value"]
    assert (shown["capacity"], shown["value"]) == (CAPACITY, VALUE)


def test_hysteresis_is_for_all_but_the_stored() -> None:
    shown = candidates(LIFT, LIFT, ("lift", "precision"), {"hysteresis": 0.3})
    assert [one.hysteresis for one in shown.values()] == [0.1, 0.3, 0.3]


def test_a_policy_that_is_written_brings_its_numbers() -> None:
    shown = candidates(LIFT, CAPACITY, ("capacity",), {"hysteresis": 0.3})
    assert shown["capacity"] == CAPACITY.model_copy(update={"hysteresis": 0.3})


@pytest.mark.parametrize(
    ("policies", "numbers", "message"),
    [
        (("capacity",), {}, "needs either hot_per_day"),
        (("lift",), {"hot_per_day": 20}, "--hot-per-day belongs to none of the policies"),
        ((), {"hot": 3}, "--hot means one thing to lift and another to precision"),
        (("value",), {"contact_cost": 5, "win_value": 1}, "no contact ever pays"),
    ],
)
def test_a_number_without_a_policy_and_a_policy_without_a_number_are_refused(
    policies: Any, numbers: dict[str, float], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        candidates(LIFT, LIFT, policies, numbers)


# Hysteresis


PROBABILITY = st.floats(0.001, 0.999)


BANDS = st.tuples(PROBABILITY, PROBABILITY, st.floats(0, 0.9)).map(lambda t: bands_at(min(t[:2]), max(t[:2]), t[2]))


@given(BANDS, st.lists(st.lists(PROBABILITY, min_size=1, max_size=8), max_size=6))
def test_leads_are_followed_one_by_one(bands: Bands, leads: list[list[float]]) -> None:
    """A loop in plain words is the oracle: warming is at once; cooling waits until the odds are below the threshold's by the margin."""
    expected = []
    for probabilities in leads:
        state = 0
        for p in probabilities:
            entered = sum(p >= threshold for threshold in bands.thresholds)
            held = sum(p >= leaves for leaves in bands.exits)
            state = max(entered, min(state, held))
            expected.append(state)
    lead = np.repeat(np.arange(len(leads)), [len(one) for one in leads])
    assert bands.along([p for one in leads for p in one], lead).tolist() == expected


@given(BANDS, st.lists(PROBABILITY, min_size=2, max_size=30))
def test_hysteresis_never_delays_a_warming_and_never_adds_a_change(bands: Bands, probabilities: list[float]) -> None:
    with_it, without = bands.along(probabilities, np.zeros(len(probabilities))), bands.of(probabilities)
    assert (with_it >= without).all()
    rises = np.flatnonzero(np.diff(with_it) > 0) + 1
    assert (with_it[rises] == without[rises]).all()
    assert np.count_nonzero(np.diff(with_it)) <= np.count_nonzero(np.diff(without))


def test_flicker_counts_changes_per_lead_and_week_and_those_taken_back() -> None:
    bands = bands_at(0.2, 0.4, 0.1)
    probability = np.array([0.1, 0.21, 0.195, 0.21, 0.1, 0.1, 0.1, 0.1, 0.5, 0.5])
    lead = np.repeat([3, 4], [8, 2])
    as_of = np.concatenate((np.arange(8) * DAY, np.array([0, 7 * DAY])))
    without, with_it = flicker(bands, Daily(probability, lead, as_of, np.zeros_like(lead)))
    assert (without.changes, without.taken_back) == (4 / 2, 3 / 2)
    assert (with_it.changes, with_it.taken_back) == (2 / 2, 1 / 2)
    there_and_back = Daily(np.array([0.1, 0.5, 0.1] * 2), np.repeat([0, 1], 3), np.array([0, 1, 8, 0, 1, 9]) * DAY, np.zeros(6, np.int64))
    assert flicker(bands, there_and_back)[0].taken_back == pytest.approx(1 / (17 / 7))  # of the second lead only after eight days
    nobody, _ = flicker(bands, Daily(probability[:1], lead[:1], as_of[:1], lead[:1]))
    assert (nobody.changes, nobody.taken_back) == (None, None)
