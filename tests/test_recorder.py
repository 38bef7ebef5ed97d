"""What writes the service's log never makes a request wait or fail, and says what it lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from models.answer import Answer
from models.score_log import files, read
from serving import recorder
from serving.recorder import Recorder
from tests.small_world import SmallWorld


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("leadheat_score_log_rows_total", {"result": result}) or 0.0


@pytest.fixture
def answer(world: SmallWorld) -> Answer:
    return world.scorer.answer(world.alone(0).with_schema(world.scorer.schema), world.now + 1, explain=False)


def test_what_waits_is_written_at_the_end(answer: Answer, tmp_path: Path) -> None:
    before, some = counted("written"), Recorder(tmp_path / "scores")
    some.start()
    for _ in range(500):
        some.note(answer)
    some.close()
    table = read(tmp_path / "scores")
    assert len(table) == 500
    assert set(table["lead_id"].to_pylist()) == {answer.score.lead_id}
    assert counted("written") == before + 500


def test_more_than_may_wait_is_lost_and_counted(answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MOST", 12)
    before, some = counted("lost"), Recorder(tmp_path / "scores")
    for _ in range(5):
        some.note(*[answer] * 5)
    some.start()
    some.close()
    assert len(read(tmp_path / "scores")) == 12
    assert counted("lost") == before + 13


def test_a_folder_that_cannot_be_written_costs_rows_only(answer: Answer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    before, some = counted("lost"), Recorder(tmp_path / "file" / "scores")
    some.note(answer)
    some._write()
    some.note(answer)
    some._write()
    assert counted("lost") == before + 2
    assert caplog.text.count("score log cannot be written") == 1
    (tmp_path / "file").unlink()
    some.note(answer)
    some._write()
    assert len(read(tmp_path / "file" / "scores")) == 1


def test_files_are_closed_when_they_are_large_and_each_day(answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = Recorder(tmp_path)
    for largest in (10_000, 10_000, 1, 1):
        monkeypatch.setattr(recorder, "LARGEST", largest)
        some.note(answer)
        some._write()
    assert len(files(tmp_path)) == 2
    some.note(answer)
    some._write()
    assert some._file is None
    some._file = tmp_path / "service-20260101T000000-1-1.jsonl"
    assert some._place().name > "service-20260101T000000-1-1.jsonl"
    assert len(read(tmp_path)) == 5


def test_without_a_log_nothing_is_kept(answer: Answer) -> None:
    some = Recorder(None)
    some.start()
    some.note(answer)
    some.close()
    assert not some._waiting
