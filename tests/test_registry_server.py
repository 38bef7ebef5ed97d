"""A real MLflow server works by its address alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.contract import ModelError
from models.registry import Registry
from tests.server import Server
from tests.tracked import aliases, in_service, name_in, served, trained


@pytest.fixture(scope="module")
def server(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("server")
    shutil.copy(empty_database, place / "server.db")
    stores = ["--backend-store-uri", f"sqlite:///{place / 'server.db'}", "--artifacts-destination", str(place / "artifacts")]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with served(
        ["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1", *stores], "/health", place / "server.log", quiet
    ) as address:
        yield address


@pytest.mark.slow
def test_a_server_tracks_and_a_machine_without_the_files_gets_the_champion(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path / "trainer"))
    monkeypatch.chdir(tmp_path)
    registry = Registry()
    one, two = trained(registry, tmp_path, "one"), trained(registry, tmp_path, "two")
    registry.promote(one, "first")
    registry.promote(two, "better")
    assert name_in(in_service().folder) == "two"

    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path / "service"))
    assert Registry().pull().version == two
    assert name_in(in_service().folder) == "two"
    assert registry.rollback().version == one
    assert aliases(registry) == {"champion": one, "previous": two}
    assert name_in(in_service().folder) == "one"
    with pytest.raises(ModelError, match="no version '9'"):
        registry.promote("9", "by hand")
    assert not list(tmp_path.glob("*.db"))
    assert capfd.readouterr().out == ""

    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path / "trainer"))
    with Server(tmp_path / "service", {"MLFLOW_TRACKING_URI": server}) as service:
        registry.promote(two, "better again")
        service.wait_until(lambda: f"Version {two} cannot be used" in service.get("/readyz").json["problem"], 60)
