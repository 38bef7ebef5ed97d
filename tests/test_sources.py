"""Data sets are read as they are: every format, every way to say what a column means, the real ones, and always the same content."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from features.contract import UNKNOWN_TIME, parse_moment
from features.data_settings import DataSettings
from features.sources import Tables, read_tables
from features.times import UTC_MICROS
from tests.conftest import DATASETS, shared_data
from tests.tables import HEADERS, ROWS, as_gzip, read, write_csv, write_tables


def read_real(name: str) -> Tables:
    shared_data(name)
    path = DATASETS / f"{name}.toml"
    return read_tables(DataSettings(**tomllib.loads(path.read_text(encoding="utf-8"))["data"]), path.parent)


@pytest.mark.parametrize(
    ("name", "leads", "interactions", "outcomes", "won", "codes"),
    [
        ("bpic2012", 13_087, 242_777, 12_688, 2_246, ["excluded_type"]),
        ("olist", 8_000, 8_000, 842, 842, ["outcome_before_creation"]),
        ("uci_bank", 41_188, 0, 41_188, 4_640, []),
    ],
)
def test_the_real_data_sets(name: str, leads: int, interactions: int, outcomes: int, won: int, codes: list[str]) -> None:
    tables = read_real(name)
    assert (tables.leads.num_rows, tables.interactions.num_rows, tables.outcomes.num_rows) == (leads, interactions, outcomes)
    assert sum(tables.outcomes["won"].to_pylist()) == won
    assert [finding.code for finding in tables.findings] == codes


def test_what_the_real_data_sets_hold() -> None:
    bpic, olist, bank = read_real("bpic2012"), read_real("olist"), read_real("uci_bank")
    assert bpic.findings[0].count == 262_200 - 242_777
    assert "A_SUBMITTED/COMPLETE" in bpic.interactions["type"].unique().to_pylist()
    assert not [name for name in bpic.interactions["type"].unique().to_pylist() if name.startswith(("A_ACTIVATED", "O_ACCEPTED"))]
    assert bpic.interactions.schema.field("resource").type == pa.string()
    assert bpic.interactions["order"].to_pylist()[:3] == [0, 1, 2]
    assert olist.leads.column_names == ["lead_id", "created_at", "landing_page_id", "origin"]
    assert olist.interactions["type"].unique().to_pylist() == ["first_contact"]
    assert olist.findings[0].example == "olist_closed_deals_dataset.csv, row 669: '2018-03-06 19:38:55'"
    assert "duration" not in bank.leads.column_names
    assert {name for name in bank.leads.column_names if bank.leads[name].type == pa.float64()} == {"age", "campaign", "pdays", "previous"}


def test_the_columns_of_the_tables(tmp_path: Path) -> None:
    write_tables(tmp_path)
    tables = read(tmp_path)
    times = dict.fromkeys(("occurred_at", "recorded_at", "created_at", "closed_at"), UTC_MICROS)
    kinds = times | {"order": pa.int64(), "won": pa.bool_(), "size": pa.float64()}
    for table in (tables.interactions, tables.leads, tables.outcomes):
        assert {field.name: field.type for field in table.schema} == {name: kinds.get(name, pa.string()) for name in table.column_names}
    assert set(tables.interactions.column_names) == {"lead_id", "occurred_at", "type", "recorded_at", "direction", "order"}
    assert tables.outcomes.column_names == ["lead_id", "won", "closed_at"]
    assert tables.observed_until == parse_moment("2026-02-01T08:00:00Z")


def typed(folder: Path, name: str) -> pa.Table:
    """A table as a database would hold it: numbers and times have types."""
    return pa.csv.read_csv(folder / f"{name}.csv", convert_options=pa.csv.ConvertOptions(timestamp_parsers=[pa.csv.ISO8601]))


def as_excel_csv(folder: Path, name: str) -> dict[str, Any]:
    text = "\n".join([HEADERS[name], *ROWS[name], ""]).replace(",", ";").replace("\n", "\r\n")
    (folder / f"{name}_excel.csv").write_text(text, encoding="utf-8-sig", newline="")
    return {"path": f"{name}_excel.csv"}


def as_parquet(folder: Path, name: str) -> dict[str, Any]:
    pq.write_table(typed(folder, name), folder / f"{name}.parquet")
    return {"path": str(folder / f"{name}.parquet")}


def as_parts(folder: Path, name: str) -> dict[str, Any]:
    table = typed(folder, name)
    (folder / name).mkdir()
    for part, (low, high) in enumerate([(0, 10), (10, 10), (10, 25)]):
        pq.write_table(table.slice(low, high - low), folder / name / f"part-{part}.parquet")
    (folder / name / "_SUCCESS").touch()
    return {"path": name}


def as_glob(folder: Path, name: str) -> dict[str, Any]:
    return {"path": as_parts(folder, name)["path"] + "/part-*.parquet"}


def as_database(folder: Path, name: str) -> dict[str, Any]:
    with duckdb.connect(str(folder / "crm.duckdb")) as connection:
        table = typed(folder, name)
        connection.from_arrow(table).create(f"the {name}")
    return {"path": "crm.duckdb", "table": f"the {name}"}


@pytest.mark.parametrize("write", [as_gzip, as_excel_csv, as_parquet, as_parts, as_glob, as_database])
def test_all_formats_hold_the_same(tmp_path: Path, write: Callable[[Path, str], dict[str, Any]]) -> None:
    write_tables(tmp_path)
    expected = read(tmp_path)
    tables = read(tmp_path, **{name: write(tmp_path, name) for name in HEADERS})
    assert tables.findings == ()
    for name in HEADERS:
        assert getattr(tables, name).to_pydict() == getattr(expected, name).to_pydict()
    assert tables.fingerprint == expected.fingerprint


def test_the_order_of_rows_and_columns_does_not_matter(tmp_path: Path) -> None:
    odd = {
        "leads": ["L01,2026-01-01T08:00:00Z,999,AT"],
        "interactions": ["L03,2026-01-02T08:00:00Z,visit,i3,2026-01-02T08:00:00Z,outbound,9", *ROWS["interactions"][:3]],
        "outcomes": ["L05,2026-02-01T08:00:00Z,lost"],
    }
    write_tables(tmp_path, odd)
    expected = read(tmp_path)
    for seed in range(5):
        chance = np.random.default_rng(seed)
        for name in HEADERS:
            header, *rows = [line.split(",") for line in [HEADERS[name], *ROWS[name], *odd[name]]]
            columns = chance.permutation(len(header))
            shuffled = [",".join(rows[row][column] for column in columns) for row in chance.permutation(len(rows))]
            write_csv(tmp_path, name, shuffled, ",".join(header[column] for column in columns))
        assert read(tmp_path).fingerprint == expected.fingerprint


@pytest.mark.parametrize("name", list(HEADERS))
def test_every_value_is_in_the_fingerprint(tmp_path: Path, name: str) -> None:
    write_tables(tmp_path)
    seen = {read(tmp_path).fingerprint}
    changed = {"leads": "L01,2026-01-01T08:00:01Z,11,AT", "outcomes": "L01,2026-02-01T08:00:01Z,won"}
    changed["interactions"] = "L02,2026-01-02T08:00:01Z,visit,i1,2026-01-02T08:00:02Z,outbound,7"
    first = ROWS[name][0].split(",")
    columns = [
        column
        for column in range(len(first))
        if HEADERS[name].split(",")[column] != "interaction_id" and (column or name == "interactions")
    ]
    for column in columns:
        row = [*first[:column], changed[name].split(",")[column], *first[column + 1 :]]
        write_csv(tmp_path, name, [",".join(row), *ROWS[name][1:]])
        seen.add(read(tmp_path).fingerprint)
    write_csv(tmp_path, name, ROWS[name][:-1])
    if name != "leads":
        seen.add(read(tmp_path).fingerprint)
    assert len(seen) == 1 + len(columns) + (name != "leads")


def test_columns_are_renamed_and_types_built_from_several(tmp_path: Path) -> None:
    write_tables(tmp_path)
    write_csv(
        tmp_path, "interactions", ["L01,2026-01-02T08:00:00Z,call,out,7", "L02,2026-01-02T09:00:00Z,call,,8"], header="who,ts,what,how,n"
    )
    interactions = {"path": "interactions.csv", "columns": {"lead_id": "who", "occurred_at": "ts", "minutes": "n"}, "type": ["what", "how"]}
    tables = read(tmp_path, interactions=interactions)
    assert tables.interactions.select(["lead_id", "type", "minutes"]).to_pylist() == [
        {"lead_id": "L01", "type": "call/out", "minutes": 7.0},
        {"lead_id": "L02", "type": "call", "minutes": 8.0},
    ]


def test_one_type_for_all_rows_and_a_win_in_every_row(tmp_path: Path) -> None:
    write_tables(tmp_path)
    contact = {"path": "leads.csv", "columns": {"occurred_at": "created_at"}, "type": {"const": "contact"}}
    tables = read(tmp_path, interactions=contact, outcomes={"path": "outcomes.csv", "won": True})
    assert tables.interactions["type"].to_pylist() == ["contact"] * 25
    assert tables.outcomes["won"].to_pylist() == [True] * 25


@pytest.mark.parametrize(
    ("outcomes", "won"),
    [({}, 5), ({"won": ["won"]}, 5), ({"won": ["won", "lost"]}, 25), ({"won": "lost", "lost": ["won"]}, 20), ({"won": True}, 25)],
    ids=str,
)
def test_which_values_mean_won(tmp_path: Path, outcomes: dict[str, Any], won: int) -> None:
    write_tables(tmp_path)
    tables = read(tmp_path, outcomes={"path": "outcomes.csv", **outcomes})
    assert sum(tables.outcomes["won"].to_pylist()) == won
    assert tables.outcomes.num_rows == 25


def test_a_data_set_for_scoring_needs_leads_only(tmp_path: Path) -> None:
    write_tables(tmp_path)
    tables = read(tmp_path, interactions=None, outcomes=None)
    assert (tables.interactions.num_rows, tables.outcomes.num_rows, tables.leads.num_rows) == (0, 0, 25)
    assert tables.interactions.schema.field("occurred_at").type == UTC_MICROS


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-31", "2026-03-31T00:00:00Z"),
        ("2026-03-31T00:00:00+02:00", "2026-03-30T22:00:00Z"),
        (tomllib.loads("t = 2026-03-31")["t"], "2026-03-31T00:00:00Z"),
        (tomllib.loads("t = 2026-03-31T08:00:00Z")["t"], "2026-03-31T08:00:00Z"),
    ],
    ids=str,
)
def test_the_end_of_what_was_observed_can_be_declared(tmp_path: Path, written: object, moment: str) -> None:
    write_tables(tmp_path)
    assert read(tmp_path, observed_until=written).observed_until == parse_moment(moment)


def test_a_data_set_without_any_time_was_never_observed(tmp_path: Path) -> None:
    write_csv(tmp_path, "leads", [f"{row.split(',')[0]}," for row in ROWS["leads"]], header="lead_id,created_at")
    assert read(tmp_path, interactions=None, outcomes=None).observed_until == UNKNOWN_TIME


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timezone": "Europe/Berln"}, 'did you mean "Europe/Berlin"'),
        ({"timezone": "../etc/passwd"}, "is no time zone"),
        ({"outcomes": {"path": "o.csv", "won": True, "lost": ["lost"]}}, "every row is a win"),
        ({"outcomes": {"path": "o.csv", "won": ["x"], "lost": ["x", "y"]}}, "cannot be both won and lost"),
        ({"observed_until": "yesterday"}, "is no moment"),
        ({"observed_until": "2026-01-01T08:00:00"}, "bears no time zone"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DataSettings(**{"leads": {"path": "leads.csv"}, **settings})


@pytest.mark.parametrize("name", ["bpic2012", "olist", "uci_bank"])
def test_settings_survive_being_written_down(name: str) -> None:
    table = tomllib.loads((DATASETS / f"{name}.toml").read_text(encoding="utf-8"))["data"]
    settings = DataSettings(**table | {"observed_until": "2026-01-01"})
    assert DataSettings.model_validate_json(settings.model_dump_json()) == settings
