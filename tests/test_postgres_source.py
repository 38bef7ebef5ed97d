"""A data set in PostgreSQL: what files say, from one moment, and in words when it cannot be read."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from adbc_driver_postgresql import dbapi

from features.contract import DataError
from features.data_settings import DataSettings
from features.postgres import reading
from features.postgres.reading import snapshot
from features.sources import Tables, read_tables
from models.settings import parse_settings, read_settings
from tests.postgres import USER, Postgres
from training.simulation.simulate import simulate

NAMES = ("leads", "interactions", "outcomes")
ODD = 'Crm "new".data'

TYPES = """
CREATE TYPE stage AS ENUM ('open', 'met');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE leads (lead_id uuid PRIMARY KEY, created_at timestamptz, stage stage, worth numeric(12, 2), staff integer, share real,
                    public boolean, mail email, code char(6), "Größe" smallint, extra jsonb, tags text[], since date, seen bytea);
INSERT INTO leads VALUES
  ('00000000-0000-0000-0000-000000000001', '2026-01-01 10:00+00', 'open', 12.50, 7, 0.5, true, 'a@b', 'ab', 3,
   '{"a": 1}', '{x}', '2020-01-01', '\\x00'),
  ('00000000-0000-0000-0000-000000000002', 'infinity', 'met', 'NaN', 2147483647, NULL, false, 'c@d', 'abcdef', 4,
   NULL, NULL, NULL, NULL);
INSERT INTO leads (lead_id) SELECT lpad(n::text, 32, '0')::uuid FROM generate_series(3, 40) AS n;
CREATE TABLE events (number numeric(30, 0), lead_id uuid, occurred_at timestamp, type varchar(20), amount numeric);
INSERT INTO events
  SELECT 123456789012345678901234567890 + n, '00000000-0000-0000-0000-000000000001', timestamp '2026-02-01' + n * interval '1 min',
         'visit', n / 4.0
  FROM generate_series(1, 40) AS n;
CREATE TABLE closings (lead_id uuid, closed_at date, outcome text);
INSERT INTO closings VALUES ('00000000-0000-0000-0000-000000000001', '2026-03-01', 'won');
"""


OTHER_ENCODINGS = (
    ("latin", "LATIN1", "INSERT INTO leads VALUES (1, now(), convert_from('B\\344cker', 'LATIN1'))"),
    ("bytes", "SQL_ASCII", "INSERT INTO leads VALUES (1, now(), E'B\\xe4cker')"),
)


def settings(url: str, schema: str = "public", **more: Any) -> DataSettings:
    return DataSettings.model_validate({name: {"path": url, "table": f"{schema}.{name}"} for name in NAMES} | more)


def run(url: str, *statements: str, schema: str = "public") -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT set_config('search_path', %s, false)", [quoted(schema)])
        for one in statements:
            connection.execute(one)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world as files."""
    return simulate(tmp_path_factory.mktemp("data"), 400, seed=3).path


@pytest.fixture(scope="module")
def filled(postgres: Postgres, data: Path) -> str:
    """The same in a schema whose name needs quoting, and again as views."""
    url = postgres.database()
    run(url, f"CREATE SCHEMA {quoted(ODD)}", "CREATE SCHEMA seen")
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        for name in NAMES:
            cursor.adbc_ingest(name, pq.read_table(data / f"{name}.parquet"), mode="create", db_schema_name=ODD)
        connection.commit()
    run(url, *(f"CREATE VIEW seen.{name} AS TABLE {name}" for name in NAMES), schema=ODD)
    return url


@pytest.fixture(scope="module")
def of_files(data: Path) -> Tables:
    source = read_settings(data)
    return read_tables(source.settings.data, source.root)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def of_server(filled: str, data: Path, schema: str) -> Tables:
    plain = read_settings(data).settings.data
    there = {name: getattr(plain, name).model_copy(update={"path": filled, "table": f"{schema}.{name}"}) for name in NAMES}
    return read_tables(plain.model_copy(update=there), Path())


@pytest.mark.parametrize("schema", ["seen", ODD])
def test_a_server_says_what_files_say(schema: str, filled: str, of_files: Tables, data: Path) -> None:
    tables = of_server(filled, data, schema)
    assert tables.fingerprint == of_files.fingerprint
    assert tables.observed_until == of_files.observed_until
    assert tables.leads["lead_id"].to_pylist() == sorted(of_files.leads["lead_id"].to_pylist())


@pytest.mark.parametrize("by", ["a sample", "statistics"])
def test_ranges_hold_whole_leads_and_all_rows_once(
    by: str, filled: str, of_files: Tables, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SMALL", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 5)
    if by == "statistics":
        run(filled, "ANALYZE")
    run(filled, "INSERT INTO interactions (lead_id, type) VALUES (NULL, 'nobody')", schema=ODD)
    try:
        table = settings(filled, ODD).interactions
        assert table is not None
        with snapshot(filled) as moment:
            parts = [one.read(Event()).rows for one in moment.ranges(table, "interactions")]
        assert len(parts) == 5
        leads = [set(part["lead_id"].to_pylist()) for part in parts]
        assert sum(map(len, leads)) == len(set.union(*leads))
        assert max(len(part) for part in parts) < 2 * min(len(part) for part in parts)
        tables = of_server(filled, data, ODD)
        assert [one.count for one in tables.findings if one.code == "missing_id"] == [1]
        assert tables.fingerprint == of_files.fingerprint
    finally:
        run(filled, "DELETE FROM interactions WHERE lead_id IS NULL", schema=ODD)


def test_all_tables_are_of_one_moment(filled: str, of_files: Tables, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = reading.Snapshot.table

    def interrupted(self: reading.Snapshot, table: Any, name: str) -> Any:
        if name == "interactions":
            run(filled, "INSERT INTO interactions (lead_id, type, occurred_at) VALUES ('late', 'late', '2024-01-01')", schema=ODD)
        return plain(self, table, name)

    monkeypatch.setattr(reading.Snapshot, "table", interrupted)
    try:
        assert of_server(filled, data, ODD).fingerprint == of_files.fingerprint
    finally:
        run(filled, "DELETE FROM interactions WHERE lead_id = 'late'", schema=ODD)


def test_types_are_what_they_mean(postgres: Postgres) -> None:
    url = postgres.database()
    run(url, *TYPES.split(";\n"))
    tables = read_tables(
        settings(
            url,
            interactions={"path": url, "table": "events", "columns": {"interaction_id": "number"}},
            outcomes={"path": url, "table": "closings"},
            timezone="Europe/Berlin",
        ),
        Path(),
        ids=True,
    )
    first, second, third = tables.leads.slice(0, 3).to_pylist()
    assert first["lead_id"] == str(UUID(int=1))
    assert first["created_at"].isoformat() == "2026-01-01T10:00:00+00:00"
    given = {name: first[name] for name in ("stage", "worth", "staff", "share", "public", "mail", "code", "Größe")}
    assert given == {"stage": "open", "worth": 12.5, "staff": 7, "share": 0.5, "public": "true", "mail": "a@b", "code": "ab", "Größe": 3}
    assert (second["created_at"], second["worth"], second["staff"], second["public"]) == (None, None, 2147483647, "false")
    assert set(third.values()) == {third["lead_id"], None}
    left_out = {one.column: one.detail for one in tables.findings if one.code == "unusable_attribute"}
    assert set(left_out) == {"extra", "tags", "since", "seen"}
    assert "it holds jsonb" in left_out["extra"]
    assert "it holds text[]" in left_out["tags"]
    assert tables.interactions["interaction_id"][0].as_py() == "123456789012345678901234567891"
    assert tables.interactions["occurred_at"][0].as_py().isoformat() == "2026-01-31T23:01:00+00:00"
    assert tables.interactions["amount"].type == pa.float64()
    assert tables.outcomes["closed_at"][0].as_py().isoformat() == "2026-02-28T23:00:00+00:00"
    assert "time_out_of_range" in {one.code for one in tables.findings}


def test_text_of_another_encoding_arrives_whole_and_bytes_without_one_are_refused(postgres: Postgres) -> None:
    for name, encoding, insert in OTHER_ENCODINGS:
        run(postgres.address("postgres"), f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0")
        url = postgres.address(name)
        run(url, "CREATE TABLE leads (lead_id int, created_at timestamptz, trade text)")
        run(url, insert)
        data = settings(url, interactions=None, outcomes=None)
        if name == "latin":
            assert read_tables(data, Path()).leads["trade"].to_pylist() == ["Bäcker"]
        else:
            with pytest.raises(DataError, match="invalid byte sequence"):
                read_tables(data, Path())


def test_a_column_that_may_not_be_read_is_not_there_and_a_table_without_rows_has_columns(postgres: Postgres) -> None:
    url = postgres.database()
    run(
        url,
        "CREATE TABLE leads (lead_id int, created_at timestamptz, income numeric, trade text)",
        "CREATE ROLE apprentice LOGIN",
        "GRANT SELECT (lead_id, created_at, trade) ON leads TO apprentice",
    )
    data = settings(url.replace(f"//{USER}@", "//apprentice@"), interactions=None, outcomes=None)
    with pytest.raises(DataError, match="the table leads has no rows"):
        read_tables(data, Path())
    run(url, "INSERT INTO leads VALUES (1, now(), 100, 'baker')")
    assert read_tables(data, Path()).leads.column_names == ["lead_id", "created_at", "trade"]


@pytest.mark.parametrize(
    ("table", "code", "words"),
    [
        ("seen.leds", "missing_table", 'Did you mean "seen.leads"'),
        ("leads", "missing_table", 'Did you mean "seen.leads"'),
        ("hidden.leads", "no_permission", "GRANT USAGE ON SCHEMA"),
        ("broken", "refused_by_server", "division by zero"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(table: str, code: str, words: str, filled: str) -> None:
    run(
        filled,
        "DROP SCHEMA IF EXISTS hidden CASCADE; CREATE SCHEMA hidden; CREATE TABLE hidden.leads (lead_id int)",
        "DROP VIEW IF EXISTS broken; DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN",
        "CREATE OR REPLACE VIEW broken AS SELECT 1 / (lead_id - 1) AS lead_id FROM generate_series(1, 9) AS lead_id",
        "GRANT SELECT ON broken TO guest",
    )
    data = DataSettings.model_validate({"leads": {"path": filled.replace(f"//{USER}@", "//guest@"), "table": table}})
    with pytest.raises(DataError) as error:
        read_tables(data, Path())
    assert error.value.findings[0].code == code
    assert words in f"{error.value} {error.value.findings[0].detail}"
    run(filled, "DROP OWNED BY guest")


def test_a_server_that_is_not_there_a_wrong_database_and_a_lost_connection_are_told_apart(
    postgres: Postgres, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    for url in (f"postgresql://{USER}@127.0.0.1:1/leads", postgres.address("nowhere")):
        with pytest.raises(DataError, match="cannot be reached") as error:
            read_tables(settings(url), Path())
        assert "s3cret" not in f"{error.value} {error.value.findings}"
        assert error.value.findings[0].code == "no_connection"
    table = settings(filled, ODD).interactions
    assert table is not None
    with snapshot(filled) as moment:
        (one,) = moment.ranges(table, "interactions")
        slow = reading.Range(moment, "interactions", "slow", "SELECT pg_terminate_backend(pg_backend_pid())::text AS lead_id", {})
        with pytest.raises(DataError, match="was lost") as lost:
            slow.read(Event())
        assert lost.value.findings[0].code == "connection_lost"
        assert len(one.read(Event()).rows) > 0


def test_a_missing_driver_is_named(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from features.contract import SettingsError

    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    with pytest.raises(SettingsError, match=r"leadheat\[postgres\]"):
        read_tables(settings(filled, ODD), Path())


def test_settings_must_not_hold_a_password_and_name_a_table() -> None:
    from features.contract import SettingsError

    for url in ("postgresql://me:s3cret@host/db", "postgres://host/db?password=s3cret"):
        with pytest.raises(SettingsError, match="PGPASSWORD") as error:
            parse_settings({"leads": {"path": url, "table": "leads"}}, DataSettings, "leadheat.toml")
        assert "s3cret" not in str(error.value)
    with pytest.raises(SettingsError, match="table = "):
        parse_settings({"leads": {"path": "postgresql://host/db"}}, DataSettings, "leadheat.toml")
