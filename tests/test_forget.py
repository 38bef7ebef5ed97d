"""``leadheat forget`` without a service, in a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from sqlalchemy import Engine

from features.contract import parse_moment
from features.store.engine import migrate, open_store, writing
from features.store.schema import attributes
from models import score_log
from tests.command import LEADHEAT, Place
from tests.erased import holding, let_time_pass
from tests.stored import answer_of, put

ANNA, PHONE = b"anna@example.org", b"+49 170 555 1234"


def test_a_lead_is_gone_from_every_byte_of_the_home(tmp_path: Path) -> None:
    home, engine = tmp_path / "home", _filled(tmp_path / "home")
    assert holding(home, ANNA) == {"store.db-wal", "service-1.jsonl"}
    assert holding(home, PHONE) == {"store.db-wal"}
    command, environment = [*LEADHEAT, "forget", ANNA.decode(), "--json"], Place(tmp_path).environment
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    let_time_pass(engine)
    receipt = json.loads(process.communicate(timeout=60)[0])
    assert process.returncode == 0
    assert receipt["counts"]["scores"] == 1
    assert receipt["erased"] == sum(receipt["counts"].values())
    assert (holding(home, ANNA), holding(home, PHONE)) == (set(), set())
    assert holding(home, b"other 1") == {"store.db", "service-1.jsonl"}
    engine.dispose()
    assert (holding(home, ANNA), holding(home, PHONE)) == (set(), set())


def test_of_nobody_there_is_a_receipt_in_words(tmp_path: Path) -> None:
    engine = _filled(tmp_path / "home")
    process = subprocess.Popen(
        [*LEADHEAT, "forget", "nobody"], cwd=tmp_path, env=Place(tmp_path).environment, stdout=subprocess.PIPE, text=True
    )
    let_time_pass(engine)
    told = process.communicate(timeout=60)[0]
    engine.dispose()
    assert process.returncode == 0
    assert told.startswith("Nothing is held of this lead.\nReceipt ")


def test_a_store_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "store.db").mkdir()
    done = place.run("forget", "anna")
    assert done.code == 1
    assert "The store cannot be reached" in done.err


def _filled(home: Path) -> Engine:
    engine = open_store(f"sqlite:///{home / 'store.db'}")
    migrate(engine)
    with writing(engine) as connection:
        for number in range(40):
            put(connection, f"other {number}")
        put(connection, ANNA.decode())
        phone = {"lead_id": ANNA.decode(), "name": "phone", "value": json.dumps(PHONE.decode()), "origin": "form"}
        connection.execute(attributes.insert(), [phone | {"set_at": parse_moment("2026-03-01")}])
    answers = [answer_of(name) for name in ("other 1", ANNA.decode())]
    score_log.append(score_log.made(home / "scores") / "service-1.jsonl", score_log.lines_of(answers, 0))
    return engine
