"""Whatever the tables hold, ``check`` ends with a verdict."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest

from models.settings import read_settings
from training.check import check
from training.simulation.simulate import simulate

Tables = dict[str, pd.DataFrame]


def sparse(table: pd.DataFrame) -> pd.Series:
    """A third of the rows."""
    return pd.Series(range(len(table)), table.index) % 3 == 0


def change(name: str, column: str, value: object, *, some: bool = False) -> Callable[[Tables], None]:
    """Write a value into a column, in all rows or in some."""

    def apply(tables: Tables) -> None:
        table = tables[name]
        table[column] = table[column].mask(sparse(table), value) if some else value

    return apply


def keep(name: str, rows: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Tables], None]:
    """Keep some rows or columns."""

    def apply(tables: Tables) -> None:
        tables[name] = rows(tables[name]).copy()

    return apply


def moment(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


CHANGES: dict[str, Callable[[Tables], None]] = {
    "created unknown": change("leads", "created_at", pd.NaT),
    "some created unknown": change("leads", "created_at", pd.NaT, some=True),
    "one lead": keep("leads", lambda table: table.head(1)),
    "nothing but ids": keep("leads", lambda table: table[["lead_id"]]),
    "leads twice": keep("leads", lambda table: pd.concat([table, table])),
    "endless numbers": change("leads", "employees", float("inf")),
    "one value": change("leads", "industry", "a"),
    "all won": change("outcomes", "outcome", "won"),
    "all lost": change("outcomes", "outcome", "lost"),
    "closed at once": change("outcomes", "closed_at", moment("2024-09-01")),
    "some closed in ages": change("outcomes", "closed_at", moment("2199-01-01"), some=True),
    "some closed before computers": change("outcomes", "closed_at", moment("1970-01-01"), some=True),
    "a third silent": keep("interactions", lambda table: table[table["lead_id"].str[-1].astype(int) > 2]),
    "all at one moment": change("interactions", "occurred_at", moment("2024-09-01")),
    "some in ages": change("interactions", "occurred_at", moment("2199-01-01"), some=True),
    "one type": change("interactions", "type", "x"),
    "all known late": change("interactions", "recorded_at", moment("2025-03-30")),
}


PAIRS = random.Random(7).sample(list(combinations(CHANGES, 2)), 20)  # noqa: S311 - an order, no secret


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("odd") / "world", 300, seed=2).path


@pytest.mark.parametrize("names", [*((one,) for one in CHANGES), *PAIRS], ids=" and ".join)
def test_odd_tables_end_in_a_verdict(whole: Path, names: tuple[str, ...], tmp_path: Path) -> None:
    tables = {name: pd.read_parquet(whole / f"{name}.parquet") for name in ("leads", "interactions", "outcomes")}
    for name in names:
        CHANGES[name](tables)
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet")
    (tmp_path / "leadheat.toml").write_text((whole / "leadheat.toml").read_text().replace("observed_until", "# "))
    checked = check(read_settings(tmp_path))
    assert checked.ok == (not [one for one in checked.findings if one.severity == "error"])
    assert checked.findings
