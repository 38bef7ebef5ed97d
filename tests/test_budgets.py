"""Commands keep within the memory that they are given, on data that take more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.benchmarks.limits import Limits, limited_command
from tests.benchmarks.scaled import write_scaled
from tests.command import Place
from tests.small_world import SmallWorld
from training.simulation.simulate import simulate

ENOUGH_SECONDS = 900.0


def peak(place: Place, memory_mb: int, *words: str) -> float:
    """The most megabytes that a command held; it must have come to its result, whatever the gates say of that."""
    command = [sys.executable, "-m", "leadheat", *words, "--memory", f"{memory_mb}MB", "--json"]
    done = limited_command(command, Limits(ENOUGH_SECONDS, 16), place.environment)
    (answer,) = done.answers
    assert answer, done.failure
    return done.peak_gb * 1e9 / (1 << 20)


@pytest.mark.long
def test_scoring_keeps_within_a_gigabyte(champion_place: Place, world: SmallWorld, tmp_path: Path) -> None:
    data = tmp_path / "large"
    data.mkdir()
    write_scaled(data, 20_000_000, 50, world.scorer.features.types)
    assert peak(champion_place, 1024, "score", str(data), "--out", str(tmp_path / "scores.parquet")) < 1024


@pytest.mark.long
def test_check_and_training_keep_within_what_they_are_given(champion_place: Place, tmp_path: Path) -> None:
    simulate(tmp_path / "world", 70_000, seed=1)
    assert peak(champion_place, 1024, "check", str(tmp_path / "world")) < 1024
    assert peak(champion_place, 1536, "train", str(tmp_path / "world")) < 1536
