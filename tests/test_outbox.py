"""When a lead is handed over, once and again, and when an event that waits is taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, update

from features.contract import DAY
from features.store.engine import reading, writing
from features.store.schema import outbox
from models.score import Score
from serving.handover.outbox import backlog, events, hand_over, retry
from tests.handed import NOW, cooled, due, kept_from_sales, opted_out, rows

AGAIN = 30 * DAY


def go_through(engine: Engine, *path: tuple[int, Score]) -> list[int | None]:
    """Score a lead on so many days; since when it was with sales after each."""
    since: int | None = None
    told = []
    for day, score in path:
        with writing(engine) as connection:
            since = hand_over(connection, score, NOW + day * DAY, since, AGAIN, partial(replace, score))
        told.append(None if since is None else (since - NOW) // DAY)
    return told


def written(engine: Engine) -> list[dict[str, Any]]:
    with reading(engine) as connection:
        return rows(connection)


def test_a_lead_is_handed_over_once_while_it_stays_with_sales(engine: Engine) -> None:
    assert go_through(engine, (0, cooled()), (1, due()), (2, due()), (50, due())) == [None, 1, 1, 1]
    (event,) = written(engine)
    assert event["created_at"] == event["next_attempt_at"] == NOW + DAY
    assert (event["lead_id"], event["kind"], event["attempts"]) == ("a", "lead.handed_over", 0)


def test_the_payload_is_the_score_and_no_more(engine: Engine) -> None:
    go_through(engine, (0, due()))
    (event,) = written(engine)
    payload = json.loads(event["payload"])
    assert payload.pop("data") == {"score": json.loads(due().to_json())}
    timestamp = "2023-11-14T22:13:20.000000+00:00"
    assert payload == {"version": 1, "id": event["event_id"], "type": "lead.handed_over", "timestamp": timestamp}


@pytest.mark.parametrize(
    ("path", "since", "handed_over"),
    [
        ([(0, due()), (1, cooled()), (29, due())], [0, None, 0], 1),
        ([(0, due()), (1, cooled()), (30, due())], [0, None, 30], 2),
        ([(0, due()), (1, cooled()), (29, due()), (31, due())], [0, None, 0, 0], 1),
        ([(0, due()), (1, cooled()), (29, due()), (40, cooled()), (41, due())], [0, None, 0, None, 41], 2),
        ([(0, due()), (1, kept_from_sales()), (2, due())], [0, None, 2], 1),
        ([(0, due()), (1, opted_out()), (2, due())], [0, None, 2], 1),
        ([(0, opted_out()), (1, kept_from_sales())], [None, None], 0),
        ([(0, replace(due(), flags=["closed"])), (1, due())], [None, 1], 1),
    ],
    ids=["soon again", "later again", "stays", "leaves twice", "decided back and forth", "opted out and in again", "never", "won"],
)
def test_who_comes_back_is_handed_over_again_only_after_a_while(
    engine: Engine, path: list[tuple[int, Score]], since: list[int | None], handed_over: int
) -> None:
    assert go_through(engine, *path) == since
    assert len([one for one in written(engine) if one["next_attempt_at"] is not None]) == handed_over


@pytest.mark.parametrize(("score", "why"), [(opted_out(), "cancelled: it is not permitted"), (kept_from_sales(), "cancelled: a person")])
def test_what_waits_is_cancelled_when_it_may_not_be_told_any_more(engine: Engine, score: Score, why: str) -> None:
    go_through(engine, (0, due()), (1, score))
    (event,) = written(engine)
    assert event["next_attempt_at"] is None
    assert event["problem"].startswith(why)
    with reading(engine) as connection:
        assert backlog(connection) == ({"waiting": 0, "delivered": 0, "failed": 0, "cancelled": 1}, None)
    go_through(engine, (3, due()))
    with reading(engine) as connection:
        assert backlog(connection) == ({"waiting": 1, "delivered": 0, "failed": 0, "cancelled": 1}, NOW + 3 * DAY)


def test_a_lead_that_only_cools_is_still_told_of(engine: Engine) -> None:
    go_through(engine, (0, due()), (1, cooled()))
    assert written(engine)[0]["next_attempt_at"] is not None


def test_a_delivered_event_counts_though_the_lead_opted_out_later(engine: Engine) -> None:
    go_through(engine, (0, due()))
    with writing(engine) as connection:
        connection.execute(update(outbox).values(delivered_at=NOW, next_attempt_at=None))
    with writing(engine) as connection:
        assert hand_over(connection, opted_out(), NOW + DAY, NOW, AGAIN, opted_out) is None
        assert hand_over(connection, due(), NOW + 2 * DAY, None, AGAIN, due) == NOW


def test_events_are_listed_by_state_and_page(engine: Engine) -> None:
    with writing(engine) as connection:
        for number in range(5):
            hand_over(connection, due(f"lead {number}"), NOW + number, None, AGAIN, due)
        hand_over(connection, opted_out(), NOW, None, AGAIN, opted_out)
    with reading(engine) as connection:
        page = events(connection, None, None, 3)
        assert [one["lead_id"] for one in page] == ["lead 4", "lead 3", "lead 2"]
        assert [one["lead_id"] for one in events(connection, "waiting", str(page[-1]["event_id"]), 3)] == ["lead 1", "lead 0"]
        assert events(connection, "failed", None, 3) == []


def test_only_what_waits_or_failed_is_tried_anew(engine: Engine) -> None:
    go_through(engine, (0, due()))
    (event,) = written(engine)
    for values, was, after in (
        ({"next_attempt_at": NOW + DAY, "attempts": 4, "problem": "HTTP 500"}, "waiting", "waiting"),
        ({"next_attempt_at": None, "attempts": 10, "problem": "HTTP 500"}, "failed", "waiting"),
        ({"next_attempt_at": None, "problem": "cancelled: it is not permitted"}, "cancelled", "cancelled"),
        ({"next_attempt_at": None, "problem": None, "delivered_at": NOW}, "delivered", "delivered"),
    ):
        with writing(engine) as connection:
            connection.execute(update(outbox).values(values))
            assert retry(connection, event["event_id"], NOW + 7) == was
            (one,) = events(connection, None, None, 9)
            assert one["state"] == after
            assert after != "waiting" or (one["next_attempt_at"], one["attempts"], one["problem"]) == (NOW + 7, 0, None)
            assert retry(connection, "msg_none", NOW) is None
