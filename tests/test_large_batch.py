"""Scores of data larger than the budget: those of the data at once, whatever is killed, damaged, changed or started twice meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.buckets.buckets import Buckets, in_buckets
from features.contract import DataError, LeadheatError, SettingsError
from features.dataset import Dataset
from models import score_log
from models.settings import read_settings
from serving.batch import score_to
from serving.bucketed import score_buckets
from serving.output import ScoreFile
from serving.working import alone
from tests.conftest import REPO
from tests.small_world import SmallWorld

COUNT = 7
# Scores in buckets; says each bucket that is kept and, if asked to, waits there to be killed.
JOB = """
import sys, time
from pathlib import Path
from features.buckets.buckets import in_buckets
from models.scorer import LeadScorer
from models.settings import read_settings
from serving.bucketed import score_buckets
from serving.output import ScoreFile
from serving.working import Work, alone

world, out, stop, resume = Path(sys.argv[1]), ScoreFile(Path(sys.argv[2])), int(sys.argv[3]), sys.argv[4] == "resume"
put, kept = Work.put, []

def slow(self, share, *parts):
    if len(kept) >= stop:
        print("stopped\\n", end="", flush=True)  # at once, for two threads may say so
        time.sleep(600)
    put(self, share, *parts)
    kept.append(share)

Work.put = slow
source, scorer = read_settings(world / "data"), LeadScorer.load(world / "model")
with alone(out.working, str(out)), in_buckets(source.settings.data, source.root, 7, world / "cache") as buckets:
    score_buckets(out, scorer, buckets, buckets.whole.observed_until + 1, out.working, resume=resume)
"""


@pytest.fixture(scope="module")
def buckets(world: SmallWorld) -> Iterator[Buckets]:
    source = read_settings(world.folder / "data")
    with in_buckets(source.settings.data, source.root, COUNT, world.folder / "cache") as one:
        yield one


@pytest.fixture(autouse=True)
def _own_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHEAT_SCORE_LOG", str(tmp_path / "log"))


def run(world: SmallWorld, buckets: Buckets, out: Path, **options: Any) -> bytes:
    """Score everything in buckets; the bytes of the file and of the log."""
    place = ScoreFile(out)
    score_buckets(place, world.scorer, buckets, world.now + 1, place.working, **options)
    return out.read_bytes() + logged(out.parent)


def logged(folder: Path) -> bytes:
    (file,) = (folder / "log").glob("batch-*.parquet")
    return file.read_bytes()


def start(world: SmallWorld, out: Path, stop: int, *words: str) -> subprocess.Popen[str]:
    call = [sys.executable, "-c", JOB, str(world.folder), str(out), str(stop), *(words or ("anew",))]
    return subprocess.Popen(call, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_at(world: SmallWorld, out: Path, stop: int, *words: str) -> None:
    with start(world, out, stop, *words) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stopped\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def by_lead(table: pa.Table) -> pa.Table:
    return table.sort_by("lead_id")


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_buckets_score_as_all_at_once(world: SmallWorld, buckets: Buckets, tmp_path: Path, suffix: str) -> None:
    out, at_once = tmp_path / f"scores.{suffix}", tmp_path / f"at_once.{suffix}"
    run(world, buckets, out)
    in_parts = score_log.read(tmp_path / "log")
    score_to(ScoreFile(at_once), world.scorer, world.dataset, world.now + 1)
    if suffix == "csv":
        assert sorted(out.read_text().splitlines()) == sorted(at_once.read_text().splitlines())
    else:
        assert by_lead(pq.read_table(out)).equals(by_lead(pq.read_table(at_once)))
    whole = score_log.read(tmp_path / "log")  # of the same run, so that it has taken the place of the first
    assert by_lead(in_parts).drop_columns("scored_at").equals(by_lead(whole).drop_columns("scored_at"))
    assert {one.name for one in tmp_path.iterdir()} == {out.name, at_once.name, "log"}


@pytest.mark.slow
def test_killed_and_resumed_it_ends_with_the_same_bytes(
    world: SmallWorld, buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "scores.parquet"
    out.write_text("old")
    kill_at(world, out, 0)
    kill_at(world, out, 2, "resume")
    kill_at(world, out, 3, "resume")
    assert out.read_text() == "old"
    manifest = json.loads((ScoreFile(out).working / "manifest.json").read_text())
    assert len(list(ScoreFile(out).working.glob("scores-*.arrow"))) >= 4
    resumed = run(world, buckets, out, resume=True)
    assert {one.name for one in tmp_path.iterdir() if not one.name.endswith(".lock")} == {"scores.parquet", "log"}
    monkeypatch.setattr("serving.bucketed.now", lambda: manifest["scored_at"])
    shutil.rmtree(tmp_path / "log")
    assert run(world, buckets, out) == resumed


def begun(world: SmallWorld, buckets: Buckets, out: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The parts of a job that failed when all were there."""
    with monkeypatch.context() as patch:
        patch.setattr("serving.bucketed.write_scores", failing)
        with pytest.raises(LeadheatError, match="the disk is full"):
            run(world, buckets, out)
    return ScoreFile(out).working


def failing(*_: object) -> None:
    raise LeadheatError("the disk is full")


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_part_is_computed_again(
    world: SmallWorld, buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr("serving.bucketed.now", lambda: 5)
    out = tmp_path / "scores.parquet"
    expected = run(world, buckets, out)
    part = begun(world, buckets, out, monkeypatch) / "log-0003.arrow"
    if damage == "cut":
        os.truncate(part, part.stat().st_size - 3)
    else:
        part.unlink()
    assert run(world, buckets, out, resume=True) == expected


def test_what_was_begun_with_other_data_or_options_is_not_mixed(
    world: SmallWorld, buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "scores.parquet"
    folder = begun(world, buckets, out, monkeypatch)
    with pytest.raises(SettingsError, match="cannot be resumed: reasons was True, is False"):
        run(world, buckets, out, resume=True, explain=False)
    with pytest.raises(SettingsError, match=r"as-of was 20.* is 20"):
        score_buckets(ScoreFile(out), world.scorer, buckets, world.now + 2, folder, resume=True)
    assert (folder / "manifest.json").exists()
    assert not out.exists()
    run(world, buckets, out, explain=False)  # which discards what was begun
    assert pq.read_table(out)["reasons"].null_count == pq.read_table(out).num_rows


def test_two_jobs_on_one_output_do_not_mix(world: SmallWorld, tmp_path: Path) -> None:
    out = tmp_path / "scores.parquet"
    with start(world, out, 1) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "stopped\n"
        with pytest.raises(SettingsError, match=rf"process {first.pid}, is writing to {out}"), alone(ScoreFile(out).working, str(out)):
            pass
        first.kill()
    with alone(ScoreFile(out).working, str(out)):  # a killed job holds nothing up
        pass
    assert not list(tmp_path.glob(".*.lock"))


def test_a_full_disk_leaves_what_was_there(world: SmallWorld, buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    out = tmp_path / "scores.csv"
    out.write_text("old")
    monkeypatch.setattr(pa.ipc, "new_file", full)
    with pytest.raises(LeadheatError, match="No space left on device"):
        run(world, buckets, out)
    assert out.read_text() == "old"


def test_a_lead_with_a_million_interactions_scores_as_it_does_at_once(world: SmallWorld, tmp_path: Path) -> None:
    source, folder = read_settings(world.folder / "data"), tmp_path / "giant"
    shutil.copytree(source.root, folder)
    settings = read_settings(folder).settings.data
    assert settings.interactions is not None
    file = folder / settings.interactions.path
    rows = pq.read_table(file)
    chosen = np.random.default_rng(0).integers(0, rows.num_rows, 1_000_000)
    lead = pa.array([pq.read_table(folder / settings.leads.path)["lead_id"][0].as_py()] * len(chosen))
    many = rows.take(pa.array(chosen))
    many = many.set_column(many.column_names.index("lead_id"), "lead_id", lead)
    for name in ("interaction_id",):
        if name in many.column_names:
            many = many.set_column(many.column_names.index(name), name, pa.array(range(len(many))).cast(rows[name].type))
    pq.write_table(pa.concat_tables([rows, many]), file)
    out, at_once = tmp_path / "scores.parquet", tmp_path / "at_once.parquet"
    with in_buckets(settings, folder, COUNT, tmp_path / "cache") as one:
        score_buckets(ScoreFile(out), world.scorer, one, world.now + 1, tmp_path / "parts", explain=False)
    dataset = Dataset.read(settings, folder, world.scorer.schema)
    score_to(ScoreFile(at_once), world.scorer, dataset, world.now + 1, explain=False)
    assert by_lead(pq.read_table(out)).equals(by_lead(pq.read_table(at_once)))


def test_an_attribute_of_another_kind_is_told(world: SmallWorld, tmp_path: Path) -> None:
    source, folder = read_settings(world.folder / "data"), tmp_path / "other"
    shutil.copytree(source.root, folder)
    settings = read_settings(folder).settings.data
    leads = pq.read_table(folder / settings.leads.path)
    place = leads.column_names.index("employees")
    pq.write_table(leads.set_column(place, "employees", pa.array(["many"] * len(leads))), folder / settings.leads.path)
    with in_buckets(settings, folder, COUNT, tmp_path / "cache") as one, pytest.raises(DataError, match="now holds texts"):
        score_buckets(ScoreFile(tmp_path / "scores.parquet"), world.scorer, one, world.now + 1, tmp_path / "parts")
