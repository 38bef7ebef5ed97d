"""Buckets hold whole leads and all of the data set, whatever it is read from; their cache is whole or absent, and never out of date."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from features.buckets.buckets import Buckets, DamagedError, in_buckets
from features.buckets.budget import SMALLEST, buckets_for
from features.contract import DataError, LeadheatError
from features.data_settings import DataSettings
from features.sources import read_tables
from tests.conftest import REPO
from tests.tables import ROWS, SETTINGS, as_gzip, read, write_csv, write_tables
from tests.test_shares import NAMES, random_rows, rows_of, write

COUNT = 5
ODD = {
    "leads": ["L26,31.01.2026,5,DE"],
    "interactions": ["L99,2026-01-02T08:00:00Z,mail,,,,", "L07,2026-01-02T08:00:00Z"],
    "outcomes": ["L05,2026-02-02T08:00:00Z,lost"],
}
POURS = """
import sys, time
from pathlib import Path
import features.buckets.buckets as buckets
from features.data_settings import DataSettings

def slow(*arguments):
    print("poured", flush=True)
    time.sleep(600)

buckets._check = slow
settings = DataSettings(**{name: {"path": f"{name}.csv"} for name in ("leads", "interactions", "outcomes")})
with buckets.in_buckets(settings, Path(sys.argv[1]), 5, Path(sys.argv[1]) / "cache"):
    pass
"""


def poured(folder: Path, use: Callable[[Buckets], Any], count: int = COUNT, **settings: Any) -> Any:
    with in_buckets(DataSettings(**SETTINGS | settings), folder, count, folder / "cache") as buckets:
        return use(buckets)


def as_csv(_folder: Path, name: str) -> dict[str, Any]:
    return {"path": f"{name}.csv"}


def typed(folder: Path, name: str) -> pa.Table:
    options = pa.csv.ParseOptions(invalid_row_handler=lambda _: "skip")
    return pa.csv.read_csv(folder / f"{name}.csv", parse_options=options, convert_options=pa.csv.ConvertOptions(strings_can_be_null=True))


def as_parts(folder: Path, name: str) -> dict[str, Any]:
    """Parquet files of which one lacks the columns that it has no values of."""
    table = typed(folder, name)
    (folder / name).mkdir()
    half = len(table) // 2
    pq.write_table(table.slice(0, half), folder / name / "a.parquet", row_group_size=7)
    rest = table.slice(half)
    empty = [one for one in rest.column_names if rest[one].null_count == len(rest)]
    pq.write_table(rest.drop_columns(empty), folder / name / "b.parquet")
    return {"path": name}


def as_database(folder: Path, name: str) -> dict[str, Any]:
    with duckdb.connect(str(folder / "crm.duckdb")) as connection:
        connection.from_arrow(typed(folder, name)).create(name)
    return {"path": "crm.duckdb", "table": name}


@pytest.mark.parametrize("store", [as_csv, as_gzip, as_parts, as_database])
@pytest.mark.parametrize("seed", [1, 2])
def test_buckets_hold_what_reading_at_once_gives(tmp_path: Path, store: Callable[[Path, str], dict[str, Any]], seed: int) -> None:
    rows = random_rows(seed, rate=0.004)
    rows["interactions"].insert(3, "L01,2026-01-02T08:00:00Z")
    write(tmp_path, rows)
    settings = DataSettings(repeatable=True, **{name: store(tmp_path, name) for name in NAMES})
    whole = read_tables(settings, tmp_path)
    with in_buckets(settings, tmp_path, COUNT, tmp_path / "cache") as buckets:
        shares = [buckets.tables(number) for number in range(len(buckets))]
        assert {replace(one, example="") for one in buckets.whole.findings} == {replace(one, example="") for one in whole.findings}
        assert (buckets.whole.fingerprint, buckets.whole.observed_until) == (whole.fingerprint, whole.observed_until)
    for name in NAMES:
        assert rows_of([getattr(one, name) for one in shares]) == rows_of([getattr(whole, name)])
    homes = [set(one.leads["lead_id"].to_pylist()) for one in shares]
    assert sum(map(len, homes)) == len(set().union(*homes))
    assert sum(1 for home in homes if home) > 1


def test_a_row_that_is_told_bears_its_file_and_number(tmp_path: Path) -> None:
    write_tables(tmp_path, {**ODD, "interactions": [*ODD["interactions"], *ROWS["interactions"] * 2]})
    expected = {(one.code, one.table): one.example for one in read(tmp_path).findings}
    assert expected["ragged_row", "interactions"] == "interactions.csv, row 28"
    found = poured(tmp_path, lambda buckets: buckets.whole.findings)
    assert {(one.code, one.table): one.example for one in found} == expected


def test_all_that_is_wrong_is_told_and_nothing_stays(tmp_path: Path) -> None:
    write_tables(tmp_path, {"leads": ["L99,never,,"] * 3})
    (tmp_path / "interactions.csv").write_bytes(b"lead_id\nL01\xff\n")
    with pytest.raises(DataError, match="rows cannot be used") as refused:
        poured(tmp_path, len)
    assert {one.code for one in refused.value.findings} >= {"unreadable_file", "unparseable_time", "too_many_unusable"}
    assert not list((tmp_path / "cache").iterdir())


def test_a_lead_is_in_one_bucket_whatever_the_type_of_its_id(tmp_path: Path) -> None:
    write_tables(tmp_path)
    numbers = list(range(1, 21))
    moment = pa.array(["2026-01-01T08:00:00Z"] * 20)
    pq.write_table(pa.table({"lead_id": pa.array(numbers, pa.int64()), "created_at": moment}), tmp_path / "leads.parquet")
    calls = {"lead_id": pa.array([*map(float, numbers[:-1]), None]), "occurred_at": moment, "type": ["call"] * 20}
    pq.write_table(pa.table(calls), tmp_path / "interactions.parquet")
    pq.write_table(
        pa.table({"lead_id": [str(one) for one in numbers], "closed_at": moment, "outcome": ["won"] * 20}), tmp_path / "outcomes.parquet"
    )
    paths: dict[str, Any] = {name: {"path": f"{name}.parquet"} for name in NAMES}
    assert [one.code for one in poured(tmp_path, lambda buckets: buckets.whole.findings, **paths)] == ["missing_id"]


def made_at(folder: Path) -> set[tuple[str, int]]:
    return {(one.name, (one / "whole.json").stat().st_mtime_ns) for one in (folder / "cache").iterdir()}


def test_what_has_not_changed_is_poured_once(tmp_path: Path) -> None:
    write_tables(tmp_path)
    first = poured(tmp_path, lambda buckets: (buckets.whole.fingerprint, made_at(tmp_path)))
    assert poured(tmp_path, lambda buckets: (buckets.whole.fingerprint, made_at(tmp_path))) == first


def test_a_changed_file_is_never_missed(tmp_path: Path) -> None:
    """Not even where size and time of the last change are as before."""
    write_tables(tmp_path)
    before, was = poured(tmp_path, lambda buckets: buckets.whole.fingerprint), (tmp_path / "leads.csv").stat()
    write_csv(tmp_path, "leads", [ROWS["leads"][0].replace(",10,", ",99,"), *ROWS["leads"][1:]])
    os.utime(tmp_path / "leads.csv", ns=(was.st_atime_ns, was.st_mtime_ns))
    assert (tmp_path / "leads.csv").stat().st_size == was.st_size
    assert poured(tmp_path, lambda buckets: buckets.whole.fingerprint) == read(tmp_path).fingerprint != before


@pytest.mark.parametrize("damage", ["cut", "gone", "garbled list"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: str) -> None:
    write_tables(tmp_path)
    expected = poured(tmp_path, lambda buckets: buckets.whole.fingerprint)
    (file,) = (tmp_path / "cache").glob("*/interactions-0001.poured")
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-9])
    elif damage == "gone":
        file.unlink()
    else:
        (file.parent / "whole.json").write_text("{", encoding="utf-8")
    assert poured(tmp_path, lambda buckets: [len(buckets.tables(one).leads) for one in range(COUNT)]) != []
    assert poured(tmp_path, lambda buckets: buckets.whole.fingerprint) == expected


def test_a_changed_bit_is_noticed_and_the_next_command_works(tmp_path: Path) -> None:
    write_tables(tmp_path)
    number = poured(tmp_path, lambda buckets: next(one for one in range(COUNT) if len(buckets.tables(one).leads)))
    (file,) = (tmp_path / "cache").glob(f"*/leads-{number:04d}.poured")
    file.write_bytes(file.read_bytes().replace(b"DE", b"AT", 1))
    with pytest.raises(DamagedError, match="changed or damaged"):
        poured(tmp_path, lambda buckets: [buckets.tables(one) for one in range(COUNT)])
    shares = poured(tmp_path, lambda buckets: [buckets.tables(one).leads for one in range(COUNT)])
    assert rows_of(shares) == rows_of([read(tmp_path).leads])


def test_a_killed_pour_leaves_nothing_that_is_taken_for_whole(tmp_path: Path) -> None:
    write_tables(tmp_path)
    process = subprocess.Popen([sys.executable, "-c", POURS, str(tmp_path)], cwd=REPO, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "poured\n"
        process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    (left,) = (tmp_path / "cache").iterdir()
    assert poured(tmp_path, lambda buckets: buckets.whole.fingerprint) == read(tmp_path).fingerprint
    assert not left.exists()


def test_old_ones_go_and_those_in_use_stay(tmp_path: Path) -> None:
    write_tables(tmp_path)
    with in_buckets(DataSettings(**SETTINGS), tmp_path, 2, tmp_path / "cache") as used:
        for count in range(3, 8):
            poured(tmp_path, len, count)
        assert len(list((tmp_path / "cache").iterdir())) == 4
        assert len(used.tables(0).leads) + len(used.tables(1).leads) == 25
    poured(tmp_path, len, 9)
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_a_full_disk_is_told_and_nothing_stays(tmp_path: Path) -> None:
    write_tables(tmp_path, {"interactions": [f"L01,2026-01-02T08:00:00Z,mail,x{i},,," for i in range(9_000)]})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(LeadheatError, match=r"The cache cannot be written to .*: File too large"):
            poured(tmp_path, len)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list((tmp_path / "cache").iterdir())


def test_small_data_need_no_buckets_and_large_ones_fit_the_budget(tmp_path: Path) -> None:
    write_tables(tmp_path)
    settings = DataSettings(**SETTINGS)
    assert buckets_for(settings, tmp_path, SMALLEST) == 1
    with (tmp_path / "interactions.csv").open("r+b") as file:
        file.truncate(12 << 30)  # a file with a hole, which takes no room
    few, many = (buckets_for(settings, tmp_path, budget) for budget in (64 << 30, 1 << 30))
    assert 1 < few < many
    assert buckets_for(settings, tmp_path, 256 << 30) == 1
