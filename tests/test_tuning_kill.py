"""An interrupted ``leadheat train --tune``: the champion stays, the trials stay, and the same command goes on."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.command import Place

TRIALS = 3
COMMAND = ("train", "world", "--no-promote", "--tune", str(TRIALS), "--json")


@pytest.mark.long
def test_an_interrupted_tuning_goes_on_where_it_stopped(tmp_path: Path, empty_database: Path) -> None:
    place = Place(tmp_path).with_database(empty_database)
    place.simulate(1_000, rounds=8, rows_per_leaf=20, boosting_from=30)
    process = place.start(*COMMAND)
    wait_for_a_trial(tmp_path / "home" / "tuning")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert '"ok": false' in out
    assert "the same command goes on from there" in err
    assert place.run("models", "--json").json["versions"] == []

    resumed = place.run(*COMMAND)
    assert resumed.code == 0, resumed.err
    assert "trials of this tuning that were found: 1" in resumed.err
    assert resumed.json["tuning"]["trials"] == TRIALS
    assert states(next((tmp_path / "home" / "tuning").glob("*.db"))) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]


def wait_for_a_trial(folder: Path) -> None:
    """Until a trial has ended and the next one runs."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        for file in folder.glob("*.db"):
            if states(file) == ["COMPLETE", "RUNNING"]:
                return
        time.sleep(0.05)
    raise AssertionError("no trial has ended")


def states(file: Path) -> list[str]:
    """Of the trials, in order."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            return [state for (state,) in connection.execute("SELECT state FROM trials ORDER BY number")]
        except sqlite3.OperationalError:  # its tables are being made
            return []
