"""Files that are not there, damaged or in many parts: each row is found again, and nothing ends in a traceback."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.contract import DataError
from features.data_settings import TableSettings
from features.streams import table_files
from tests.tables import HEADERS, ROWS, read, the_one, write_csv, write_tables


def damage(folder: Path) -> None:
    (folder / "notes.xlsx").write_text("x")
    (folder / "twice.csv").write_text("lead_id,lead_id\nL01,L01\n")
    (folder / "latin.csv").write_bytes("lead_id,closed_at,outcome\nM\u00fcller,2026-01-01T00:00:00Z,won\n".encode("latin-1"))
    (folder / "ragged.csv").write_bytes("lead_id,closed_at,outcome\nL01,M\u00fcller,x,y,z\n".encode("latin-1"))
    (folder / "utf16.csv").write_bytes((folder / "outcomes.csv").read_text().encode("utf-16"))
    (folder / "empty.csv").write_text("")
    pq.write_table(pa.table({"lead_id": ["L01", "L02"]}), folder / "whole.parquet")
    (folder / "cut.parquet").write_bytes((folder / "whole.parquet").read_bytes()[:-20])
    (folder / "cut.csv.gz").write_bytes(gzip.compress((folder / "leads.csv").read_bytes())[:-20])
    (folder / "cut.duckdb").write_bytes(b"no database" * 1000)
    with duckdb.connect(str(folder / "crm.duckdb")) as connection:
        connection.execute("CREATE TABLE leads AS SELECT 'L01' AS lead_id")
    (folder / "mixed").mkdir()
    pq.write_table(pa.table({"lead_id": ["L01"], "size": [1]}), folder / "mixed" / "a.parquet")
    pq.write_table(pa.table({"lead_id": ["L02"], "size": ["big"]}), folder / "mixed" / "b.parquet")


@pytest.mark.parametrize(
    ("table", "code", "detail", "hint"),
    [
        ({"leads": {"path": "lead.csv"}}, "missing_file", "there is no file .*lead.csv", 'Did you mean "leads.csv"'),
        ({"leads": {"path": "no/leads.csv"}}, "missing_file", "there is no file", "There is no folder"),
        ({"leads": {"path": "*.pq"}}, "missing_file", "there is no file", "relative to the folder"),
        ({"leads": {"path": "notes.xlsx"}}, "unknown_format", "notes.xlsx is in no format", "spreadsheet as CSV"),
        ({"leads": {"path": "leads.csv", "columns": {"lead_id": "Lead_ID"}}}, "missing_column", "'Lead_ID'", 'Did you mean "lead_id"'),
        ({"interactions": {"path": "interactions.csv", "type": "kind"}}, "missing_column", r"'kind' \(our type\)", "The file has: lead_id"),
        ({"interactions": {"path": "interactions.csv", "order": "odrer"}}, "missing_column", "'odrer'", 'Did you mean "order"'),
        ({"interactions": {"path": "leads.csv"}}, "missing_column", "'occurred_at'", 'Did you mean "created_at"'),
        ({"outcomes": {"path": "twice.csv"}}, "repeated_column", "has the column 'lead_id' twice", "Rename"),
        ({"outcomes": {"path": "latin.csv"}}, "unreadable_file", "latin.csv cannot be read: line 2 is not UTF-8", "CSV UTF-8"),
        ({"outcomes": {"path": "ragged.csv"}}, "unreadable_file", "line 2 is not UTF-8", "CSV UTF-8"),
        ({"outcomes": {"path": "utf16.csv"}}, "unreadable_file", "line 1 is not UTF-8", "UTF-16"),
        ({"leads": {"path": "https://crm.example/leads.csv"}}, "missing_file", "there is no file", "fetch the file"),
        ({"leads": {"path": "cut.parquet"}}, "unreadable_file", "cut.parquet cannot be read", "cut short"),
        ({"leads": {"path": "empty.csv"}}, "unreadable_file", "empty.csv cannot be read", "cut short"),
        ({"leads": {"path": "cut.csv.gz"}}, "unreadable_file", "cut.csv.gz cannot be read", "cut short"),
        ({"leads": {"path": "base.duckdb", "table": "leads"}}, "missing_file", "there is no file", "Did you mean"),
        ({"leads": {"path": "cut.duckdb", "table": "leads"}}, "unreadable_file", "cut.duckdb cannot be read", "DuckDB"),
        ({"leads": {"path": "crm.duckdb", "table": "lead"}}, "missing_table", "no table 'lead'", "the file has: leads"),
        ({"leads": {"path": "crm.duckdb"}}, "missing_table", "is not named", "the file has: leads"),
        ({"leads": {"path": "mixed"}}, "types_differ", "do not fit together", "one type"),
    ],
    ids=str,
)
def test_a_damaged_source_is_refused_in_words(tmp_path: Path, table: dict[str, Any], code: str, detail: str, hint: str) -> None:
    write_tables(tmp_path)
    damage(tmp_path)
    with pytest.raises(DataError, match=detail) as error:
        read(tmp_path, **table)
    found = next(finding for finding in error.value.findings if finding.code == code)
    assert found.severity == "error"
    assert hint in found.hint


def test_a_text_in_another_encoding_is_refused_before_its_rows_are_streamed(tmp_path: Path) -> None:
    whole = "\n".join(["lead_id,name", *(f"L{i},Meier" for i in range(200_000)), "L0,M\u00fcller"])
    (tmp_path / "leads.csv.gz").write_bytes(gzip.compress(whole.encode("latin-1"), 1))
    with pytest.raises(DataError, match=r"leads\.csv\.gz cannot be read: line 200002 is not UTF-8"):
        table_files(TableSettings(path="leads.csv.gz"), tmp_path, "leads")
    (tmp_path / "leads.csv.gz").write_bytes(gzip.compress(whole.encode("utf-8"), 1))
    assert table_files(TableSettings(path="leads.csv.gz"), tmp_path, "leads").schema.names == ["lead_id", "name"]


def test_rows_are_named_by_file_and_past_rows_that_cannot_be_read(tmp_path: Path) -> None:
    write_tables(tmp_path)
    (tmp_path / "months").mkdir()
    february = [*ROWS["interactions"], "a,row,of,more,than,seven,values,here", "L99,2026-01-02T08:00:00Z,mail,,,,"]
    for month, rows in (("january", ROWS["interactions"]), ("february", february)):
        write_csv(tmp_path / "months", month, rows, header=HEADERS["interactions"])
    findings = read(tmp_path, interactions={"path": "months"}).findings
    assert the_one(findings, "orphan").example == "february.csv, row 28: 'L99'"
    assert the_one(findings, "ragged_row").example == "february.csv, row 27"


SCRAP = st.text(alphabet='L012,;-:TZ+."\n\t ewonmail\x00\u00fc', max_size=80)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.sampled_from(sorted(HEADERS)), headed=st.booleans(), alone=st.booleans(), scrap=SCRAP)
def test_scraps_of_text_are_read_or_refused_in_words(tmp_path: Path, table: str, *, headed: bool, alone: bool, scrap: str) -> None:
    write_tables(tmp_path)
    text = (HEADERS[table] + "\n" if headed else "") + ("" if alone else "\n".join(ROWS[table]) + "\n") + scrap
    (tmp_path / f"{table}.csv").write_text(text, encoding="utf-8")
    with suppress(DataError):
        tables = read(tmp_path)
        assert tables.leads["lead_id"].null_count == 0
        assert {*tables.outcomes["lead_id"].to_pylist(), *tables.interactions["lead_id"].to_pylist()} <= {
            *tables.leads["lead_id"].to_pylist()
        }


def test_times_that_no_calendar_holds_are_shown(tmp_path: Path) -> None:
    write_tables(tmp_path)
    created = pa.array([2**62, *[0] * 24], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"lead_id": [f"L{i:02d}" for i in range(25)], "created_at": created}), tmp_path / "leads.parquet")
    findings = read(tmp_path, leads={"path": "leads.parquet"}, interactions=None, outcomes=None).findings
    assert the_one(findings, "time_out_of_range").example == "leads.parquet, row 1: 148108-07-06T14:00:27.387904"


@pytest.mark.parametrize("position", range(0, 1000, 37))
def test_a_parquet_file_with_a_wrong_byte_is_read_or_refused_in_words(tmp_path: Path, position: int) -> None:
    write_tables(tmp_path)
    pq.write_table(pa.table({"lead_id": ["L01", "L02"], "created_at": ["2026-01-01T08:00:00Z", None]}), tmp_path / "leads.parquet")
    content = bytearray((tmp_path / "leads.parquet").read_bytes())
    content[position % len(content)] ^= 0xFF
    (tmp_path / "leads.parquet").write_bytes(content)
    with suppress(DataError):
        assert read(tmp_path, leads={"path": "leads.parquet"}, interactions=None, outcomes=None).leads["lead_id"].null_count == 0
