"""The registry, against a real database: what is tracked, who is champion, and what is said when something is not there."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from features.contract import ModelError
from models import home
from models.registry import Registry
from models.run import flatten
from models.tracking import tracking_uri
from tests.tracked import EXAMPLE, FIGURES, GATES, aliases, in_service, model_folder, name_in, trained


def test_a_training_leaves_everything_it_said(registry: Registry, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "calibration.png"
    picture.write_bytes(b"\x89PNG")
    with registry.run("first training") as run:
        run.log_settings({"snapshots": {"horizon": "14d", "train": ["2011-10-20", "2011-12-29"]}, "rules": {"größe, m²": 3}})
        run.log_settings({"many": {f"setting {number}": number for number in range(250)}})
        run.log_tags({"data": "sha of the data"})
        run.log_figures({"test": FIGURES | {"rows": 5905, "word": "tie"}})
        run.log_file(picture, "plots")
        run.log_json("notes.json", {"excluded": ["duration"]})
        version = run.log_model(model_folder(tmp_path, "one"), "fingerprint", EXAMPLE, FIGURES, GATES)
    registry.promote(version, "all gates hold")

    client = MlflowClient(registry.uri, registry.uri)
    logged = client.get_run(run.run_id)
    assert logged.info.status == "FINISHED"
    assert logged.data.params["snapshots.horizon"] == "14d"
    assert logged.data.params["rules.größe_ m²"] == "3"
    assert logged.data.params["many.setting 249"] == "249"
    assert logged.data.tags["data"] == "sha of the data"
    assert logged.data.metrics == {"test/auc": 0.81, "test/intervals/auc/low": 0.80, "test/intervals/auc/high": 0.83, "test/rows": 5905}
    assert {file.path for file in client.list_artifacts(run.run_id)} == {"notes.json", "plots", "settings.json"}
    (tmp_path / "again").mkdir()
    plot = Path(client.download_artifacts(run.run_id, "plots/calibration.png", str(tmp_path / "again")))
    assert plot.read_bytes() == b"\x89PNG"
    assert capfd.readouterr() == ("", "")


def test_a_version_tells_where_it_comes_from_and_what_was_decided(registry: Registry, tmp_path: Path) -> None:
    one, two = trained(registry, tmp_path, "one"), trained(registry, tmp_path, "two")
    assert aliases(registry) == {"challenger": two}
    registry.promote(one, "all gates hold")
    registry.refuse(two, "refused: worse than the champion")
    first, second = registry.versions()
    assert (first.version, first.aliases, first.reason) == (one, ("champion",), "all gates hold")
    assert (second.version, second.aliases, second.reason) == (two, ("challenger",), "refused: worse than the champion")
    assert first.fingerprint == "fingerprint of one"
    assert first.figures == FIGURES
    assert first.gates == GATES
    assert json.loads(json.dumps(first.to_dict()))["aliases"] == ["champion"]


def test_a_failed_training_is_a_failed_run_and_no_version(registry: Registry) -> None:
    with pytest.raises(RuntimeError, match="out of paper"), registry.run("broken") as run:
        raise RuntimeError("out of paper")
    assert MlflowClient(registry.uri, registry.uri).get_run(run.run_id).info.status == "FAILED"
    assert registry.versions() == []


def test_a_rollback_is_exact_and_a_second_one_undoes_it(registry: Registry, tmp_path: Path) -> None:
    one, two, three = (trained(registry, tmp_path, name) for name in ("one", "two", "three"))
    registry.promote(one, "first")
    registry.promote(two, "better")
    bytes_of_two = home.digest(in_service().folder)
    registry.promote(three, "better still")
    assert aliases(registry) == {"champion": three, "previous": two}

    assert registry.rollback().version == two
    assert aliases(registry) == {"champion": two, "previous": three}
    assert in_service().version == two
    assert home.digest(in_service().folder) == bytes_of_two == home.digest(tmp_path / "two")
    assert registry.version("champion").reason == "rolled back from version 3"

    assert registry.rollback().version == three
    assert aliases(registry) == {"champion": three, "previous": two}
    assert name_in(in_service().folder) == "three"


def test_promoting_the_champion_again_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    one, two = trained(registry, tmp_path, "one"), trained(registry, tmp_path, "two")
    registry.promote(one, "first")
    registry.promote(two, "better")
    assert registry.promote("champion", "again").reason == "better"
    assert aliases(registry) == {"champion": two, "previous": one}


def test_fetch_brings_any_version_and_mends_a_damaged_copy(registry: Registry, tmp_path: Path) -> None:
    one, two = trained(registry, tmp_path, "one"), trained(registry, tmp_path, "two")
    registry.promote(one, "first")
    assert name_in(registry.fetch(two)) == "two"
    assert name_in(registry.fetch("champion")) == "one"
    (in_service().folder / "manifest.json").write_text("{}")
    registry.settle()
    assert name_in(in_service().folder) == "one"


def test_a_second_machine_follows_the_registry(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = trained(registry, tmp_path, "one"), trained(registry, tmp_path, "two")
    registry.promote(one, "first")
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path / "elsewhere"))
    assert home.champion() is None
    registry.settle()
    assert name_in(in_service().folder) == "one"
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path / "home"))
    registry.promote(two, "better")
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path / "elsewhere"))
    registry.settle()
    assert name_in(in_service().folder) == "two"


def test_only_a_few_unpacked_versions_stay(registry: Registry, tmp_path: Path) -> None:
    for number in range(home.KEPT + 3):
        registry.promote(trained(registry, tmp_path, f"model {number}"), "newer")
    kept = sorted(int(place.name.partition("-")[0]) for place in (home.home() / "versions").iterdir())
    assert kept == list(range(3, home.KEPT + 4))


def test_a_reader_never_sees_a_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path))
    places = [model_folder(tmp_path / "versions", name) for name in ("1-one", "2-two")]
    home.put_in_service(places[0])
    done = threading.Event()

    def swap() -> None:
        for number in range(400):
            home.put_in_service(places[number % 2])
        done.set()

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen = set()
    while not done.is_set():
        champion = in_service()
        assert name_in(champion.folder).startswith(champion.version)
        seen.add(champion.version)
    swapper.join()
    assert seen == {"1", "2"}


def test_what_is_missing_is_said_in_words(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no champion yet.*leadheat train"):
        registry.fetch("champion")
    with pytest.raises(ModelError, match="nothing to roll back to"):
        registry.rollback()
    version = trained(registry, tmp_path, "one")
    with pytest.raises(ModelError, match=r"no version '7'; there are: 1"):
        registry.promote("7", "by hand")
    registry.promote(version, "first")
    with pytest.raises(ModelError, match="nothing to roll back to"):
        registry.rollback()


def test_changed_files_are_refused_and_the_champion_stays(registry: Registry, tmp_path: Path) -> None:
    one, two = trained(registry, tmp_path, "one"), trained(registry, tmp_path, "two")
    registry.promote(one, "first")
    for file in (tmp_path / "leadheat-artifacts").rglob("trees.json"):
        if "two" in file.read_text():
            file.write_text("{}")
    with pytest.raises(ModelError, match="not those that were registered"):
        registry.promote(two, "better")
    assert aliases(registry) == {"champion": one, "challenger": two}
    assert name_in(in_service().folder) == "one"


def test_a_folder_in_the_champions_place_is_left_alone(registry: Registry, tmp_path: Path) -> None:
    model_folder(tmp_path / "home", "champion")
    with pytest.raises(ModelError, match="no link to a version"):
        registry.promote(trained(registry, tmp_path, "one"), "first")
    assert name_in(tmp_path / "home" / "champion") == "champion"


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "sqlite:////proc/nowhere/leadheat.db", "./mlruns"])
def test_a_registry_that_does_not_answer_is_named(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=f"model registry at {uri}.*MLFLOW_TRACKING_URI"):
        Registry(uri).versions()


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "leadheat.db").write_text("dear diary " * 100)
    with pytest.raises(ModelError, match="file is not a database"):
        Registry(f"sqlite:///{tmp_path / 'leadheat.db'}")
    assert (tmp_path / "leadheat.db").read_text().startswith("dear diary")


def test_the_default_is_beside_the_caller_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri() == f"sqlite:///{tmp_path}/leadheat.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.internal:5000")
    assert tracking_uri() == "http://mlflow.internal:5000"


def test_passwords_are_not_told() -> None:
    with pytest.raises(ModelError) as refusal:
        Registry("http://ann:secret@127.0.0.1:9").versions()
    assert "http://127.0.0.1:9" in refusal.value.message
    assert "secret" not in str(refusal.value)


def test_a_database_of_an_older_mlflow_is_kept_and_explained(empty_database: Path, tmp_path: Path) -> None:
    shutil.copy(empty_database, tmp_path / "leadheat.db")
    with closing(sqlite3.connect(tmp_path / "leadheat.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    with pytest.raises(ModelError, match="another version of MLflow: back it up and run `mlflow db upgrade`"):
        Registry(f"sqlite:///{tmp_path / 'leadheat.db'}").versions()


def test_a_home_that_cannot_be_written_is_named(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = trained(registry, tmp_path, "one")
    (tmp_path / "file").touch()
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError, match=r"file cannot be written.*LEADHEAT_HOME"):
        registry.promote(version, "first")
    assert aliases(registry) == {"challenger": version}


def test_versions_deleted_elsewhere_block_nothing(registry: Registry, tmp_path: Path) -> None:
    one, two, three = (trained(registry, tmp_path, name) for name in ("one", "two", "three"))
    registry.promote(one, "first")
    registry.promote(two, "better")
    client = MlflowClient(registry.uri, registry.uri)
    client.delete_model_version("leadheat", one)
    with pytest.raises(ModelError, match="nothing to roll back to"):
        registry.rollback()
    client.delete_model_version("leadheat", two)
    registry.promote(three, "the only one left")
    assert aliases(registry) == {"champion": three}
    assert name_in(in_service().folder) == "three"


def test_intervals_are_told_from_other_pairs() -> None:
    nested = {"a": {"b": [1, 2.5]}, "c": ["x", "y"], "d": 3}
    assert list(flatten(nested, "/")) == [("a/b/low", 1), ("a/b/high", 2.5), ("c", ["x", "y"]), ("d", 3)]
