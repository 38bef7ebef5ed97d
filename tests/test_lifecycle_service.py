"""The lifecycle in a running service: a lead is handed over, decided on, kept from sales, and none is lost when the service is killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.handed import SECRET
from tests.receiver import Receiver
from tests.server import Answer, Server

NOW = datetime.now(UTC)
TOMORROW = (NOW + timedelta(days=1)).isoformat()


class Place:
    """A service and where its hand-overs go."""

    def __init__(self, server: Server, receiver: Receiver) -> None:
        self.server = server
        self.receiver = receiver

    def did(self, lead_id: str, kind: str) -> Any:
        """The score after a lead did something."""
        one = {"lead_id": lead_id, "type": kind, "occurred_at": (NOW - timedelta(days=2)).isoformat(), "direction": "inbound"}
        return self.server.post("/interactions", {"interactions": [one], "explain": False}).json["scores"][0]

    def put(self, path: str, **body: str) -> Answer:
        return self.server.ask("PUT", path, json.dumps({"reason": "met them", "expires_at": TOMORROW} | body).encode())

    def handed_over(self, lead_id: str) -> Any:
        return [one for one in self.server.get("/handovers").json["handovers"] if one["lead_id"] == lead_id]

    def wait_for(self, lead_id: str, state: str) -> Any:
        self.server.wait_until(lambda: [one["state"] for one in self.handed_over(lead_id)] == [state])
        return self.handed_over(lead_id)[0]


def kill(server: Server) -> None:
    """End the service and its worker, which is in a process group of its own, as a machine without power would."""
    pid = server.process.pid
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in (pid, *map(int, workers)):
        os.kill(one, signal.SIGKILL)
    server.process.wait()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Receiver() as receiver:
        environment = {"LEADHEAT_WEBHOOK_URL": receiver.url, "LEADHEAT_WEBHOOK_SECRET": SECRET}
        with Server(tmp_path_factory.mktemp("home"), environment) as server:
            yield Place(server, receiver)


def test_a_lead_with_a_strong_signal_reaches_sales_with_its_reasons(place: Place) -> None:
    assert place.did("demo", "demo_request")["hand_over"] == {"due": True, "why": "a strong signal"}
    shown = place.wait_for("demo", "delivered")
    (got,) = [one for one in place.receiver.got if one.event_id == shown["event_id"]]
    told = json.loads(got.body)["data"]["score"]
    assert (told["lead_id"], told["next_step"]["rule"]) == ("demo", "a fresh strong signal without an answer") or told["stage"] == "sql"
    assert told["baseline"]["reasons"]
    assert shown["delivered_at"] >= shown["created_at"]
    place.did("demo", "offer_request")
    assert len(place.handed_over("demo")) == 1


def test_a_person_hands_over_now_and_takes_it_back(place: Place) -> None:
    assert place.did("page", "page_view")["stage"] == "unqualified"
    answer = place.put("/leads/page/overrides/stage", value="sql", by="Eva")
    assert answer.status == 200, answer.body
    assert (answer.json["stage"], answer.json["hand_over"]["due"]) == ("sql", True)
    assert answer.json["overridden"][0] == answer.json["overridden"][0] | {"model": "unqualified", "by": "Eva", "reason": "met them"}
    place.wait_for("page", "delivered")
    seen = place.server.get("/leads/page").json
    assert (seen["score"]["stage"], seen["overrides"][0]["value"], seen["changes"][0]["cause"]) == ("sql", "sql", "override")
    assert place.server.ask("DELETE", "/leads/page/overrides/stage").json["stage"] == "unqualified"
    assert place.server.ask("DELETE", "/leads/page/overrides/stage").status == 404
    assert place.server.get("/leads/page").json["score"]["overridden"] == []


def test_a_temperature_by_hand_is_what_the_worklist_shows(place: Place) -> None:
    place.did("fair", "page_view")
    place.put("/leads/fair/overrides/temperature", value="hot")
    assert "fair" in [one["lead_id"] for one in place.server.get("/leads?temperature=hot").json["leads"]]
    place.put("/leads/fair/overrides/next_step", value="Lunch on Friday")
    assert place.server.get("/leads/fair").json["score"]["next_step"] == {"words": "Lunch on Friday", "rule": "a person decided so"}


def test_nobody_who_opted_out_is_handed_over_by_a_person(place: Place) -> None:
    place.did("gone", "unsubscribe")
    answer = place.put("/leads/gone/overrides/stage", value="sql")
    assert (answer.json["stage"], answer.json["hand_over"]["due"], answer.json["overridden"]) == ("unqualified", False, [])
    assert place.handed_over("gone") == []


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/leads/x/overrides/stage", {"value": "hot"}, 422, "is no stage"),
        ("/leads/x/overrides/temperature", {"value": "hott"}, 422, 'Did you mean \\"hot\\"? It is one of cold, warm, hot.'),
        ("/leads/x/overrides/stge", {"value": "sql"}, 404, 'Did you mean \\"stage\\"?'),
        ("/leads/x/overrides/temperature", {"value": "cold", "expires_at": NOW.isoformat()}, 422, "lies in the past"),
        ("/leads/x/overrides/temperature", {"value": "cold", "expires_at": "2199-01-01T00:00:00Z"}, 422, "more than 90 days ahead"),
        ("/leads/x/overrides/temperature", {"value": "cold", "expires_at": "tomorrow"}, 422, "is no moment"),
        ("/leads/x/overrides/temperature", {"value": "cold", "reason": ""}, 422, "is empty"),
        ("/leads/x/overrides/next_step", {"value": "a\0b"}, 422, "NUL"),
        ("/leads/x/overrides/temperature", {"value": "cold"}, 404, "no such lead"),
        ("/leads/x/overrides/probability", {"value": "1"}, 404, "cannot be decided"),
    ],
)
def test_what_cannot_be_decided_is_told(place: Place, path: str, body: dict[str, str], status: int, words: str) -> None:
    answer = place.put(path, **body)
    assert answer.status == status
    assert words in answer.body.decode()


def test_what_was_delivered_is_not_tried_again(place: Place) -> None:
    place.did("once", "demo_request")
    shown = place.wait_for("once", "delivered")
    assert place.server.post(f"/handovers/{shown['event_id']}/retry", b"").status == 409
    assert place.server.post("/handovers/msg_none/retry", b"").status == 404
    assert place.server.get("/handovers?state=nowhere").status == 422
    (told,) = place.server.get("/handovers?after=nonsense").json["detail"]
    assert (told["where"], told["what"]) == ("after", "is no event_id of a hand-over")
    assert "leadheat_outbox_failed 0.0" in place.server.get("/metrics").body.decode()
    page = place.server.get("/handovers?state=delivered&limit=1").json
    assert (len(page["handovers"]), page["counts"]["failed"]) == (1, 0)
    assert place.server.get(f"/handovers?state=delivered&after={page['after']}").json["handovers"][0] != page["handovers"][0]


@pytest.mark.slow
def test_killed_while_the_receiver_is_down_nothing_is_lost_and_what_opted_out_is_not_told(tmp_path: Path) -> None:
    with Receiver() as receiver:
        url, port = receiver.url, int(receiver.url.split(":")[2].split("/")[0])
    environment = {"LEADHEAT_WEBHOOK_URL": url, "LEADHEAT_WEBHOOK_SECRET": SECRET}
    with Server(tmp_path, environment) as server:
        place = Place(server, receiver)
        for lead_id in ("one", "two", "three"):
            place.did(lead_id, "demo_request")
        place.did("two", "unsubscribe")
        server.wait_until(lambda: all(place.handed_over(lead_id)[0]["problem"] for lead_id in ("one", "three")))
        kill(server)
    with Receiver(port=port) as receiver, Server(tmp_path, environment) as server:
        place = Place(server, receiver)
        ids = {place.wait_for(lead_id, "delivered")["event_id"] for lead_id in ("one", "three")}
        assert place.handed_over("two")[0]["state"] == "cancelled"
        assert set(receiver.ids) == ids
