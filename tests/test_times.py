"""Times are read exactly, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contract import parse_moment, to_micros
from features.times import read_times

SOONEST, LATEST = datetime(1970, 1, 2), datetime(2199, 12, 30)  # noqa: DTZ001 - hypothesis adds the zones
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def column(*values: object, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind or pa.string())])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00+00:00"),
        ("2026-01-31 08:00:00+00:00", "2026-01-31T08:00:00+00:00"),
        ("2026-01-31T08:00+0230", "2026-01-31T05:30:00+00:00"),
        ("2026-01-31T08:00:00.25-03", "2026-01-31T11:00:00.250000+00:00"),
        ("2026-01-31 08:00:00,5 UTC", "2026-01-31T08:00:00.500000+00:00"),
        ("2026-01-31T08:00:00.123456789Z", "2026-01-31T08:00:00.123456+00:00"),
        ("2024-02-29T23:59:59z", "2024-02-29T23:59:59+00:00"),
    ],
)
@pytest.mark.parametrize("beside", ["2026-01-01T00:00:00Z", "rubbish"], ids=["alone", "beside rubbish"])
def test_text_with_a_zone(text: str, expected: str, beside: str) -> None:
    moments = read_times(column(text, beside), None)
    assert moments.values[0].as_py() == moment(expected)
    assert moments.unparseable.tolist() == [False, beside == "rubbish"]


NO_TIMES = """
31.01.2026 2026-02-29 2026-13-01 2026-00-10 20260131 2026-01-31T x2026-01-31 -2026-01-31 2026-01-31Z infinity 1767225600
2026-01-31T24:00:00Z 2026-01-31T08:60Z 2026-01-31T08:00:61Z 2026-01-31T08:00:00+25:00 2026-01-31T08:00:00+01:60
"""


@pytest.mark.parametrize("text", NO_TIMES.split())
def test_text_that_is_no_time(text: str) -> None:
    moments = read_times(column(text), "Europe/Berlin")
    assert moments.unparseable.tolist() == [True]
    assert moments.values.null_count == 1


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        ("2026-07-01", "Europe/Berlin", "2026-06-30T22:00:00+00:00"),
        ("2026-01-01 09:30", "Europe/Berlin", "2026-01-01T08:30:00+00:00"),
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00+00:00"),  # twice that night: the first
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:00:00+00:00"),  # never that night: when the gap ends
        ("2017-10-15", "America/Sao_Paulo", "2017-10-15T03:00:00+00:00"),  # a day that began at one o'clock
    ],
)
def test_times_without_a_zone_are_local(local: str, zone: str, expected: str) -> None:
    assert read_times(column(local), zone).values[0].as_py() == moment(expected)
    assert read_times(column(local), None).naive.tolist() == [True]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([0, 1], pa.timestamp("s", "UTC"), [0, 10**6]),
        ([0, 1], pa.timestamp("ms", "America/New_York"), [0, 1000]),
        ([0, 1999], pa.timestamp("ns", "UTC"), [0, 1]),
        ([2**62, -(2**62)], pa.timestamp("s", "UTC"), [None, None]),
        ([2**62, -1], pa.timestamp("ms", "UTC"), [None, None]),
        ([0, None], pa.date32(), [-3_600_000_000, None]),
        ([86_400_000, None], pa.date64(), [86_400_000_000 - 3_600_000_000, None]),
        ([1_767_225_600, 1.5], pa.float64(), [None, None]),
    ],
    ids=str,
)
def test_columns_that_have_a_type(values: list[object], kind: pa.DataType, expected: list[int | None]) -> None:
    assert read_times(column(*values, kind=kind), "Europe/Berlin").values.cast(pa.int64()).to_pylist() == expected


def test_the_years_that_are_read() -> None:
    texts = ["1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2199-12-31T23:59:59.999999Z", "2200-01-01T00:00:00Z"]
    moments = read_times(column(*texts), None)
    assert moments.out_of_range.tolist() == [True, False, False, True]


@settings(deadline=None)
@given(st.lists(st.datetimes(SOONEST, LATEST, timezones=ZONES), min_size=1), st.sampled_from(["T", " "]))
def test_every_aware_moment_is_read_back(moments: list[datetime], separator: str) -> None:
    texts = [one.isoformat(separator) for one in moments]
    expected = [to_micros(one) for one in moments]
    for column_of_texts in (column(*texts), column(*texts, "rubbish"), column(*texts).cast(pa.large_string()).dictionary_encode()):
        values = read_times(column_of_texts, None).values.cast(pa.int64())
        assert values.to_pylist()[: len(texts)] == expected


@settings(deadline=None)
@given(st.lists(st.none() | st.sampled_from(["2026-01-01", "2026-01-01T00:00:00Z", "x", "1900-01-01T00:00:00Z"])))
def test_every_row_is_known_or_told(texts: list[str | None]) -> None:
    moments = read_times(column(*texts), None)
    told = moments.missing.astype(int) + moments.unparseable + moments.naive + moments.out_of_range
    assert np.array_equal(told, np.asarray(moments.values.is_null()).astype(int))


def test_chunks_are_read_one_by_one() -> None:
    chunks = pa.chunked_array([["2026-01-01"], [], ["2026-01-01T00:00:00Z", None]], pa.string())
    moments = read_times(chunks, "Asia/Tokyo")
    assert moments.values.cast(pa.int64()).to_pylist() == [parse_moment("2025-12-31T15:00:00Z"), parse_moment("2026-01-01T00:00:00Z"), None]
