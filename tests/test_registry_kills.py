"""Whatever is killed, and however many start at once: the registry answers, a champion serves, and what was begun is completed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from models.registry import Registry
from tests.tracked import aliases, in_service, name_in, trained
from tests.warm import begin

WRITES = {
    MlflowClient: (
        "create_run create_logged_model log_model_artifacts log_outputs finalize_logged_model create_model_version set_terminated "
        "set_registered_model_alias set_model_version_tag delete_registered_model_alias"
    ),
    Path: "replace symlink_to",
}


def killed_before_write(step: int, act: Callable[..., Any], uri: str, *args: Any) -> None:
    """Run in a process of its own: do ``act`` and be killed before its ``step``-th write, as by ``kill -9``."""
    writes = count()

    def deadly(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if next(writes) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*args, **options)

        return call

    registry = Registry(uri)
    for owner, names in WRITES.items():
        for name in names.split():
            setattr(owner, name, deadly(getattr(owner, name)))
    act(registry, *args)


def survives(step: int, act: Callable[..., Any], uri: str, *args: Any) -> bool:
    process = begin(killed_before_write, step, act, uri, *args)
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode == 0


def promote(registry: Registry, version: str) -> None:
    registry.promote(version, "better")


@pytest.mark.slow
def test_a_promotion_killed_anywhere_leaves_a_champion_and_is_completed_later(registry: Registry, tmp_path: Path) -> None:
    names = {trained(registry, tmp_path, "old"): "old"}
    [old] = names
    registry.promote(old, "first")
    for step in count():
        new = trained(registry, tmp_path, f"step {step}")
        names[new] = f"step {step}"
        survived = survives(step, promote, registry.uri, new)
        champion = aliases(registry)["champion"]
        assert champion in (old, new)
        assert name_in(in_service().folder) == names[in_service().version]

        registry.settle()
        assert aliases(registry)["champion"] == champion == in_service().version
        if champion == new:
            assert aliases(registry) == {"champion": new, "previous": old}
            assert registry.rollback().version == old
        assert name_in(in_service().folder) == "old"
        if survived:
            break
    assert step == len(["unpack", "tag", "tag", "champion", "previous", "challenger", "symlink", "replace"])


@pytest.mark.slow
def test_a_training_killed_anywhere_leaves_the_champion_and_no_half_version(registry: Registry, tmp_path: Path) -> None:
    champion = trained(registry, tmp_path, "champion")
    registry.promote(champion, "first")
    for step in count():
        survived = survives(step, trained, registry.uri, tmp_path / f"step {step}", "next")
        assert aliases(registry)["champion"] == champion == in_service().version
        for version in registry.versions():
            assert name_in(registry.fetch(version.version)) in ("champion", "next")
        if survived:
            break
    assert step >= 7
    assert registry.promote(trained(registry, tmp_path, "last"), "better").aliases == ("champion",)


def written(file: Path) -> int:
    with suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


def open_and_count(uri: str) -> None:
    assert Registry(uri).versions() == []


@pytest.mark.slow
def test_the_database_is_made_once_by_racing_processes_and_anew_after_a_kill(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'leadheat.db'}"
    first = begin(open_and_count, uri)
    while written(tmp_path / "leadheat.db") + written(tmp_path / "leadheat.db-wal") < 100_000:
        assert first.is_alive()
        time.sleep(0.01)
    first.kill()
    first.join()
    assert (tmp_path / "leadheat.db.unfinished").exists()

    racers = [begin(open_and_count, uri) for _ in range(4)]
    for racer in racers:
        racer.join(120)
    assert [racer.exitcode for racer in racers] == [0, 0, 0, 0]
    assert not (tmp_path / "leadheat.db.unfinished").exists()
