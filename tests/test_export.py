"""The export of a lead holds all that the store and the score log hold of it, and nothing of others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from features.contract import NEVER, from_micros, to_micros
from features.store.engine import migrate, open_store, reading, writing
from features.store.schema import PERSONAL, standings
from models import score_log
from serving.export import export
from tests.stored import MOMENT, answer_of, put


@pytest.fixture
def engine(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("LEADHEAT_SCORE_LOG", str(tmp_path / "scores"))
    answers = [answer_of(lead_id) for lead_id in ("anna", "bert")]
    score_log.append(score_log.made(tmp_path / "scores") / "service-1.jsonl", score_log.lines_of(answers, MOMENT))
    engine = open_store(store_url)
    migrate(engine)
    with writing(engine) as connection:
        put(connection, "anna")
        put(connection, "anna@work", "anna")
        put(connection, "bert")
    yield engine
    engine.dispose()


@pytest.mark.parametrize("asked", ["anna", "anna@work"])
def test_every_row_of_every_personal_table_is_told(engine: Engine, asked: str) -> None:
    document = export(engine, asked)
    assert document is not None
    json.dumps(document, allow_nan=False)
    assert (document["format"], document["version"], document["lead_id"]) == ("leadheat lead", 1, asked)
    assert document["lead_ids"] == ["anna", "anna@work"]
    with reading(engine) as connection:
        for table in PERSONAL:
            of_lead = select(table).where(table.c.lead_id.in_(["anna", "anna@work"])).order_by(*table.primary_key)
            told = document[table.name]
            stored = connection.execute(of_lead).mappings().all()
            assert len(told) == len(stored) >= 2
            for ours, theirs in zip(told, stored, strict=True):
                assert list(ours) == list(theirs)
                for name, value in theirs.items():
                    assert ours[name] == value or _same(ours[name], value), (table.name, name)
    assert [row["lead_id"] for row in document["scores"]] == ["anna"]
    assert set(document["scores"][0]) == set(score_log.SCHEMA.names)


def _same(told: object, value: object) -> bool:
    """A moment in words, a code in words, or JSON that is a part of the document."""
    if isinstance(value, int) and isinstance(told, str) and told[:1].isdigit():
        return to_micros(datetime.fromisoformat(told)) == value
    return (told, value) in (("inbound", 1), ("warm", 1)) or (isinstance(value, str) and json.loads(value) == told)


def test_what_never_comes_has_no_moment(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(standings.update().values(due=NEVER))
    document = export(engine, "anna")
    assert document is not None
    assert [row["due"] for row in document["standings"]] == [None, None]
    assert document["exported_at"] <= datetime.now(UTC).isoformat(timespec="microseconds")
    assert document["attributes"][0]["set_at"] == from_micros(MOMENT).isoformat(timespec="microseconds")


def test_of_nobody_there_is_no_document(engine: Engine) -> None:
    assert export(engine, "nobody") is None
