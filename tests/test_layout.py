"""Which columns become attributes, and of which kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.contract import DataError
from features.times import UTC_MICROS
from tests.tables import read, write_csv, write_tables

ATTRIBUTES: list[tuple[str, pa.Array, dict[str, Any], list[Any] | None]] = [
    ("integers", pa.array([3, None, 5]), {}, [3.0, None, 5.0]),
    ("floats", pa.array([3.5, float("nan"), float("inf")]), {}, [3.5, None, None]),
    ("truths", pa.array([True, None, False]), {}, ["true", None, "false"]),
    ("texts", pa.array(["3", "", None]), {}, ["3", None, None]),
    ("categories", pa.array(["a", "b", "a"]).dictionary_encode(), {}, ["a", "b", "a"]),
    ("codes", pa.array([10115, None, 99]), {"categorical_attributes": ["leads.attr*"]}, ["10115", None, "99"]),
    ("float codes", pa.array([10115.0, None, 99.0]), {"categorical_attributes": ["attribute"]}, ["10115", None, "99"]),
    ("times", pa.array([0, 1, 2], pa.timestamp("us")), {}, None),
    ("lists", pa.array([[1], [2], [3]]), {}, None),
    ("nothing", pa.nulls(3, pa.string()), {}, None),
]


@pytest.mark.parametrize(("values", "settings", "expected"), [case[1:] for case in ATTRIBUTES], ids=[case[0] for case in ATTRIBUTES])
def test_attributes_by_the_type_of_the_column(
    tmp_path: Path, values: pa.Array, settings: dict[str, Any], expected: list[Any] | None
) -> None:
    created = pa.array([0, 1, 2], UTC_MICROS)
    pq.write_table(pa.table({"lead_id": [1, 2, 3], "created_at": created, "attribute": values}), tmp_path / "leads.parquet")
    tables = read(tmp_path, leads={"path": "leads.parquet"}, interactions=None, outcomes=None, **settings)
    assert tables.leads["lead_id"].to_pylist() == ["1", "2", "3"]
    assert [finding.code for finding in tables.findings] == (["unusable_attribute"] if expected is None else [])
    assert (tables.leads["attribute"].to_pylist() if "attribute" in tables.leads.column_names else None) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2.5", "-3e2"], [1.0, 2.5, -300.0]),
        (["", "2", ""], [None, 2.0, None]),
        (["1", "2", "many"], ["1", "2", "many"]),
        (["nan", "inf", "1"], ["nan", "inf", "1"]),
        (["true", "false", ""], ["true", "false", None]),
        (['"a, ""b"""', '"two\nlines"', "c"], ['a, "b"', "two\nlines", "c"]),
        (["2026-01-31", "", "2026-02-01T08:00:00Z"], None),
        (["2026-01-31", "soon", ""], ["2026-01-31", "soon", None]),
        (["", "", ""], None),
    ],
    ids=str,
)
def test_attributes_of_a_csv_are_numbers_if_all_values_are(tmp_path: Path, values: list[str], expected: list[Any] | None) -> None:
    rows = [f"L{i},2026-01-01T08:00:00Z,{value}" for i, value in enumerate(values)]
    write_csv(tmp_path, "leads", rows, header="lead_id,created_at,attribute")
    leads = read(tmp_path, interactions=None, outcomes=None).leads
    assert (leads["attribute"].to_pylist() if "attribute" in leads.column_names else None) == expected


def test_a_name_of_ours_is_no_attribute(tmp_path: Path) -> None:
    write_csv(tmp_path, "leads", ["L1,2026-01-01T08:00:00Z,b2b"], header="lead_id,created_at,type")
    tables = read(tmp_path, interactions=None, outcomes=None)
    assert [(finding.severity, finding.code, finding.column) for finding in tables.findings] == [("info", "reserved_name", "type")]
    renamed = read(tmp_path, leads={"path": "leads.csv", "columns": {"kind": "type"}}, interactions=None, outcomes=None)
    assert renamed.leads["kind"].to_pylist() == ["b2b"]


def test_attributes_are_left_out_by_patterns(tmp_path: Path) -> None:
    write_tables(tmp_path)
    tables = read(tmp_path, exclude_attributes=["leads.s*", "interactions.country", "Country"])
    assert tables.leads.column_names == ["lead_id", "created_at", "country"]
    told = [finding.detail for finding in tables.findings if finding.code == "pattern_without_match"]
    assert told == [f"exclude_attributes: {pattern!r} fits no attribute" for pattern in ("interactions.country", "Country")]
    hints = [finding.hint for finding in tables.findings if finding.code == "pattern_without_match"]
    assert hints[1] == 'Did you mean "country"?'


@pytest.mark.parametrize("column", ["lead_id", "type", "direction", "order", "part"])
def test_a_column_that_cannot_be_text_is_an_error(tmp_path: Path, column: str) -> None:
    write_tables(tmp_path)
    whole = {
        "lead_id": ["L01"],
        "occurred_at": ["2026-01-01T08:00:00Z"],
        "type": ["call"],
        "part": ["out"],
        "direction": ["inbound"],
        "order": [1],
    }
    pq.write_table(pa.table(whole | {column: [["a", "list"]]}), tmp_path / "lists.parquet")
    with pytest.raises(DataError, match=rf"the column '{column}' \(.*\) holds list<"):
        read(tmp_path, interactions={"path": "lists.parquet", "type": ["type", "part"]})
