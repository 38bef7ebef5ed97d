"""Origins, opting out, taking out and erasing, over HTTP, with two workers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from features.store.engine import open_store
from tests.erased import holding, let_time_pass
from tests.server import Server

NAME, COMPANY = "anna@example.org", "Zauberwerk Traunstein"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("privacy") / "home", workers=2) as running:
        yield running


def now() -> str:
    return datetime.now(UTC).isoformat()


def store(server: Server, lead_id: str, *types: str) -> dict[str, Any]:
    rows = [{"lead_id": lead_id, "type": kind, "occurred_at": now(), "attributes": {"page": "/secret-page"}} for kind in types]
    answer = server.post("/interactions", {"interactions": rows, "origin": "web"})
    assert answer.status == 200, answer.body
    (score,) = answer.json["scores"]
    assert isinstance(score, dict)
    return score


def test_every_attribute_and_interaction_has_its_origin_and_the_latest_holds(server: Server) -> None:
    lead = {"lead_id": "bert", "attributes": {"company": "A", "phone": "1"}, "origins": {"phone": "fair 2026"}}
    assert server.post("/leads", {"leads": [lead], "origin": "crm"}).status == 200
    assert server.post("/leads", {"leads": [{"lead_id": "bert", "attributes": {"company": "B"}}]}).status == 200
    store(server, "bert", "page_view")
    told = server.get("/leads/bert").json
    assert {one["name"]: (one["value"], one["origin"]) for one in told["attributes"]} == {
        "company": ("B", "api"),
        "phone": ("1", "fair 2026"),
    }
    assert [one["origin"] for one in told["interactions"]] == ["web"]
    document = server.get("/leads/bert/export").json
    assert {one["name"]: one["origin"] for one in document["attributes"]} == {"company": "api", "phone": "fair 2026"}
    assert (document["format"], document["version"]) == ("leadheat lead", 1)


def test_an_opt_out_works_at_once(server: Server) -> None:
    assert store(server, "carl", "demo_request")["contactable"]["allowed"]
    waiting = server.get("/leads/carl/export").json["outbox"]
    assert [one["next_attempt_at"] is not None for one in waiting] == [True]
    score = store(server, "carl", "unsubscribed")
    assert not score["contactable"]["allowed"]
    assert "opted out" in score["contactable"]["why"]
    assert score["respond_within_minutes"] is None
    (event,) = server.get("/leads/carl/export").json["outbox"]
    assert (event["next_attempt_at"], event["problem"][:9]) == (None, "cancelled")


def test_an_erased_lead_is_in_no_byte_of_the_home_and_one_that_writes_again_is_new(server: Server) -> None:
    lead = {"lead_id": NAME, "attributes": {"company": COMPANY}}
    assert server.post("/leads", {"leads": [lead]}).status == 200
    for number in range(5):
        store(server, NAME, "demo_request", f"page_{number}")
        assert server.post("/score", {"lead": {"lead_id": NAME}}).status == 200
    assert holding(server.home, NAME.encode())
    assert holding(server.home, COMPANY.encode())
    given = server.ask("DELETE", f"/leads/{NAME}")
    assert given.status == 200
    receipt = given.json
    assert receipt["by"] == "open"
    assert (receipt["erased"]["leads"], receipt["erased"]["interactions"]) == (1, 10)
    assert server.get(f"/receipts/{receipt['receipt_id']}").json == receipt
    assert server.get(f"/leads/{NAME}").status == server.get(f"/leads/{NAME}/export").status == 404
    again, nobody = server.ask("DELETE", f"/leads/{NAME}"), server.ask("DELETE", "/leads/nobody")
    assert [one.json["erased"] for one in (again, nobody)] == [{}, {}]
    engine = open_store(f"sqlite:///{server.home / 'store.db'}")
    let_time_pass(engine)
    engine.dispose()
    server.wait_until(lambda: not holding(server.home, NAME.encode()) and not holding(server.home, COMPANY.encode()), 30)
    store(server, NAME, "page_view")
    told = server.get(f"/leads/{NAME}").json
    assert (told["interactions_stored"], told["attributes"]) == (1, [])


def test_there_is_no_receipt_by_chance(server: Server) -> None:
    assert server.get("/receipts/no-such-receipt").status == 404
