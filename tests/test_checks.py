"""Each thing that can be wrong with a data set is found, counted, shown by an example, and told together with all the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from features.contract import DataError
from tests.tables import HEADERS, LAST_ROW, ROWS, read, the_one, write_csv, write_tables


class Case(NamedTuple):
    """A row that is added at the end of a table, what is found, and how many rows of the table are left."""

    code: str
    table: str
    row: str
    value: str
    left: int
    severity: str = "warning"
    settings: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple's default, never written to


WHOLE = len(ROWS["leads"])
I = "interactions"  # noqa: E741
CASES = [
    Case("missing_id", "leads", ",2026-01-01T08:00:00Z,5,DE", "(empty)", WHOLE),
    Case("missing_id", I, ",2026-01-02T08:00:00Z,mail,,,,", "(empty)", WHOLE),
    Case("missing_id", "outcomes", ",2026-02-01T08:00:00Z,won", "(empty)", WHOLE),
    Case("duplicate_lead", "leads", "L01,2026-01-05T08:00:00Z,5,DE", "'L01'", WHOLE),
    Case("unparseable_time", "leads", "L26,31.01.2026,5,DE", "'31.01.2026'", WHOLE + 1),
    Case("unparseable_time", I, "L01,2026-02-30T08:00:00Z,mail,,,,", "'2026-02-30T08:00:00Z'", WHOLE),
    Case("unparseable_time", I, "L01,2026-01-02T08:00:00Z,mail,,soon,,", "'soon'", WHOLE + 1),
    Case("unparseable_time", "outcomes", "L01,never,won", "'never'", WHOLE),
    Case("time_out_of_range", I, "L01,1969-12-31T23:59:59Z,mail,,,,", "'1969-12-31T23:59:59Z'", WHOLE),
    Case("time_out_of_range", "outcomes", "L01,2200-01-01T00:00:00Z,won", "'2200-01-01T00:00:00Z'", WHOLE),
    Case("missing_time", I, "L01,,mail,,,,", "(empty)", WHOLE),
    Case("missing_time", "outcomes", "L01,,won", "(empty)", WHOLE),
    Case("missing_type", I, "L01,2026-01-02T08:00:00Z,,,,,", "(empty)", WHOLE),
    Case("unknown_direction", I, "L01,2026-01-02T08:00:00Z,mail,,,sideways,", "'sideways'", WHOLE + 1),
    Case("unusable_order", I, "L01,2026-01-02T08:00:00Z,mail,,,,first", "'first'", WHOLE + 1),
    Case("negative_wait", I, "L01,2026-01-02T08:00:00Z,mail,,2026-01-02T07:59:59Z,,", "'2026-01-02T07:59:59Z'", WHOLE + 1),
    Case("orphan", I, "L99,2026-01-02T08:00:00Z,mail,,,,", "'L99'", WHOLE),
    Case("orphan", "outcomes", "L99,2026-02-01T08:00:00Z,won", "'L99'", WHOLE),
    Case("interaction_before_creation", I, "L01,2025-12-31T08:00:00Z,mail,,,,", "'2025-12-31T08:00:00Z'", WHOLE + 1, "info"),
    Case("repeated_interaction", I, "L01,2026-01-03T08:00:00Z,mail,i1,,,", "'i1'", WHOLE, "info"),
    Case("excluded_type", I, "L01,2026-01-02T08:00:00Z,Opened,,,,", "'Opened'", WHOLE, "info", {"exclude_types": ["Open*"]}),
    Case("open_lead", "outcomes", "L01,,", "(empty)", WHOLE, "info"),
    Case("unknown_outcome", "outcomes", "L01,2026-02-01T08:00:00Z,merged", "'merged'", WHOLE),
    Case("conflicting_outcome", "outcomes", "L05,2026-02-02T08:00:00Z,lost", "'L05'", WHOLE),
    Case("repeated_outcome", "outcomes", "L01,2026-02-02T08:00:00Z,lost", "'L01'", WHOLE, "info"),
    Case("repeated_outcome", "outcomes", "L01,2026-02-01T08:00:00Z,lost", "'L01'", WHOLE, "info", {"repeatable": True}),
    Case("stray_text", "leads", "L26,2026-01-01T08:00:00Z,many,DE", "'many'", WHOLE + 1),
    Case("ragged_row", "outcomes", "L01,2026-02-01T08:00:00Z", "", WHOLE),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.table}-{case.row[:30]}")
def test_one_bad_row_is_found_and_shown(tmp_path: Path, case: Case) -> None:
    write_tables(tmp_path, {case.table: [case.row]})
    tables = read(tmp_path, **case.settings)
    found = the_one(tables.findings, case.code)
    assert (found.severity, found.table, found.count) == (case.severity, case.table, 1)
    assert found.example == f"{case.table}.csv, row {LAST_ROW + 1}" + (f": {case.value}" if case.value else "")
    assert getattr(tables, case.table).num_rows == case.left


@pytest.mark.parametrize(
    ("sizes", "odd"),
    [
        (["1,5", "2,25", "1.234,5"], 3),
        (["1.5", "2", "N/A", "-3e2", "n/a"], 2),
        (["12 %", "7", "+8", " 9", "", "10"], 3),
        (["1'000", "1 000", "1,000", "5"], 3),
        (["31.01.2026", "1.2.3", "10115 Berlin", "5"], 0),
        (["small", "50", "large"], 0),
        (["5", "6.5", "7"], 0),
    ],
    ids=str,
)
def test_an_attribute_that_nearly_holds_numbers_is_told(tmp_path: Path, sizes: list[str], odd: int) -> None:
    write_tables(tmp_path)
    write_csv(tmp_path, "leads", [f'L{i:02d},2026-01-01T08:00:00Z,"{size}",DE' for i, size in enumerate(sizes, 1)])
    some = {"interactions": None, "outcomes": None}
    counts = [one.count for one in read(tmp_path, **some).findings if one.code == "stray_text"]
    assert counts == ([odd] if odd else [])
    assert not [one for one in read(tmp_path, categorical_attributes=["size"], **some).findings if one.code == "stray_text"]


def test_the_whole_data_set_has_no_findings(tmp_path: Path) -> None:
    write_tables(tmp_path)
    assert read(tmp_path).findings == ()


def test_an_outcome_before_creation_closes_its_lead(tmp_path: Path) -> None:
    write_tables(tmp_path)
    write_csv(tmp_path, "outcomes", [ROWS["outcomes"][0].replace("2026-02-01", "2025-02-01"), *ROWS["outcomes"][1:]])
    tables = read(tmp_path)
    found = the_one(tables.findings, "outcome_before_creation")
    assert (found.severity, found.count, found.example) == ("warning", 1, "outcomes.csv, row 2: '2025-02-01T08:00:00Z'")
    assert tables.outcomes.num_rows == WHOLE


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    told = [case for case in CASES if not case.settings]
    write_tables(tmp_path, {table: [case.row for case in told if case.table == table] for table in ROWS})
    with pytest.raises(DataError, match="rows cannot be used") as refused:
        read(tmp_path)
    findings = refused.value.findings
    assert {case.code for case in told} | {"too_many_unusable"} == {finding.code for finding in findings}
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)


@pytest.mark.parametrize(("bad", "refused"), [(5, False), (6, True)])
def test_more_than_a_twentieth_of_unusable_rows_is_refused(tmp_path: Path, bad: int, *, refused: bool) -> None:
    rows = [f"L01,2026-01-02T08:00:00Z,mail,,,,{i}" for i in range(100 - WHOLE - bad)] + ["L99,2026-01-02T08:00:00Z,mail,,,,"] * bad
    write_tables(tmp_path, {"interactions": rows})
    if refused:
        with pytest.raises(DataError, match=r"6 of 100 rows cannot be used \(6.0%, more than 5%\)") as error:
            read(tmp_path)
        assert {finding.code for finding in error.value.findings} == {"orphan", "too_many_unusable"}
    else:
        assert read(tmp_path).interactions.num_rows == 95


def test_rows_repeated_without_harm_are_never_too_many(tmp_path: Path) -> None:
    write_tables(tmp_path, {"interactions": ROWS["interactions"] * 3})
    tables = read(tmp_path)
    assert the_one(tables.findings, "repeated_interaction").count == 3 * WHOLE
    assert tables.interactions.num_rows == WHOLE


def test_of_repeated_interactions_the_first_known_counts(tmp_path: Path) -> None:
    twins = ["L02,2026-01-03T08:00:00Z,late,x,2026-01-09T08:00:00Z,,", "L02,2026-01-05T08:00:00Z,early,x,2026-01-05T08:00:00Z,,"]
    write_tables(tmp_path, {"interactions": twins})
    assert "early" in read(tmp_path).interactions["type"].to_pylist()
    assert "late" not in read(tmp_path).interactions["type"].to_pylist()


def test_conflicting_outcomes_are_kept_where_conversions_repeat(tmp_path: Path) -> None:
    write_tables(tmp_path, {"outcomes": ["L05,2026-03-01T08:00:00Z,won", "L05,2026-04-01T08:00:00Z,lost"]})
    tables = read(tmp_path, repeatable=True)
    assert tables.findings == ()
    assert tables.outcomes.num_rows == WHOLE + 2


def test_the_earliest_of_conflicting_outcomes_counts(tmp_path: Path) -> None:
    write_tables(tmp_path, {"outcomes": ["L01,2026-01-15T08:00:00Z,won"]})
    outcomes = read(tmp_path).outcomes.to_pylist()
    assert [row["won"] for row in outcomes if row["lead_id"] == "L01"] == [True]


def test_naive_times_are_an_error_until_a_zone_is_named(tmp_path: Path) -> None:
    write_tables(tmp_path, {"leads": ["L26,2026-07-01 00:00:00,5,DE", "L27,2026-07-02,5,DE"]})
    with pytest.raises(DataError, match="leads: times bear no time zone") as error:
        read(tmp_path)
    found = the_one(error.value.findings, "naive_time")
    assert (found.count, found.column, found.example) == (2, "created_at", "leads.csv, row 27: '2026-07-01 00:00:00'")
    assert 'timezone = "Europe/Berlin"' in found.hint
    created = read(tmp_path, timezone="Europe/Berlin").leads["created_at"].cast(pa.string()).to_pylist()
    assert created[-2:] == ["2026-06-30 22:00:00.000000Z", "2026-07-01 22:00:00.000000Z"]


@pytest.mark.parametrize(("table", "severity"), [("leads", "error"), ("interactions", "warning"), ("outcomes", "warning")])
def test_an_empty_table_is_told(tmp_path: Path, table: str, severity: str) -> None:
    write_tables(tmp_path)
    write_csv(tmp_path, table, [])
    if severity == "error":
        with pytest.raises(DataError, match="the table leads has no rows") as error:
            read(tmp_path)
        findings = error.value.findings
    else:
        findings = read(tmp_path).findings
    assert the_one(findings, "empty_table").severity == severity


def test_leads_without_creation_need_interactions(tmp_path: Path) -> None:
    write_tables(tmp_path)
    write_csv(tmp_path, "leads", [row.split(",")[0] for row in ROWS["leads"]], header="lead_id")
    found = the_one(read(tmp_path).findings, "missing_column")
    assert (found.severity, found.column) == ("warning", "created_at")
    with pytest.raises(DataError, match="lacks the column 'created_at'"):
        read(tmp_path, interactions=None)


def test_outcomes_that_are_never_won_show_what_the_file_has(tmp_path: Path) -> None:
    write_tables(tmp_path)
    found = the_one(read(tmp_path, outcomes={"path": "outcomes.csv", "won": ["Won"]}).findings, "nothing_won")
    assert found.example == "there are 'lost', 'won'"


def test_a_pattern_that_fits_no_type_is_told(tmp_path: Path) -> None:
    write_tables(tmp_path)
    found = the_one(read(tmp_path, exclude_types=["MAIL", "ma*"]).findings, "pattern_without_match")
    assert "'MAIL' fits no type" in found.detail


def test_one_interaction_in_two_files_is_one(tmp_path: Path) -> None:
    write_tables(tmp_path)
    (tmp_path / "days").mkdir()
    for day in range(3):
        write_csv(tmp_path / "days", f"{day}", ROWS["interactions"][day : day + 20], header=HEADERS["interactions"])
    tables = read(tmp_path, interactions={"path": "days/*.csv"})
    assert the_one(tables.findings, "repeated_interaction").count == 38
    assert tables.interactions.num_rows == 22


def test_times_in_the_future_are_told(tmp_path: Path) -> None:
    write_tables(tmp_path, {"interactions": ["L01,2199-01-02T08:00:00Z,meeting,,,,"]})
    found = the_one(read(tmp_path).findings, "future_time")
    assert (found.count, found.example) == (1, f"interactions.csv, row {LAST_ROW + 1}: '2199-01-02T08:00:00Z'")
    assert "observed_until" in found.hint


def test_a_row_with_two_faults_is_one_unusable_row(tmp_path: Path) -> None:
    rows = [f"L01,2026-01-02T08:00:00Z,mail,,,,{i}" for i in range(70)] + ["L01,soon,mail,,later,sideways,first"] * 5
    write_tables(tmp_path, {"interactions": rows})
    assert read(tmp_path).interactions.num_rows == 95
