"""A simulated world whose base rate grows eightfold, and a champion that was trained while it was low."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from features.contract import parse_moment
from features.dataset import Dataset
from features.snapshots import TestSettings as Dates
from models.registry import Registry
from models.settings import Settings, Source, read_settings
from tests.conftest import registry_in
from tests.small_world import with_model
from training.simulation.simulate import WorldSettings, simulate
from training.train import Training, train


@dataclass(frozen=True, eq=False)
class MovedWorld:
    """The data, how they were parted when the champion was trained (``early``) and much later (``late``), and that training."""

    folder: Path
    dataset: Dataset
    early: Settings
    late: Settings
    champion: Training

    def registry(self, place: Path, patch: pytest.MonkeyPatch) -> Registry:
        """A registry with nothing but the champion, and a ``LEADHEAT_HOME``, in a folder of the caller's."""
        patch.setenv("LEADHEAT_HOME", str(place / "home"))
        with closing(sqlite3.connect(self.folder / "leadheat.db")) as whole, closing(sqlite3.connect(place / "leadheat.db")) as copy:
            whole.backup(copy)
        registry = Registry(f"sqlite:///{place / 'leadheat.db'}")
        registry.settle()
        return registry

    def source(self, settings: Settings) -> Source:
        """The data set with other settings than those of its file."""
        return Source(settings, self.folder / "data")


def moved_world(folder: Path, empty_database: Path) -> MovedWorld:
    """Simulate, train the champion on the first half year, and force it, for its own test part has moved on already."""
    simulate(folder / "data", 2_500, seed=4, options=WorldSettings(base_rate_factor=8))
    source = read_settings(folder / "data")
    settings = with_model(source.settings, rounds=60, patience=10)
    dataset = Dataset.read(settings.data, source.root)
    early, late = with_dates(settings, "2024-08-05", "2024-10-07"), with_dates(settings, "2025-01-20", "2025-03-31")
    with pytest.MonkeyPatch.context() as patch:
        registry = registry_in(folder, empty_database, patch)
        champion = train(dataset, early, registry, promote=False)
        registry.promote(champion.version, "the first", force=True)
    return MovedWorld(folder, dataset, early, late, champion)


def with_dates(settings: Settings, end: str, until: str) -> Settings:
    """Train up to ``end``, test from there to ``until``."""
    dates = {"train": (parse_moment("2024-01-08"), parse_moment(end)), "test": Dates.model_validate({"from": end, "to": until})}
    return settings.model_copy(update={"snapshots": settings.snapshots.model_copy(update=dates)})
