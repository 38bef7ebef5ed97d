"""A person is erased from all that holds something of them, and what is left says nothing of them."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from features.contract import DataError
from features.store.engine import locked_lead, reading, writing
from features.store.schema import METADATA, PERSONAL, erasures, interactions, leads, receipts
from models import score_log
from models.logged import rows_of_leads
from serving import erasure
from serving.erasure import Sweeper, erase
from serving.recorder import Recorder
from tests.stored import MOMENT, answer_of, put, row_of


@pytest.fixture(autouse=True)
def scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEADHEAT_SCORE_LOG", str(tmp_path / "scores"))
    return score_log.made(tmp_path / "scores")


def log(place: Path, *lead_ids: str) -> None:
    answers = [answer_of(lead_id) for lead_id in lead_ids]
    score_log.append(place / "service-1.jsonl", score_log.lines_of(answers, MOMENT))


def held(engine: Engine) -> dict[str, set[str]]:
    """Whose rows there are in each table that names leads."""
    named = [table for table in METADATA.sorted_tables if "lead_id" in table.c]
    with reading(engine) as connection:
        return {table.name: set(connection.execute(select(table.c.lead_id)).scalars()) for table in named}


def let_time_pass(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(update(erasures).values(sweep_until=0))


def test_every_table_that_names_leads_is_known_to_be_personal() -> None:
    assert {table.name for table in METADATA.sorted_tables if "lead_id" in table.c} == {table.name for table in PERSONAL} | {"erasures"}


def test_a_lead_leaves_every_table_and_the_score_log_and_others_stay(engine: Engine, scores: Path) -> None:
    with writing(engine) as connection:
        put(connection, "anna")
        put(connection, "bert")
    log(scores, "anna", "bert", "anna")
    receipt = erase(engine, "anna", "crm")
    assert receipt.erased["scores"] == 2
    assert {name: receipt.erased[name] for name in ("leads", "interactions", "outbox")} == {"leads": 1, "interactions": 2, "outbox": 2}
    assert set(receipt.erased) == {table.name for table in PERSONAL} | {"scores"}
    left = held(engine)
    assert left.pop("erasures") == {"anna"}
    assert set(map(frozenset, left.values())) == {frozenset({"bert"})}
    assert rows_of_leads(["anna"]) == []
    assert len(rows_of_leads(["bert"])) == 1
    assert erasure.receipt(engine, receipt.receipt_id) == receipt
    assert "anna" not in json.dumps(asdict(receipt))
    assert (receipt.by, erasure.receipt(engine, "no such")) == ("crm", None)


@pytest.mark.parametrize("asked", ["anna", "anna@work", "anna@home"])
def test_whoever_was_merged_is_one_person(engine: Engine, asked: str) -> None:
    with writing(engine) as connection:
        put(connection, "anna")
        put(connection, "anna@work", "anna")
        put(connection, "anna@home", "anna@work")
        put(connection, "bert")
    assert erase(engine, asked, "crm").erased["leads"] == 3
    assert held(engine)["leads"] == {"bert"}


def test_erasing_again_or_nobody_says_the_same(engine: Engine) -> None:
    with writing(engine) as connection:
        put(connection, "anna")
    first, again, nobody = (erase(engine, name, "crm") for name in ("anna", "anna", "nobody"))
    assert first.erased
    assert (again.erased, nobody.erased) == ({}, {})
    assert len({one.receipt_id for one in (first, again, nobody)}) == 3
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(receipts)).scalar_one() == 3


def test_what_is_logged_late_is_erased_and_then_the_id_itself(engine: Engine, scores: Path) -> None:
    with writing(engine) as connection:
        put(connection, "anna")
    erase(engine, "anna", "crm")
    sweeper, other = Sweeper(engine), Sweeper(engine)
    for _ in range(2):  # the first time in all of the log, then in what was written since
        log(scores, "anna", "bert")
        assert sweeper.sweep()
        assert rows_of_leads(["anna"]) == []
    log(scores, "anna")
    let_time_pass(engine)
    assert other.sweep()
    assert rows_of_leads(["anna"]) == []
    assert held(engine)["erasures"] == set()
    assert not sweeper.sweep()
    assert len(rows_of_leads(["bert"])) == 2


def test_a_log_that_is_damaged_keeps_the_ids_until_it_is_mended(engine: Engine, scores: Path) -> None:
    log(scores, "anna")
    (scores / "batch-1.parquet").write_bytes(b"no parquet")
    erase(engine, "anna", "crm")
    let_time_pass(engine)
    with pytest.raises(DataError, match="cannot be read"):
        Sweeper(engine).sweep()
    assert b"anna" not in (scores / "service-1.jsonl").read_bytes()
    assert held(engine)["erasures"] == {"anna"}
    (scores / "batch-1.parquet").unlink()
    Sweeper(engine).sweep()
    assert held(engine)["erasures"] == set()
    assert rows_of_leads(["anna"]) == []


def test_a_lead_is_never_half_erased_however_much_of_it_arrives(engine: Engine) -> None:
    stop = threading.Event()

    def arrive(worker: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with writing(engine) as connection:
                if locked_lead(connection, "anna") is None:
                    continue
                for part in ("a", "b"):
                    row = row_of(interactions, "anna", number) | {"key": f"{worker} {number} {part}"}
                    connection.execute(interactions.insert(), [row])

    with ThreadPoolExecutor(3) as pool:
        arriving = [pool.submit(arrive, worker) for worker in range(2)]
        for _ in range(8):
            with writing(engine) as connection:
                connection.execute(leads.insert(), [row_of(leads, "anna", 0) | {"merged_into": None}])
            erase(engine, "anna", "crm")
            assert held(engine)["interactions"] == set()
        stop.set()
        for one in arriving:
            one.result()


def test_scores_that_wait_to_be_logged_are_dropped_and_later_ones_are_not(scores: Path) -> None:
    recorder = Recorder(scores)
    for name in ("anna", "bert", "anna"):
        recorder.note(answer_of(name))
    assert recorder.drop({"anna"}) == 2
    recorder._write()
    recorder.note(answer_of("anna"))
    recorder._write()
    assert [row["lead_id"] for row in score_log.read(scores).to_pylist()] == ["bert", "anna"]


def test_a_file_of_the_log_stays_as_old_as_it_was(engine: Engine, scores: Path) -> None:
    log(scores, "anna", "bert")
    os.utime(scores / "service-1.jsonl", (1e9, 1e9))
    assert erase(engine, "anna", "crm").erased == {"scores": 1}
    assert (scores / "service-1.jsonl").stat().st_mtime == 1e9
