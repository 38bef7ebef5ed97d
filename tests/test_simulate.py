"""The simulated world: the same bytes, the rates of sales practice, and a truth that the outcomes bear out."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from features.contract import DAY, SettingsError
from features.data_settings import DataSettings
from features.sources import read_tables
from tests.worlds import END, HORIZON, PLAIN, World, auc, build
from training.simulation.clock import Clock
from training.simulation.simulate import START, TABLES, WEEKS, WorldSettings, simulate, start_of


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("plain") / "world", 8000)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_gives_the_same_bytes_in_any_thread(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: simulate(tmp_path / name, 300, seed=4), "abc"))
    simulate(tmp_path / "alone", 300, seed=4)
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == contents(tmp_path / "c") == contents(tmp_path / "alone")


def test_a_world_can_end_today(tmp_path: Path) -> None:
    start = start_of(datetime(2026, 11, 24, 12, tzinfo=UTC))
    assert start + timedelta(weeks=WEEKS) == datetime(2026, 11, 24, tzinfo=UTC)
    assert start_of(START + timedelta(weeks=WEEKS)) == START
    simulate(tmp_path / "world", 50, 1, start=start)
    latest = pd.read_parquet(tmp_path / "world" / "interactions.parquet")["occurred_at"].max()
    assert datetime(2026, 11, 23, tzinfo=UTC) < latest < datetime(2026, 11, 24, tzinfo=UTC)
    assert 'observed_until = "2026-11-24' in (tmp_path / "world" / "leadheat.toml").read_text()


@pytest.mark.parametrize("begin", [START, START + timedelta(days=3), START + timedelta(days=6)])
def test_a_world_rests_on_weekends_and_at_night_whichever_day_it_begins(begin: datetime) -> None:
    clock = Clock.starting(begin, 28)
    pace = pd.Series(np.diff(clock.world_days), pd.to_datetime(clock.moments[:-1], unit="us", utc=True))
    by_day = pace.groupby(pace.index.day_of_week).sum()
    assert by_day[:5].min() > 3 * by_day[5:].max()
    assert pace.groupby(pace.index.hour).sum().idxmax() in range(8, 18)


def test_another_seed_gives_another_world(tmp_path: Path) -> None:
    one, other = build(tmp_path / "one", 100, seed=1), build(tmp_path / "other", 100, seed=2)
    assert not set(one.leads["created_at"]) & set(other.leads["created_at"])
    assert not set(one.interactions["occurred_at"]) & set(other.interactions["occurred_at"])


def test_a_lead_is_the_same_however_large_the_world(tmp_path: Path, world: World) -> None:
    small = build(tmp_path / "small", 5000)
    for name in TABLES:
        larger = getattr(world, name)
        mine = larger[larger["lead_id"] <= "L0005000"]
        pd.testing.assert_frame_equal(getattr(small, name).reset_index(drop=True), mine.reset_index(drop=True))


def test_what_is_returned_is_what_was_written(tmp_path: Path) -> None:
    done = simulate(tmp_path / "new" / "world", 200, seed=3)
    rows = {name: len(pd.read_parquet(done.path / f"{name}.parquet")) for name in TABLES}
    won = (pd.read_parquet(done.path / "outcomes.parquet")["outcome"] == "won").sum()
    assert (done.leads, done.interactions, done.snapshots, done.won) == (200, rows["interactions"], rows["truth"], won)
    assert rows["leads"] == 200


def test_the_data_set_is_read_without_a_warning(world: World) -> None:
    settings = tomllib.loads((world.path / "leadheat.toml").read_text(encoding="utf-8"))
    assert settings["data"]["name"].startswith("simulated")
    assert "simulated" in (world.path / "README.txt").read_text(encoding="utf-8")
    tables = read_tables(DataSettings(**settings["data"]), world.path)
    assert {finding.severity for finding in tables.findings} <= {"info"}
    assert tables.interactions.num_rows == len(world.interactions)
    assert tables.observed_until == END.value // 1000


def test_every_type_has_a_signal_or_says_nothing_of_interest(world: World) -> None:
    signals = tomllib.loads((world.path / "leadheat.toml").read_text(encoding="utf-8"))["signals"]
    covered = {kind for signal in signals.values() for kind in signal["types"]}
    assert set(world.interactions["type"]) - covered == {"bought_list"}
    assert covered <= set(world.interactions["type"])


def test_the_truth_covers_the_open_leads_of_every_monday(world: World) -> None:
    leads = world.leads.merge(world.outcomes, on="lead_id", how="left")
    closed = leads["closed_at"].fillna(END + pd.Timedelta(days=1))
    mondays = pd.date_range(pd.Timestamp("2024-01-08", tz="UTC"), END, freq="7D")
    expected = {(lead, day) for day in mondays for lead in leads.loc[(leads["created_at"] < day) & (closed >= day), "lead_id"]}
    assert set(zip(world.truth["lead_id"], world.truth["as_of"], strict=True)) == expected
    assert len(world.truth) == len(expected)
    assert world.truth["probability"].between(0, 1, inclusive="neither").all()


@pytest.mark.parametrize(
    "options",
    [PLAIN, WorldSettings(hidden_intent=1.0), WorldSettings(base_rate_factor=4.0), WorldSettings(hidden_intent=0.7, base_rate_factor=0.3)],
    ids=["plain", "hidden intent", "rising base rate", "both"],
)
def test_the_truth_is_what_happens(tmp_path: Path, options: WorldSettings) -> None:
    rows = build(tmp_path / "world", 8000, seed=11, options=options).labelled()
    rows["decile"] = pd.qcut(rows["probability"], 10, labels=False)
    rows["quarter"] = pd.qcut(rows["as_of"], 4, labels=False)
    for part in ("decile", "quarter"):
        for _, some in rows.groupby(part):
            by_lead = (some["won"] - some["probability"]).groupby(some["lead_id"]).sum()
            assert abs(by_lead.sum()) < 4 * np.sqrt((by_lead**2).sum())
    deciles = rows.groupby("decile")[["won", "probability"]].mean()
    assert (deciles["won"] - deciles["probability"]).abs().mean() < 0.008


def test_the_oracle_is_good_and_counting_is_clearly_worse(world: World) -> None:
    rows = world.labelled()
    assert 0.8 < auc(rows) < 0.88
    inbound = world.interactions[world.interactions["direction"] == "inbound"]
    pairs = rows[["lead_id", "as_of"]].reset_index().merge(inbound[["lead_id", "occurred_at"]], on="lead_id")
    age = pairs["as_of"] - pairs["occurred_at"]
    counts = pairs.loc[(age > pd.Timedelta(0)) & (age <= HORIZON), "index"].value_counts()
    count = rows.index.to_series().map(counts).fillna(0)
    assert 0.6 < roc_auc_score(rows["won"], count) < auc(rows) - 0.05


def test_hidden_intent_lowers_what_can_be_known(tmp_path: Path, world: World) -> None:
    hidden = build(tmp_path / "hidden", 8000, options=WorldSettings(hidden_intent=2.5))
    assert auc(hidden.labelled()) < auc(world.labelled()) - 0.02


def test_the_base_rate_moves_when_asked(tmp_path: Path, world: World) -> None:
    rising = build(tmp_path / "rising", 4000, options=WorldSettings(base_rate_factor=4.0))

    def growth(one: World) -> float:
        rate = one.truth.groupby("as_of")["probability"].mean()
        return float(rate.iloc[-8:].mean() / rate.iloc[15:23].mean())

    assert growth(rising) > 1.4 * growth(world)


def test_nothing_but_a_simulated_data_set_is_replaced(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(SettingsError, match="mine is there already and is no simulated data set"):
        simulate(mine, 50)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    file = mine / "thesis.txt"
    with pytest.raises(SettingsError, match="is there already"):
        simulate(file, 50)
    with pytest.raises(SettingsError, match="cannot be written"):
        simulate(file / "below", 50)
    first = contents(simulate(tmp_path / "world", 50, seed=1).path)
    assert contents(simulate(tmp_path / "world", 50, seed=2).path) != first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "world"]


@pytest.mark.parametrize(("leads", "seed"), [(0, 0), (-5, 0), (10, -1)])
def test_impossible_worlds_are_refused(tmp_path: Path, leads: int, seed: int) -> None:
    with pytest.raises(SettingsError, match="make no world"):
        simulate(tmp_path / "world", leads, seed)
    assert not list(tmp_path.iterdir())


def test_one_lead_is_a_world(tmp_path: Path) -> None:
    assert len(build(tmp_path / "world", 1).leads) == 1


def test_settings_name_no_unknown_thing() -> None:
    assert HORIZON.value // 1000 == DAY * 30
    with pytest.raises(ValueError, match="hidden_intentions"):
        WorldSettings(hidden_intentions=1.0)  # type: ignore[call-arg]
