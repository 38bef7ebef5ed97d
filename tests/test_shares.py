"""A data set checked in shares of whole leads is the data set checked at once: the same findings, rows, fingerprint and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from features.contract import DataError, Finding
from features.data_settings import DataSettings
from features.files import load
from features.layout import as_text
from features.notes import Notes, about, conclude, merged
from features.raw import RawTable
from features.sources import Checked, check_tables, join_all

NAMES = ("leads", "interactions", "outcomes")
SETTINGS = {name: {"path": f"{name}.csv"} for name in NAMES}
HEADERS = {
    "leads": "lead_id,created_at,size,note,empty,since",
    "interactions": "lead_id,occurred_at,type,interaction_id,recorded_at,direction,order,minutes,remark",
    "outcomes": "lead_id,closed_at,outcome",
}
CONFIGURED: tuple[dict[str, Any], ...] = (
    {},
    {"exclude_types": ["call", "nothing*"], "exclude_attributes": ["note", "gone"]},
    {"outcomes": {"path": "outcomes.csv", "won": ["nobody"]}, "categorical_attributes": ["size"]},
    {"outcomes": {"path": "outcomes.csv", "won": ["won"], "lost": ["lost"]}, "repeatable": True, "timezone": "Europe/Berlin"},
)


def random_rows(seed: int, rate: float = 0.02) -> dict[str, list[str]]:
    """Rows in which all can be wrong, but not too often."""
    chance = np.random.default_rng(seed)

    def one(*values: str, odd: Sequence[str] = (), rate: float = rate) -> str:
        chosen = odd if odd and chance.random() < rate else values
        return str(chosen[int(chance.integers(len(chosen)))])

    ids = [f"L{i:02d}" for i in range(30)]
    days = [f"2026-01-{day:02d}T08:00:00Z" for day in range(1, 29)]
    note = ("1", "2.5", "") if seed % 2 else ("1", "x", "")
    leads = [f"{lead},{one(*days[:3])},{one('10', '20', '')},{one(*note)},,{one(*days)}" for lead in [*ids, *ids[: seed % 2]]]
    interactions = [
        f"{one(*ids, odd=('', 'L99'))},{one(*days, odd=('', 'soon', '1969-01-01T00:00:00Z'))},{one('mail', 'call', odd=('',))},"
        f"{one(*map(str, range(300)))},{one(*days, odd=('x',))},{one('inbound', 'outbound', odd=('up',))},{one('1', '2', odd=('b',))},"
        f"{one('3', '4.5', odd=('n/a',) * (seed % 2))},{one('', '', 'hm')}"
        for _ in range(chance.integers(400))
    ]
    outcomes = [f"{one(*ids, odd=('L98',))},{one(*days)},{one('won', 'lost', odd=('merged', ''))}" for _ in range(chance.integers(40))]
    return {"leads": leads, "interactions": interactions, "outcomes": outcomes}


def write(folder: Path, rows: dict[str, list[str]]) -> None:
    for name, header in HEADERS.items():
        (folder / f"{name}.csv").write_text("\n".join([header, *rows[name]]) + "\n", encoding="utf-8")


def shares_of(raw: dict[str, RawTable], shares: int, seed: int) -> list[dict[str, RawTable]]:
    """The rows of whole leads dealt out to shares by lot."""
    lots: dict[str | None, int] = {}
    chance = np.random.default_rng(seed)
    dealt: list[dict[str, RawTable]] = [{} for _ in range(shares)]
    for name, table in raw.items():
        ids = as_text(table.rows["lead_id"]).to_pylist()
        lot = np.array([lots.setdefault(one, int(chance.integers(shares))) for one in ids], np.int64)
        for share in range(shares):
            positions = np.flatnonzero(lot == share)
            dealt[share][name] = replace(
                table,
                rows=table.rows.take(pa.array(positions)),
                place=partial(place_of, table, positions),
                skipped=table.skipped if share == 0 else 0,
            )
    return dealt


def place_of(table: RawTable, positions: np.ndarray, position: int) -> str:
    return table.place(int(positions[position]))


def check_shares(settings: DataSettings, shares: list[dict[str, RawTable]]) -> list[Checked]:
    """Check each share; those in which an attribute seems to be of another kind than in all, once more."""
    checked = [check_tables(settings, share) for share in shares]
    kinds = join_all(one.kinds for one in checked)
    return [
        one if one.kinds == kinds else check_tables(settings, {name: replace(raw, kinds=kinds[name]) for name, raw in share.items()})
        for share, one in zip(shares, checked, strict=True)
    ]


def told(settings: DataSettings, notes: list[Notes]) -> set[Finding]:
    """All findings, those of an error too, with their counts and without examples."""
    try:
        findings = conclude(settings, notes)
    except DataError as error:
        findings = error.findings
    assert len({about(one) for one in findings}) == len(findings)
    return {replace(one, example="") for one in findings}


def rows_of(tables: Sequence[pa.Table]) -> list[str]:
    """Rows in no order, with the names and types of their columns."""
    assert len({tuple(sorted((field.name, str(field.type)) for field in table.schema)) for table in tables}) == 1
    return sorted(str(sorted(row.items())) for table in tables for row in table.to_pylist())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shares")


@trying(max_examples=40)
@given(seed=st.integers(0, 400), shares=st.integers(1, 9), configured=st.sampled_from(CONFIGURED), typed=st.booleans())
def test_shares_are_the_whole(folder: Path, seed: int, shares: int, configured: dict[str, Any], *, typed: bool) -> None:
    write(folder, random_rows(seed))
    settings = DataSettings(**SETTINGS | configured)
    raw = {name: load(getattr(settings, name), folder, name) for name in NAMES}
    if typed:
        raw = {name: as_database(folder, table) for name, table in raw.items()}
    whole = check_tables(settings, raw)
    checked = check_shares(settings, shares_of(raw, shares, seed))
    assert told(settings, [one.notes for one in checked]) == told(settings, [whole.notes])
    for name in NAMES:
        assert rows_of([getattr(one, name) for one in checked]) == rows_of([getattr(whole, name)])
    joined = merged(one.notes for one in checked)
    assert joined.fingerprint == whole.notes.fingerprint
    assert joined.observed_until(settings) == whole.notes.observed_until(settings)


def as_database(folder: Path, table: RawTable) -> RawTable:
    """The same rows with types, as far as the text allows."""
    pa.csv.write_csv(table.rows, folder / "typed.csv")
    rows = pa.csv.read_csv(folder / "typed.csv", convert_options=pa.csv.ConvertOptions(strings_can_be_null=True))
    pq.write_table(rows, folder / "typed.parquet")
    return replace(table, rows=pq.read_table(folder / "typed.parquet"), untyped=False)


def test_a_number_in_one_share_and_a_text_in_another_is_a_text(tmp_path: Path) -> None:
    rows = random_rows(2) | {"leads": ["L01,2026-01-01T08:00:00Z,1,,,", "L02,2026-01-01T08:00:00Z,big,,,"]}
    write(tmp_path, rows)
    settings = DataSettings(**SETTINGS)
    raw = {name: load(getattr(settings, name), tmp_path, name) for name in NAMES}
    halves = [{"leads": replace(raw["leads"], rows=raw["leads"].rows.slice(low, 1))} for low in (0, 1)]
    assert [check_tables(settings, half).kinds["leads"]["size"] for half in halves] == ["number", "text"]
    assert [one.leads["size"].to_pylist() for one in check_shares(settings, halves)] == [["1"], ["big"]]


def test_whole_numbers_are_ids_without_a_fraction_whatever_lies_beside_them() -> None:
    mixed = pa.chunked_array([pa.array([1.0, 2.5, 1e15, -0.0, float("nan"), None, 1e300])])
    assert as_text(mixed).to_pylist() == ["1", "2.5", "1000000000000000", "0", "nan", None, "1e+300"]
