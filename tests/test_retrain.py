"""The nightly command leaves, recalibrates or trains, for reasons that it tells, one at a time, and through the gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.contract import DAY, Severity
from models.registry import Registry
from models.retraining import RetrainSettings
from models.settings import Settings, Source
from tests.command import Place
from tests.moved_world import MovedWorld, with_dates
from tests.small_world import SmallWorld
from tests.tracked import aliases
from training.monitoring.report import Alert
from training.retrain import needed, retrain, weigh


def alert(code: str, severity: Severity = "error") -> Alert:
    return Alert(code, severity, f"something is said of {code}")


def with_retrain(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update={"retrain": RetrainSettings.model_validate(values)})


@pytest.mark.parametrize(
    ("codes", "news", "attempts"),
    [
        ([], [], ()),
        (["skew"], [], ()),
        (["calibration_off"], [], ("recalibrated", "trained")),
        (["band_off", "hot_inflation"], [], ("recalibrated", "trained")),
        (["unknown_types"], [], ("trained",)),
        (["feature_drift", "band_off"], [], ("trained", "recalibrated")),
        ([], ["60 won leads are new"], ("trained",)),
        (["calibration_off"], ["60 won leads are new"], ("trained", "recalibrated")),
    ],
)
def test_what_is_seen_decides_what_is_tried(codes: list[str], news: list[str], attempts: tuple[str, ...]) -> None:
    need = weigh(map(alert, codes), news)
    assert need.attempts == attempts
    assert all(any(said in why for why in need.why) for said in (*codes, *news))
    assert need.why


def test_warnings_alone_change_nothing() -> None:
    assert weigh([alert("calibration_off", "warning"), alert("too_few_matured", "info")], []).attempts == ()


@pytest.mark.slow
def test_night_after_night(world: SmallWorld, registry: Registry) -> None:
    source = Source(world.settings, world.folder / "data")
    first = retrain(source, registry, if_needed=True)
    assert (first.action, first.version, first.promoted, first.ok) == ("trained", "1", True, True)
    assert first.why == ("there is no champion yet",)

    second = retrain(source, registry, if_needed=True)
    assert (second.action, second.version, second.promoted, second.ok) == ("left", "1", False, True)
    assert second.to_dict()["gate"] == []
    assert [version.version for version in registry.versions()] == ["1"]

    old = Source(with_retrain(world.settings, max_age=30 * DAY), source.root)
    assert needed(world.dataset, old.settings, registry).attempts == ("trained",)
    asked = retrain(source, registry, if_needed=False)
    assert (asked.action, asked.version, asked.promoted) == ("trained", "2", True)
    assert {gate.name for gate in asked.gates} >= {"audit_clean", "not_worse_than_champion_auc", "parity"}


@pytest.mark.slow
def test_a_moved_base_rate_is_followed_by_a_recalibration(moved_world: MovedWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = moved_world.registry(tmp_path, monkeypatch)
    few = with_retrain(moved_world.late, min_new_wins=10_000)
    done = retrain(moved_world.source(few), registry, if_needed=True)
    assert (done.action, done.promoted, done.ok) == ("recalibrated", True, True), done.why
    assert any(why.startswith("calibration_off") for why in done.why)
    assert registry.version("champion").version == done.version
    told = json.loads(json.dumps(done.to_dict()))
    assert list(told) == ["action", "why", "version", "promoted", "gate"]


@pytest.mark.slow
def test_where_a_recalibration_is_refused_a_training_is_tried(
    moved_world: MovedWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parts leave nothing that is new to the champion's trees, but monitoring sees all that came after them."""
    registry = moved_world.registry(tmp_path, monkeypatch)
    settings = with_retrain(with_dates(moved_world.early, "2024-09-02", "2025-03-31"), min_new_wins=10_000)
    done = retrain(moved_world.source(settings), registry, if_needed=True)
    assert done.action == "trained", done.why
    assert any("not recalibrated: Too little has matured" in why for why in done.why)
    assert done.ok == done.promoted == (aliases(registry)["champion"] == done.version)


@pytest.mark.slow
def test_many_new_wins_are_reason_enough_until_they_were_tried(
    moved_world: MovedWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = moved_world.registry(tmp_path, monkeypatch)
    need = needed(moved_world.dataset, moved_world.late, registry)
    assert need.attempts[0] == "trained"
    assert any("won leads in" in why and "have matured since the last training" in why for why in need.why)
    assert not any("have matured" in why for why in needed(moved_world.dataset, moved_world.early, registry).why)


def test_what_is_wrong_with_the_data_is_told_in_the_same_words(world: SmallWorld, registry: Registry, tmp_path: Path) -> None:
    done = retrain(Source(world.settings, tmp_path), registry, if_needed=True)
    assert (done.action, done.version, done.promoted, done.ok) == ("left", "", False, False)
    assert "there is no file" in done.why[0]


@pytest.mark.long
def test_two_at_the_same_time_do_not_mix(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.simulate(rounds=60, patience=10)
    both = [place.start("retrain", "world", "--if-needed", "--json") for _ in range(2)]
    told = []
    for process in both:
        out, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
        assert out.count("\n") == 1
        told.append(json.loads(out))
    assert sorted(one["action"] for one in told) == ["left", "trained"]
    assert {one["version"] for one in told} == {"1"}
    assert len(place.run("models", "--json").json["versions"]) == 1
