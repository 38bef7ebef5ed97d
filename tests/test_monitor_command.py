"""``leadheat monitor`` as users run it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.command import Place

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Place:
    """A champion, and its scores at three moments, one of them twice."""
    place = Place(tmp_path_factory.mktemp("monitor")).with_database(empty_database)
    place.simulate(rounds=40, patience=10)
    settings = place.folder / "world" / "leadheat.toml"
    settings.write_text(settings.read_text() + '\n[exploration]\nshare = 0.1\n\n[monitor]\nworked = { types = ["sales_call"] }\n')
    assert place.run("train", "world", "--json").code in (0, 1)
    if not (place.folder / "home" / "champion").exists():
        assert place.run("promote", "1").code == 0
    for day in ("2025-01-20", "2025-02-10", "2025-02-10", "2025-02-24"):
        done = place.run("score", "world", "--out", "scores.parquet", "--as-of", day, "--no-reasons", "--json")
        assert done.code == 0, done.err
    return place


def test_batches_are_logged_once_and_replay_without_a_difference(place: Place) -> None:
    assert len(list((place.folder / "home" / "scores").glob("batch-*.parquet"))) == 3
    done = place.run("monitor", "world", "--json")
    told = done.json
    assert done.code == (0 if told["ok"] else 1)
    (report,) = told["versions"]
    assert report["skew"] == {"replayed": report["rows"], "mismatched": 0, "missing": 0, "extra": 0, "ahead": 0, "features": {}}
    assert report["matured"] == report["rows"] > 400
    assert [rate["name"] for rate in report["worked"]][:2] == ["cold, worked", "cold, not worked"]
    explored = {rate["name"]: rate["rows"] for rate in report["explored"]}
    assert 0 < explored["cold, explored"] < explored["cold, others"] / 4


def test_the_tables_fit_80_columns_and_say_what_matters(place: Place) -> None:
    out = place.run_cold("monitor", "world").out
    assert max(map(len, out.splitlines())) <= 80
    for words in ("Bands", "expected", "stated", "Farthest from the training population", "Worked and explored", "Replayed"):
        assert words in out


def test_alerts_end_in_exit_code_1_and_gauges(place: Place) -> None:
    settings, strict = (place.folder / "world" / "leadheat.toml").read_text(), "max_hot_growth = 1\nmax_psi = 1e-9\nfalse_alarm = 0.49\n"
    (place.folder / "world" / "strict.toml").write_text(settings.replace("[monitor]\n", f"[monitor]\n{strict}"))
    chosen = ("--since", "2025-02-01", "--version", "champion")
    done = place.run("monitor", str(Path("world") / "strict.toml"), "--json", "--prometheus", "leadheat.prom", *chosen)
    assert done.code == 1
    assert not done.json["ok"]
    assert done.json["versions"][0]["first"] == "2025-02-10T00:00:00+00:00"
    codes = {alert["code"] for alert in done.json["alerts"] if alert["severity"] == "error"}
    gauges = (place.folder / "leadheat.prom").read_text()
    assert "leadheat_monitor_ok 0.0" in gauges
    assert 'leadheat_monitor_skewed_rows{version="1"} 0.0' in gauges
    assert 'leadheat_monitor_band_rate{band="cold",of="stated_high",version="1"}' in gauges
    assert codes
    assert all(f'code="{code}"' in gauges for code in codes)


@pytest.fixture(scope="module")
def rescored(place: Place) -> Any:
    """What the champion would have said of the world's files."""
    return place.run("monitor", "world", "--rescore", "--json").json


def test_who_has_no_log_sees_what_the_champion_would_have_said(place: Place, rescored: Any) -> None:
    assert rescored["rescored"]
    assert rescored["versions"][0]["matured"] > 1_000
    refused = place.run("monitor", "world", "--rescore", "--log", "home")
    assert refused.code == 2
    assert "--rescore reads no log" in refused.err


def test_the_store_is_trained_on_and_monitored_as_the_files_are(place: Place, rescored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place.run("import", "world").code == 0
    monkeypatch.setenv("LEADHEAT_SETTINGS", "world")
    refused = place.run("train", "store:", "--json")
    assert refused.code == 1
    (finding,) = [one for one in refused.json["findings"] if one["severity"] == "error"]
    assert finding["code"] == "immature_labels"
    assert 'of a leadheat.toml in which the tables have path = "store:"' in finding["hint"]
    settings = re.sub(r'path = "\w+\.parquet"', 'path = "store:"', (place.folder / "world" / "leadheat.toml").read_text())
    (place.folder / "world" / "stored.toml").write_text(settings)
    assert place.run("monitor", str(Path("world") / "stored.toml"), "--rescore", "--json").json == rescored
