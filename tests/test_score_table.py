"""Scores in a table of PostgreSQL: all or none, once for each lead, moment and version, and refused first where they do not fit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg.rows import dict_row

from features.contract import LeadheatError, SettingsError
from models.table import FOR_LATER, SCHEMA
from serving.batch import score_shards, score_to
from serving.output import output_of, write_scores
from serving.score_table import ScoreTable
from tests.conftest import REPO
from tests.postgres import USER, Postgres
from tests.small_world import SmallWorld

# Writes a first shard, says so, and waits to be killed.
KILLED = """
import sys, time
import pyarrow.parquet as pq
from serving.output import output_of, write_scores

def shards():
    yield pq.read_table(sys.argv[1])
    print("written", flush=True)
    time.sleep(600)

write_scores(shards(), output_of(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def scores(world: SmallWorld) -> pa.Table:
    """With a text that SQL and JSON must quote, and a reason that does so too."""
    table = pa.concat_tables(score_shards(world.scorer, world.dataset, world.now + 1))
    return table.set_column(0, SCHEMA.field(0), pa.array([f"\\ \"ü' {one}" for one in table["lead_id"].to_pylist()]))


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database()


def ask(url: str, query: str, *values: object) -> list[dict[str, Any]]:
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        cursor = connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def stored(url: str) -> list[dict[str, Any]]:
    return ask(url, "SELECT * FROM scores ORDER BY lead_id, as_of, version")


def versions(table: pa.Table, *of: str | None) -> list[pa.Table]:
    place = table.column_names.index("version")
    return [table.set_column(place, "version", pa.array([one] * len(table), pa.string())) for one in of]


@pytest.mark.parametrize("version", [None, "7"])
def test_a_table_holds_what_the_scores_say_and_the_same_run_again_changes_nothing(version: str | None, url: str, scores: pa.Table) -> None:
    (table,) = versions(scores, version)
    out = output_of(f"{url}#public.scores")
    out.check()
    bands = write_scores([table.slice(0, 100), table.slice(100)], out)
    assert bands == {name: table["temperature"].to_pylist().count(name) for name in ("cold", "warm", "hot")}
    rows = {row["lead_id"]: row for row in stored(url)}
    assert [rows[row["lead_id"]] for row in table.to_pylist()] == table.drop_columns(list(FOR_LATER)).to_pylist()
    places = ask(url, "SELECT ctid::text FROM scores ORDER BY lead_id")
    out.check()
    write_scores([table], out)
    assert ask(url, "SELECT ctid::text FROM scores ORDER BY lead_id") == places
    (kind,) = ask(url, "SELECT DISTINCT jsonb_typeof(reasons) AS kind FROM scores WHERE reasons IS NOT NULL")
    assert kind == {"kind": "array"}


def test_another_version_or_moment_is_beside_and_what_became_another_is_replaced(url: str, scores: pa.Table) -> None:
    first, other = versions(scores.slice(0, 10), None, "2")
    later = first.set_column(1, SCHEMA.field(1), pa.array([one.replace(year=2030) for one in first["as_of"].to_pylist()]))
    changed = first.set_column(4, SCHEMA.field(4), pa.array([55.5] * 10))
    for table in (first, other, later, changed):
        write_scores([table], output_of(f"{url}#scores"))
    assert len(stored(url)) == 30
    assert [row["score"] for row in stored(url) if row["version"] is None and row["as_of"].year < 2030] == [55.5] * 10


def test_a_run_that_fails_or_is_killed_leaves_nothing(url: str, scores: pa.Table, tmp_path: Any) -> None:
    def broken() -> Iterator[pa.Table]:
        yield scores
        raise LeadheatError("no more")

    for there in (False, True):
        with pytest.raises(LeadheatError, match="no more"):
            write_scores(broken(), output_of(f"{url}#scores"))
        pq.write_table(scores, tmp_path / "input.parquet")
        command = [sys.executable, "-c", KILLED, str(tmp_path / "input.parquet"), f"{url}#scores"]
        with subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "written\n"
            process.kill()
        if there:
            assert len(stored(url)) == 5
        else:
            assert ask(url, "SELECT to_regclass('scores') AS found") == [{"found": None}]
            write_scores([scores.slice(0, 5)], output_of(f"{url}#scores"))


def test_two_at_once_neither_mix_nor_wait_for_ever(url: str, scores: pa.Table) -> None:
    together = Barrier(2, timeout=60)

    def run(table: pa.Table) -> None:
        def shards() -> Iterator[pa.Table]:
            yield table.slice(0, 50)
            together.wait()
            yield table.slice(50)

        write_scores(shards(), output_of(f"{url}#scores"))

    place = scores.column_names.index("score")
    for backwards in (False, True):
        one, other = (scores.set_column(place, "score", pa.array([float(value)] * len(scores))) for value in (1, 2))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, [one, other.take(list(range(len(scores)))[::-1]) if backwards else other]))
        assert {row["score"] for row in stored(url)} in ({1.0}, {2.0})
        assert len(stored(url)) == len(scores)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ALTER TABLE scores DROP COLUMN funnel", r"lacks the column funnel \(text\)"),
        ("ALTER TABLE scores ALTER probability TYPE integer", "column probability is integer; it must be double precision"),
        ("ALTER TABLE scores ALTER reasons TYPE json", "column reasons is json; it must be jsonb"),
        ("ALTER TABLE scores ALTER as_of TYPE timestamp", "column as_of is timestamp without time zone"),
        ("ALTER TABLE scores ALTER lead_id TYPE varchar(5)", r"column lead_id is character varying\(5\)"),
        ("ALTER TABLE scores ALTER version SET NOT NULL", "column version is NOT NULL"),
        ("ALTER TABLE scores ADD owner text NOT NULL", "column owner is NOT NULL and has no default"),
        ("DROP INDEX scores_lead_id_as_of_coalesce_idx", "no unique index"),
        ("ALTER TABLE scores RENAME TO others; CREATE VIEW scores AS TABLE others", "no table that can be written to"),
        ("REVOKE UPDATE ON scores FROM clerk", "permission denied for table scores"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_first(change: str, words: str, url: str, scores: pa.Table) -> None:
    write_scores([scores.slice(0, 0)], output_of(f"{url}#scores"))
    ask(url, "DROP ROLE IF EXISTS clerk; CREATE ROLE clerk LOGIN; GRANT SELECT, INSERT, UPDATE ON scores TO clerk")
    try:
        out = output_of(f"{url.replace(f'//{USER}@', '//clerk@')}#public.scores")
        out.check()
        ask(url, change)
        with pytest.raises(SettingsError, match=words):
            out.check()
    finally:
        ask(url, "DROP OWNED BY clerk")


def test_a_table_of_ones_own_with_more_columns_is_taken(url: str, scores: pa.Table) -> None:
    write_scores([scores.slice(0, 0)], output_of(f"{url}#scores"))
    ask(url, "ALTER TABLE scores ADD seen boolean DEFAULT false, ALTER stage TYPE varchar")
    write_scores([scores], output_of(f"{url}#scores"))
    assert {row["seen"] for row in stored(url)} == {False}


@pytest.mark.parametrize(
    ("place", "words"),
    [("#no.scores", "no such schema"), ("#", "No table of"), ("", "No table of"), ("x#scores", "cannot be reached")],
)
def test_a_place_that_is_not_there_is_refused_first_without_the_password(place: str, words: str, url: str) -> None:
    with pytest.raises(SettingsError, match=words) as error:
        output_of(url.replace(f"//{USER}@", f"//{USER}:s3cret@") + place).check()
    assert "s3cret" not in str(error.value)


def test_the_command_line_scores_into_a_table(url: str, world: SmallWorld, scores: pa.Table) -> None:
    out = ScoreTable.at(f"{url}#scores")
    bands = score_to(out, world.scorer, world.dataset, world.now + 1, explain=False).bands
    assert sum(bands.values()) == len(scores) == len(stored(url))
    assert str(out).startswith("the table scores of ")
