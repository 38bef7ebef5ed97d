"""``leadheat score --engine spark`` as users call it."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.contract import DAY, iso
from tests.clusters import need_spark
from tests.command import Place
from tests.small_world import SmallWorld


@pytest.mark.slow
def test_the_command_gives_the_file_that_one_machine_gives(
    champion_place: Place, world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_spark()
    monkeypatch.setenv("MASTER", "local[2]")
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    data = champion_place.folder / "data"
    shutil.copytree(world.folder / "data", data)
    leads = pq.read_table(data / "leads.parquet")
    pq.write_table(leads.append_column("newer_than_the_model", pa.repeat("yes", len(leads))), data / "leads.parquet")
    call = ("score", str(data), "--as-of", iso(world.now - DAY), "--json", "--out")
    here = champion_place.run(*call, "local.parquet")
    there = champion_place.run_cold(*call, "spark.parquet", "--engine", "spark")
    assert (here.code, there.code) == (0, 0), there.err
    for done in (here, there):
        (told,) = (line for line in done.err.splitlines() if "the model does not know" in line)
        assert "leads.newer_than_the_model" in told
        assert f"({len(leads)})" in told
    own = ("seconds",)
    assert {name: value for name, value in there.json.items() if name not in own} == {
        name: value for name, value in here.json.items() if name not in own
    }
    on_spark, local = (pq.read_table(champion_place.folder / name).sort_by("lead_id") for name in ("spark.parquet", "local.parquet"))
    assert on_spark.equals(local)
    assert len(local) > 100


@pytest.mark.parametrize("option", [("--resume",), ("--since", "old.parquet")])
def test_what_is_for_one_machine_is_refused(option: tuple[str, ...], world: SmallWorld, champion_place: Place) -> None:
    (champion_place.folder / "old.parquet").touch()
    done = champion_place.run("score", str(world.folder / "data"), "--out", "scores.parquet", "--engine", "spark", *option)
    assert done.code == 2
    assert "--since and --resume are for --engine local" in done.err
    assert not (champion_place.folder / "scores.parquet").exists()


def test_a_store_is_refused_on_spark(champion_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    need_spark()
    monkeypatch.setenv("MASTER", "local[1]")
    folder = champion_place.folder / "stored"
    folder.mkdir()
    (folder / "leadheat.toml").write_text('[data]\nleads = { path = "store:" }\ninteractions = { path = "store:" }\n')
    done = champion_place.run_cold("score", str(folder), "--out", "scores.parquet", "--engine", "spark")
    assert done.code == 2
    assert "The leads lie in a database" in done.err
    assert "Leave out --engine spark" in done.err
