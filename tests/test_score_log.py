"""The score log's files: one schema, whole or cut off at a line, readable after a crash, and free of a lead that is forgotten."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.contract import DAY, DataError, LeadheatError, to_micros
from features.records import InteractionRecord, LeadRecord
from models import score_log
from models.digests import WITH_CHECKSUMS, _plain, checksums_of, digested, hashes_of, read_checksums
from models.fallback import RulesScorer
from models.logged import forget, rows_of_leads
from models.score_log import SCHEMA, append, batch_log, lines_of, read, rows_of
from serving.batch import score_shards
from tests.small_world import SmallWorld

NOW = 1_767_225_600_000_000


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path))
    monkeypatch.delenv("LEADHEAT_SCORE_LOG", raising=False)
    return tmp_path / "scores"


def batch_rows(world: SmallWorld) -> pa.Table:
    tables: list[pa.Table] = []
    list(score_shards(world.scorer, world.dataset, world.now + 1, explain=False, log=tables.append))
    return pa.concat_tables(tables)


def lines(world: SmallWorld, count: int = 40) -> list[bytes]:
    alone = [world.alone(number).with_schema(world.scorer.schema) for number in range(count)]
    return lines_of([world.scorer.answer(one, world.now + 1, explain=False) for one in alone], NOW)


def of_lead(lead_id: str, line: bytes) -> bytes:
    return json.dumps(json.loads(line) | {"lead_id": lead_id}).encode() + b"\n"


def test_service_and_batch_write_the_same_of_the_same_lead(world: SmallWorld, place: Path) -> None:
    place.mkdir()
    append(place / "service-1.jsonl", lines(world, 1_000))
    service = {row["lead_id"]: row for row in read(place).to_pylist()}
    batch = batch_rows(world)
    assert batch.schema == SCHEMA
    both = [row for row in batch.to_pylist() if row["lead_id"] in service]
    assert len(both) > 50
    assert sum(row["checksums"] is not None for row in both) > 0
    for row in both:
        changed = {"scored_at": service[row["lead_id"]]["scored_at"], "source": "service"}
        assert row | changed == service[row["lead_id"]]
    assert abs(sum(row["checksums"] is not None for row in batch.to_pylist()) / len(batch) - 1 / 8) < 0.06


def test_a_row_holds_no_attribute_of_a_person(world: SmallWorld) -> None:
    levels = {level for some in world.scorer.features.lead_levels.values() for level in some if len(level) > 4}
    assert {"machinery", "logistics", "website"} <= levels
    for line in lines(world):
        assert {*json.loads(line)} == {*SCHEMA.names}
        assert not [level for level in levels if level in line.decode()]


def test_hash_and_checksums_see_every_bit_and_no_payload_of_nan() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 400)).astype(np.float32)
    X[:, ::7] = np.round(X[:, ::7])
    X[:, 3] = np.nan
    other = X.copy()
    other[:, 5] = np.nextafter(X[:, 5], np.float32(9))
    other[:, 3] = np.array([0xFFC00001], np.uint32).view(np.float32)
    assert len({*hashes_of(X)} | {*hashes_of(other)}) == 100
    assert np.argwhere(checksums_of(X) != checksums_of(other))[:, 1].tolist() == [5] * 50
    small = np.arange(5_000, dtype=np.float32)
    assert len(np.unique(checksums_of(small))) > 4_700


def test_checksums_survive_the_log(world: SmallWorld) -> None:
    answer = world.scorer.answer(world.alone(0).with_schema(world.scorer.schema), world.now + 1, explain=False)
    rows = rows_of(world.scorer.score_many(world.alone(0), np.zeros(1, np.int64), np.array([world.now + 1])), answer.features[None], 0, "x")
    kept = [row for line in lines(world, 200) if (row := json.loads(line))["checksums"]]
    assert rows["features"].to_pylist() == hashes_of(answer.features[None])
    assert all(len(read_checksums(row["checksums"])) == len(world.scorer.features.names) for row in kept)


def test_a_line_that_was_cut_off_is_left_out(world: SmallWorld, place: Path) -> None:
    place.mkdir()
    file = place / "service-1.jsonl"
    append(file, lines(world, 3))
    whole = file.read_bytes()
    for cut in (1, 100, len(whole.splitlines()[-1])):
        file.write_bytes(whole[:-cut])
        assert len(read(place)) == 2
    file.write_bytes(b"")
    assert len(read(place)) == 0


def test_a_damaged_file_is_named(place: Path) -> None:
    place.mkdir()
    (place / "service-1.jsonl").write_text("no json\n")
    with pytest.raises(DataError, match=r"service-1\.jsonl cannot be read"):
        read(place)


def test_a_batch_run_is_logged_once_and_another_run_beside_it(world: SmallWorld, place: Path) -> None:
    rows = batch_rows(world)
    for moment in (1, 1, 2):
        with batch_log("7", "abc", moment) as log:
            log(rows.slice(0, 10))
            log(rows.slice(10))
            assert not [file for file in place.iterdir() if not file.name.startswith(".")] or moment > 0
    assert len(score_log.files(place)) == 2
    assert read(place).slice(0, len(rows)).equals(rows)
    assert all(file.stat().st_mode & 0o077 == 0 for file in [place, *place.iterdir()])


def test_a_batch_run_that_fails_logs_nothing(world: SmallWorld, place: Path) -> None:
    with pytest.raises(ZeroDivisionError), batch_log("7") as log:  # noqa: PT012 - it fails in the middle
        log(batch_rows(world))
        raise ZeroDivisionError
    assert not list(place.iterdir())


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHEAT_SCORE_LOG", str(tmp_path / "file" / "log"))
    (tmp_path / "file").touch()
    with pytest.raises(LeadheatError, match="score log cannot be written"), batch_log("7"):
        pass


def test_the_log_can_be_turned_off(world: SmallWorld, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHEAT_SCORE_LOG", "off")
    assert score_log.folder() is None
    with batch_log("7") as log:
        log(batch_rows(world))
    assert not place.exists()
    assert forget(["lead"]) == 0


def test_a_lead_is_forgotten_in_every_file_and_no_other_row_is_lost(world: SmallWorld, place: Path) -> None:
    rows = batch_rows(world)
    with batch_log("7") as log:
        log(rows)
    file = place / "service-1.jsonl"
    append(file, lines(world))
    lead = str(rows["lead_id"][0])
    append(file, [of_lead(one, lines(world, 1)[0]) for one in (lead, f"{lead} other")])
    before = read(place)["lead_id"].to_pylist()
    assert [row["lead_id"] for row in rows_of_leads([lead])] == [lead] * before.count(lead)
    assert forget([lead]) == before.count(lead) > 1
    assert rows_of_leads([lead]) == []
    assert read(place)["lead_id"].to_pylist() == [one for one in before if one != lead]
    assert forget([lead]) == 0
    assert lead.encode() + b'"' not in file.read_bytes()


def test_forgetting_while_the_service_writes_loses_nothing(world: SmallWorld, place: Path) -> None:
    place.mkdir()
    file, line = place / "service-1.jsonl", lines(world, 1)[0]
    append(file, [line])

    def write() -> None:
        for number in range(300):
            append(file, [of_lead(f"kept {number}", line), of_lead(f"gone {number % 5}", line)])

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        for number in range(5):
            forget([f"gone {number}"], place)
    left = [json.loads(line)["lead_id"] for line in file.read_text().splitlines()]
    assert [lead for lead in left if lead.startswith("kept")] == [f"kept {number}" for number in range(300)]


def test_old_files_are_removed(world: SmallWorld, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.mkdir()
    for name in ("service-1.jsonl", "service-2.jsonl"):
        append(place / name, lines(world, 1))
    os.utime(place / "service-1.jsonl", (0, time.time() - 31 * 86_400))
    score_log.prune(place)
    assert len(score_log.files(place)) == 2
    monkeypatch.setenv("LEADHEAT_SCORE_LOG_KEEP", "30")
    with batch_log("7"):
        pass
    assert [file.name for file in score_log.files(place)][1:] == ["service-2.jsonl"]
    assert to_micros(read(place)["scored_at"][0].as_py()) == NOW


def test_lines_made_together_are_those_of_each_answer_alone(world: SmallWorld) -> None:
    records = [LeadRecord(f"l{number}", 0, None, [InteractionRecord(kind, NOW - DAY)] * number) for number, kind in enumerate("aabac")]
    asked = RulesScorer().asked()
    for record in records:
        asked.add(record, NOW, explain=False)
    answers = asked.answers()
    answers[2:2] = [world.scorer.answer(world.alone(number).with_schema(world.scorer.schema), NOW, explain=False) for number in range(30)]
    assert len({len(one.features) for one in answers}) > 2
    assert lines_of(answers, NOW) == [line for one in answers for line in lines_of([one], NOW)]


def test_hashes_and_checksums_of_many_rows_are_those_of_each_alone() -> None:
    X = np.random.default_rng(0).normal(size=(200, 7)).astype(np.float32)
    X[::3, 2] = np.nan
    digests, checksums = digested(X)
    alone = [hashlib.blake2b(_plain(x).tobytes(), digest_size=8).hexdigest() for x in X]
    assert digests == hashes_of(X) == alone
    for x, digest, text in zip(X, digests, checksums, strict=True):
        assert (text is not None) == (int(digest[:8], 16) < WITH_CHECKSUMS * 2**32)
        assert text is None or read_checksums(text).tolist() == checksums_of(x).tolist()
    assert 0 < sum(text is not None for text in checksums) < len(X)
