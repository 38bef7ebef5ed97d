"""Hand-overs reach the receiver, signed, whatever happens to it and to us, and none is sent by two at once."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from time import time
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine, update
from sqlalchemy.exc import DBAPIError

from features.contract import DAY, SettingsError
from features.store.engine import StoreError, open_store, reading, writing
from features.store.schema import outbox
from serving.handover import delivery as module
from serving.handover import signature
from serving.handover.delivery import DELAYS, Delivery, Webhook, retry_after
from serving.handover.outbox import cancel, events, retry
from tests.conftest import REPO
from tests.handed import NOW, OTHER, SECRET, delivery, rows, wait_in
from tests.receiver import Got, Receiver

AT_ONCE = (1, 1)


def event(engine: Engine) -> dict[str, Any]:
    with reading(engine) as connection:
        (one,) = events(connection, None, None, 9)
    return one


def fall_due(engine: Engine) -> None:
    """Let the time until the next attempt pass."""
    with writing(engine) as connection:
        connection.execute(update(outbox).values(next_attempt_at=NOW))


def verified(got: Got, secret: str) -> bool:
    """What the verifier in the documentation says."""
    space: dict[str, Any] = {}
    _, _, code = (signature.__doc__ or "").partition("Python:\n\n")
    lines = [line.removeprefix("    ") for line in code.splitlines() if line.startswith("    ") or not line]
    exec("\n".join(lines), space)  # noqa: S102 - that it runs is what is tested
    try:
        space["verify"](secret, got.headers, got.body)
    except AssertionError:
        return False
    return True


def test_an_event_arrives_signed_with_every_secret(engine: Engine) -> None:
    wait_in(engine, "a")
    with Receiver() as receiver:
        one = delivery(engine, receiver.url)
        one.work()
        one.work()
    (got,) = receiver.got
    told = json.loads(got.body)
    assert told["id"] == got.event_id == event(engine)["event_id"]
    assert told["data"]["score"]["lead_id"] == "a"
    assert event(engine)["state"] == "delivered"
    assert verified(got, SECRET)
    assert verified(got, OTHER)
    assert not verified(got, "whsec_" + "bm9ib2R5" * 4)
    assert not verified(got._replace(body=got.body + b" "), SECRET)
    assert not verified(got._replace(headers={**got.headers, "webhook-timestamp": str(int(time()) - 301)}), SECRET)


def test_a_receiver_that_is_down_gets_it_when_it_is_back(engine: Engine) -> None:
    wait_in(engine, "a")
    with Receiver() as receiver:
        url, port = receiver.url, int(receiver.url.split(":")[2].split("/")[0])
    one = delivery(engine, url)
    one.work()
    assert (event(engine)["state"], event(engine)["problem"]) == ("waiting", "no answer: ConnectError")
    fall_due(engine)
    with Receiver(port=port) as receiver:
        one.work()
    assert receiver.ids == [event(engine)["event_id"]]
    assert (event(engine)["state"], event(engine)["problem"], event(engine)["attempts"]) == ("delivered", None, 2)


def test_after_the_last_attempt_it_is_given_up_and_may_be_tried_anew(engine: Engine) -> None:
    wait_in(engine, "a")
    with Receiver(500) as receiver:
        one = delivery(engine, receiver.url, delays=AT_ONCE)
        one.work()
        assert len(receiver.got) == 3
        assert (event(engine)["state"], event(engine)["problem"], event(engine)["attempts"]) == ("failed", "HTTP 500", 3)
        with writing(engine) as connection:
            retry(connection, str(event(engine)["event_id"]), NOW)
        receiver.status = 204
        one.work()
    assert event(engine)["state"] == "delivered"
    assert len(set(receiver.ids)) == 1


@pytest.mark.parametrize(
    ("status", "headers", "state", "least"),
    [
        (500, {}, "waiting", 0.9 * DELAYS[0]),
        (404, {"retry-after": "nonsense"}, "waiting", 0.9 * DELAYS[0]),
        (429, {"retry-after": "7200"}, "waiting", 7_200_000_000),
        (503, {"retry-after": "9999999"}, "waiting", DAY),
        (410, {}, "failed", 0),
        (302, {"location": "/elsewhere"}, "waiting", 0.9 * DELAYS[0]),
    ],
)
def test_what_the_receiver_answers_decides_when_it_is_asked_again(
    engine: Engine, status: int, headers: dict[str, str], state: str, least: float
) -> None:
    wait_in(engine, "a")
    before = time() * 1e6
    with Receiver(status, headers) as receiver:
        delivery(engine, receiver.url).work()
    one = event(engine)
    assert (one["state"], one["problem"], len(receiver.got)) == (state, f"HTTP {status}", 1)
    if state == "waiting":
        assert before + least <= one["next_attempt_at"] <= time() * 1e6 + max(least, 1.2 * DELAYS[0])


def test_three_days_of_attempts_in_growing_distances() -> None:
    assert 2.5 * DAY < sum(DELAYS) < 3.5 * DAY
    assert list(DELAYS) == sorted(DELAYS)


def test_a_retry_after_may_be_a_date() -> None:
    now = datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert retry_after("Sat, 31 Jan 2026 08:02:00 GMT", now) == 120_000_000
    assert retry_after("Sat, 31 Jan 2026 07:00:00 GMT", now) == retry_after("-5", now) == retry_after("", now) == 0


def test_a_slow_receiver_and_an_endless_answer_are_not_waited_for(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.3)
    wait_in(engine, "a")
    with Receiver() as receiver:
        receiver.go_on.clear()
        delivery(engine, receiver.url).work()
    assert (event(engine)["state"], event(engine)["problem"]) == ("waiting", "no answer: TimeoutError")
    monkeypatch.setattr(module, "TIMEOUT", 30.0)
    fall_due(engine)
    with Receiver(endless=True) as receiver:
        delivery(engine, receiver.url).work()
    assert event(engine)["state"] == "delivered"


def test_two_that_deliver_at_once_send_each_event_once(engine: Engine, store_url: str) -> None:
    names = [f"lead {number}" for number in range(40)]
    wait_in(engine, *names)
    other = open_store(store_url)
    with Receiver() as receiver, ThreadPoolExecutor(2) as pool:
        list(pool.map(Delivery.work, (delivery(engine, receiver.url), delivery(other, receiver.url))))
    other.dispose()
    assert len(receiver.got) == len(set(receiver.ids)) == 40


def test_what_is_cancelled_while_it_is_sent_stays_cancelled_when_it_fails(engine: Engine) -> None:
    wait_in(engine, "a")
    with Receiver(500) as receiver, ThreadPoolExecutor(1) as pool:
        receiver.go_on.clear()
        sending = pool.submit(delivery(engine, receiver.url).work)
        assert receiver.arrived.wait(10)
        with writing(engine) as connection:
            cancel(connection, "a", "it is not permitted")
        receiver.go_on.set()
        sending.result()
    assert event(engine)["state"] == "cancelled"


def test_a_lead_that_is_erased_while_it_is_told_of_leaves_nothing(engine: Engine) -> None:
    wait_in(engine, "a")
    with Receiver() as receiver, ThreadPoolExecutor(1) as pool:
        receiver.go_on.clear()
        sending = pool.submit(delivery(engine, receiver.url).work)
        assert receiver.arrived.wait(10)
        with writing(engine) as connection:
            connection.execute(outbox.delete())
        receiver.go_on.set()
        sending.result()
    with reading(engine) as connection:
        assert rows(connection) == []


def test_killed_while_it_delivers_the_next_one_delivers_it_under_the_same_id(engine: Engine, store_url: str) -> None:
    wait_in(engine, "a")
    with Receiver() as receiver:
        receiver.go_on.clear()
        command = [sys.executable, "-m", "tests.handed", store_url, receiver.url, "1500000"]
        first = subprocess.Popen(command, cwd=REPO)
        assert receiver.arrived.wait(30)
        first.kill()
        first.wait()
        receiver.go_on.set()
        assert event(engine)["state"] == "waiting"
        receiver.arrived.clear()
        with subprocess.Popen(command, cwd=REPO) as second:
            assert receiver.arrived.wait(30)
            while event(engine)["state"] != "delivered":
                assert second.poll() is None
            second.kill()
    assert receiver.ids == [event(engine)["event_id"]] * 2


def test_a_store_that_is_down_is_told_and_what_waits_there_is_sent_later(engine: Engine) -> None:
    wait_in(engine, "a")
    with Receiver() as receiver:
        one = delivery(engine, receiver.url)
        with writing(engine) as connection:
            connection.exec_driver_sql("ALTER TABLE outbox RENAME TO away")
        with pytest.raises((DBAPIError, StoreError), match=r"outbox|cannot be reached"):
            one.work()
        with writing(engine) as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO outbox")
        one.work()
    assert event(engine)["state"] == "delivered"


@pytest.mark.parametrize(
    ("url", "secret", "words"),
    [
        ("ftp://somewhere", SECRET, "holds no web address"),
        ("https://", SECRET, "holds no web address"),
        ("https://[::1", SECRET, "holds no web address"),
        ("https://crm.example", "", "LEADHEAT_WEBHOOK_SECRET is not. Make one"),
        ("https://crm.example", "whsec_short", "something that is no secret"),
        ("https://crm.example", SECRET.removeprefix("whsec_"), "something that is no secret"),
        ("https://crm.example", SECRET + ",x", "something that is no secret"),
    ],
)
def test_an_address_or_a_secret_that_is_none_is_refused(url: str, secret: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Webhook.from_environment({"LEADHEAT_WEBHOOK_URL": url, "LEADHEAT_WEBHOOK_SECRET": secret})


def test_without_an_address_what_is_handed_over_waits(engine: Engine) -> None:
    wait_in(engine, "a")
    Delivery(partial(writing, engine), partial(reading, engine), None).work()
    assert (event(engine)["state"], event(engine)["attempts"]) == ("waiting", 0)
    assert REGISTRY.get_sample_value("leadheat_outbox_waiting") == 1
    assert Webhook.from_environment({"LEADHEAT_WEBHOOK_SECRET": SECRET}) is None
    webhook = Webhook.from_environment({"LEADHEAT_WEBHOOK_URL": "https://crm.example/x", "LEADHEAT_WEBHOOK_SECRET": f"{SECRET}, {OTHER}"})
    assert webhook is not None
    assert len(webhook.secrets) == 2
