"""Scores of a whole data set: the same for any shards and either format, those of one lead alone, and a file that is whole or absent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from features.contract import DAY, WEEK, LeadheatError, SettingsError
from features.snapshots import open_leads
from models.table import FOR_LATER, SCHEMA
from serving import batch
from serving.batch import score_shards, score_to
from serving.output import ScoreFile, write_scores
from tests.conftest import REPO
from tests.small_world import SmallWorld

# Writes a first shard, says so, and waits to be killed.
KILLED = """
import sys, time
from pathlib import Path
import pyarrow.parquet as pq
from serving.output import ScoreFile, write_scores

def shards():
    table = pq.read_table(sys.argv[1])
    yield table
    print("written", flush=True)
    time.sleep(600)
    yield table

write_scores(shards(), ScoreFile(Path(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def scores(world: SmallWorld) -> pa.Table:
    return pa.concat_tables(score_shards(world.scorer, world.dataset, world.now + 1))


@pytest.mark.parametrize("shard", [1, 97, 1_499, 1_500])
def test_shards_of_any_size_give_the_same(shard: int, world: SmallWorld, scores: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "SHARD", shard)
    tables = list(score_shards(world.scorer, world.dataset, world.now + 1, explain=shard > 1))
    assert len(tables) == -(-1_500 // shard)
    whole = pa.concat_tables(tables)
    explained = ["base", "reasons", "signal_sums"] if shard == 1 else []
    assert whole.drop_columns(explained).equals(scores.drop_columns(explained))


def test_each_lead_scores_as_it_does_alone_to_the_last_bit(world: SmallWorld, scores: pa.Table) -> None:
    as_of = world.now + 1
    leads = open_leads(world.dataset, as_of)
    assert len(leads) == len(scores) > 100
    history = world.dataset.history.with_schema(world.scorer.schema)
    for number, row in zip(leads.tolist(), scores.to_pylist(), strict=True):
        one = world.scorer.score(history.slice(number, number + 1), as_of, explain=False)
        assert (one.lead_id, one.probability, one.log_odds) == (row["lead_id"], row["probability"], row["log_odds"])
        assert (one.score, one.temperature, one.stage, one.agreement) == (row["score"], row["temperature"], row["stage"], row["agreement"])
        assert (one.baseline.points, one.baseline.temperature) == (row["points"], row["rules_temperature"])
        assert (one.next_step.words, one.respond_within_minutes) == (row["next_step"], row["respond_within_minutes"])


def test_warm_and_hot_leads_have_their_reasons(world: SmallWorld, scores: pa.Table) -> None:
    assert {"cold", "warm", "hot"} == set(scores["temperature"].to_pylist())
    for row in scores.to_pylist():
        if row["temperature"] == "cold":
            assert row["reasons"] is None
        else:
            assert abs(row["base"] + sum(one["contribution"] for one in row["reasons"]) - row["log_odds"]) < 1e-9
    assert not any(table["reasons"].drop_null() for table in score_shards(world.scorer, world.dataset, world.now, explain=False))


def test_nothing_from_as_of_on_is_seen(world: SmallWorld) -> None:
    as_of = world.now - 8 * WEEK
    some = pa.concat_tables(score_shards(world.scorer, world.dataset, as_of))
    known = world.dataset.history.known_before(as_of)
    assert len(some) == len(open_leads(world.dataset, as_of)) > 0
    earlier = world.scorer.score_many(
        known.with_schema(world.scorer.schema), open_leads(world.dataset, as_of), some["as_of"].cast(pa.int64()).to_numpy()
    )
    assert earlier["probability"].equals(some["probability"])


def test_scores_of_a_moment_that_the_data_do_not_reach_are_told(world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHEAT_SCORE_LOG", "off")
    out = ScoreFile(tmp_path / "scores.parquet")
    assert score_to(out, world.scorer, world.dataset).noticed == world.dataset.findings
    assert score_to(out, world.scorer, world.dataset, world.now + WEEK).noticed == world.dataset.findings
    (*_, stale) = score_to(out, world.scorer, world.dataset, world.now + 1_000 * DAY).noticed
    assert (stale.code, stale.count) == ("stale_data", 1_000)
    assert stale.detail.startswith("the data end 1,000 days before the moment of the scores")
    (*_, nobody) = score_to(out, world.scorer, world.dataset, 0).noticed
    assert nobody.code == "nobody_open"
    assert nobody.detail.startswith("no lead is open at 1970-01-01T00:00:00.000000+00:00")


def test_csv_says_what_parquet_says(scores: pa.Table, tmp_path: Path) -> None:
    for name in ("scores.parquet", "scores.csv"):
        bands = write_scores([scores.slice(0, 50), scores.slice(50)], ScoreFile(tmp_path / name))
        assert bands == {name: scores["temperature"].to_pylist().count(name) for name in ("cold", "warm", "hot")}
    assert pq.read_table(tmp_path / "scores.parquet").equals(scores)
    options = pc.ConvertOptions(column_types={"version": pa.string()}, strings_can_be_null=True, quoted_strings_can_be_null=False)
    read = pc.read_csv(tmp_path / "scores.csv", convert_options=options, parse_options=pc.ParseOptions(newlines_in_values=True))
    assert [*read.column_names, *FOR_LATER] == SCHEMA.names
    for name in ("lead_id", "probability", "log_odds", "score", "points", "temperature", "contactable", "base"):
        assert read[name].to_pylist() == scores[name].to_pylist()
    assert [None if one is None else json.loads(one) for one in read["reasons"].to_pylist()] == scores["reasons"].to_pylist()


def test_no_open_lead_gives_a_file_with_columns_and_no_rows(world: SmallWorld, tmp_path: Path) -> None:
    bands = write_scores(score_shards(world.scorer, world.dataset, 0), ScoreFile(tmp_path / "scores.parquet"))
    assert bands == {"cold": 0, "warm": 0, "hot": 0}
    assert pq.read_table(tmp_path / "scores.parquet").schema.equals(SCHEMA)


def test_a_failure_in_the_middle_leaves_the_old_file(scores: pa.Table, tmp_path: Path) -> None:
    def broken() -> Iterator[pa.Table]:
        yield scores
        raise OSError(28, os.strerror(28))

    out = tmp_path / "scores.csv"
    out.write_text("old")
    with pytest.raises(LeadheatError, match="No space left on device"):
        write_scores(broken(), ScoreFile(out))
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
    assert out.read_text() == "old"


def test_killed_in_the_middle_the_old_file_stays_and_the_next_run_cleans_up(scores: pa.Table, tmp_path: Path) -> None:
    out, other = tmp_path / "scores.parquet", tmp_path / "input.parquet"
    pq.write_table(scores, other)
    out.write_text("old")
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(other), str(out)], cwd=REPO, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    assert out.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 3
    write_scores([scores], ScoreFile(out))
    assert pq.read_table(out).equals(scores)
    assert {path.name for path in tmp_path.iterdir()} == {"scores.parquet", "input.parquet"}


@pytest.mark.parametrize(
    ("name", "words"),
    [("scores.txt", "neither Parquet nor CSV"), ("no/scores.csv", "no folder"), ("/proc/scores.csv", "No file can be written")],
)
def test_what_cannot_be_written_is_refused_first(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=words):
        write_scores(iter(()), ScoreFile(tmp_path / name))
