"""The routes of the store, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.server import Server

MOMENT = "2024-11-01T08:00:00Z"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Without a champion, on a store of its own."""
    with Server(tmp_path_factory.mktemp("home")) as running:
        yield running


def post(server: Server, path: str, body: object) -> Any:
    answer = server.post(path, body)
    assert answer.status == 200, answer.body
    return answer.json


def test_an_attribute_that_no_lead_has_is_told_with_the_nearest(server: Server) -> None:
    assert server.get("/leads?segment=industri:retail").json["leads"] == []  # nobody can tell yet what leads have
    post(server, "/leads", {"leads": [{"lead_id": "carl", "attributes": {"industry": "software", "owner": "ida"}}]})
    answer = server.get("/leads?segment=industry:software&segment=industri:retail")
    (told,) = answer.json["detail"]
    assert (answer.status, told["where"]) == (422, "segment")
    assert 'names the attribute "industri"' in told["what"]
    assert told["hint"] == 'Did you mean "industry"? There are industry, owner.'
    assert server.get("/leads?segment=industry:retial").json["leads"] == []
    assert server.get("/leads?owner=nobody").json["leads"] == []


def ahead(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/interactions", {"interactions": [{"lead_id": "a", "type": "x", "occurred_at": ahead(48)}]}, "interactions.0.occurred_at"),
        (
            "/interactions",
            {"interactions": [{"lead_id": "a", "type": "x", "occurred_at": MOMENT, "recorded_at": ahead(48)}]},
            "interactions.0.recorded_at",
        ),
        ("/leads", {"leads": [{"lead_id": "a", "created_at": ahead(48)}]}, "leads.0.created_at"),
        ("/outcomes", {"outcomes": [{"lead_id": "a", "outcome": "won", "closed_at": ahead(48)}]}, "outcomes.0.closed_at"),
    ],
)
def test_what_is_said_to_have_happened_in_days_is_refused(server: Server, path: str, body: object, where: str) -> None:
    answer = server.post(path, body)
    (told,) = answer.json["detail"]
    assert (answer.status, told["where"]) == (422, where)
    assert told["what"].startswith("lies more than 1d ahead of this service's clock, 2")
    assert "its year" in told["hint"]
    assert server.get("/leads/a").status == 404


def test_what_a_mistaken_zone_brings_is_stored_and_counts_when_its_time_has_come(server: Server) -> None:
    early = {"lead_id": "dan", "type": "demo_request", "occurred_at": ahead(14), "direction": "inbound"}
    taken = post(server, "/interactions", {"interactions": [early]})
    assert (taken["stored"], taken["scores"][0]["flags"]) == (1, ["no_model", "no_history", "created_at_unknown"])


def test_a_lead_is_remembered(server: Server) -> None:
    demo = {"lead_id": "ann/1", "type": "demo_request", "occurred_at": MOMENT, "direction": "inbound"}
    taken = post(server, "/interactions", {"interactions": [demo, demo], "origin": "web"})
    assert (taken["stored"], taken["duplicates"], taken["scores"][0]["lead_id"]) == (1, 1, "ann/1")
    post(server, "/leads", {"leads": [{"lead_id": "ann/1", "attributes": {"industry": "retail", "owner": "eva"}}]})
    post(server, "/outcomes", {"outcomes": [{"lead_id": "bob", "outcome": "lost", "closed_at": MOMENT}]})
    lead = server.get("/leads/ann%2F1").json
    assert [one["type"] for one in lead["interactions"]] == ["demo_request"]
    assert lead["attributes"][0] == lead["attributes"][0] | {"name": "industry", "value": "retail", "origin": "api"}
    assert lead["changes"][0]["cause"] == "interaction"
    page = server.get("/leads?segment=industry:retail&owner=eva").json
    assert [one["lead_id"] for one in page["leads"]] == ["ann/1"]
    assert sum(page["counts"].values()) == 1
    assert server.get("/leads?segment=industry:banking").json["leads"] == []


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/interactions", {"interactions": []}, "interactions"),
        ("/interactions", {"interactions": [{"type": "x", "occurred_at": MOMENT}]}, "interactions.0.lead_id"),
        (
            "/interactions",
            {"interactions": [{"lead_id": "a\0", "type": "x", "occurred_at": MOMENT}]},
            "interactions.0.lead_id",
        ),
        ("/leads", {"leads": [{"lead_id": "a", "attributes": {"x": [1]}}]}, "leads.0.attributes.x"),
        ("/outcomes", {"outcomes": [{"lead_id": "a", "outcome": "maybe", "closed_at": MOMENT}]}, "outcomes.0.outcome"),
        ("/outcomes", {"outcomes": [{"lead_id": "a", "outcome": "won", "closed_at": "9999-11-01T08:00:00Z"}]}, "outcomes.0.closed_at"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(server: Server, path: str, body: object, where: str) -> None:
    answer = server.post(path, body)
    assert answer.status == 422
    assert answer.json["detail"][0]["where"] == where
    assert server.get("/leads/a").status == 404


@pytest.mark.parametrize(
    ("query", "what", "hint"),
    [
        ("temperature=HOTT", "should be 'cold', 'warm' or 'hot'", 'Did you mean "hot"?'),
        ("temperature=tepid", "should be 'cold', 'warm' or 'hot'", ""),
        ("stage=sqll", "should be 'unqualified', 'mql', 'sql' or 'pql'", 'Did you mean "sql"?'),
    ],
)
def test_a_band_or_a_stage_that_is_none_is_told_with_the_known_ones(server: Server, query: str, what: str, hint: str) -> None:
    answer = server.get(f"/leads?{query}")
    assert answer.status == 422
    assert answer.json["detail"] == [{"where": query.partition("=")[0], "what": what, "hint": hint}]


@pytest.mark.parametrize("query", ["segment=x", "segment=:x", "limit=0", "limit=201", "after=x", "after=WzEsMiwzXQ", "temperature=tepid"])
def test_a_query_that_is_none_is_refused(server: Server, query: str) -> None:
    assert server.get(f"/leads?{query}").status == 422
