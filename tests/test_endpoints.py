"""The table of routes: how a request finds its endpoint, and what an endpoint makes of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NotRequired, cast

import pytest
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from typing_extensions import TypedDict

from models.request import Moment
from serving.desk import Desk
from serving.endpoints import Endpoint, Routes
from serving.errors import RequestError
from tests.asgi import request


class Note(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    words: str
    stars: NotRequired[int]


class Filter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(10, ge=1)
    segment: list[str] = []
    since: Moment | None = None


async def echo(_desk: Desk, asked: Request, body: Any) -> Any:
    return {"id": asked.path_params.get("lead_id", ""), "body": body.model_dump() if isinstance(body, BaseModel) else body}


LEAD = Endpoint("PUT", "/leads/{lead_id}/notes/{note}", echo, list[Note], dict[str, Any], "write")
LEADS = Endpoint("GET", "/leads", echo, None, dict[str, Any], query=Filter)
ERASE = Endpoint("DELETE", "/leads/{lead_id}", echo, None, None, "erase")
ROUTES = Routes((LEAD, LEADS, ERASE))


def respond(endpoint: Endpoint, body: bytes = b"", query: bytes = b"", **parts: str) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    scope = request("/", {}) | {"query_string": query, "path_params": parts}
    response = asyncio.run(endpoint.respond(cast("Desk", None), Request(scope, receive)))
    return json.loads(bytes(response.body)) if response.body else response.status_code


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "parts"),
    [
        ("GET", "/leads", LEADS, {}),
        ("HEAD", "/leads", LEADS, {}),
        ("DELETE", "/leads/ann%2Fb%C3%A4rbel%25", ERASE, {"lead_id": "ann/bärbel%"}),
        ("PUT", "/leads/a/notes/1", LEAD, {"lead_id": "a", "note": "1"}),
    ],
)
def test_a_request_finds_its_endpoint(method: str, path: str, endpoint: Endpoint, parts: dict[str, str]) -> None:
    assert ROUTES.find(method, path) == (endpoint, parts)


@pytest.mark.parametrize(
    "path", ["/", "/leads/", "/Leads", "/lead%73", "//leads", "/leads/a/notes", "/leads/%ff", "/leads/a%00", "/leads/" + "a" * 201]
)
def test_what_is_not_in_the_table_is_not_there(path: str) -> None:
    with pytest.raises(RequestError, match="There is nothing at") as caught:
        ROUTES.find("GET", path)
    assert caught.value.status == 404


def test_a_known_path_says_which_methods_it_takes() -> None:
    with pytest.raises(RequestError, match="/leads/a does not take GET") as caught:
        ROUTES.find("GET", "/leads/a")
    assert (caught.value.status, caught.value.headers) == (405, {"Allow": "DELETE"})


def test_a_body_is_checked_and_an_answer_written() -> None:
    assert respond(LEAD, b'[{"words": "good", "stars": 5}]', lead_id="a") == {"id": "a", "body": [{"words": "good", "stars": 5}]}
    assert respond(Endpoint("DELETE", "/", echo, None, None)) == 204


def test_a_query_is_checked_and_lists_may_repeat() -> None:
    assert respond(LEADS, query=b"limit=3&segment=a&segment=b%20c")["body"] == {"limit": 3, "segment": ["a", "b c"], "since": None}
    assert respond(LEADS, query=b"segment=a")["body"] == {"limit": 10, "segment": ["a"], "since": None}


@pytest.mark.parametrize(
    ("endpoint", "body", "query", "where", "hint"),
    [
        (LEAD, b'[{"words": "good", "star": 5}]', b"", "0.star", 'Did you mean "stars"?'),
        (LEAD, b'[{"words": "good"}, {"other": 5, "words": ""}]', b"", "1.other", "The keys here are words, stars."),
        (LEADS, b"", b"limits=3", "limits", 'Did you mean "limit"?'),
        (LEADS, b"", b"limit=3&limit=4", "limit", ""),
        (LEADS, b"", b"limit=0", "limit", ""),
        (LEADS, b"", b"since=yesterday", "since", "in ISO 8601 with its time zone"),
    ],
)
def test_what_is_wrong_is_said_with_a_hint(endpoint: Endpoint, body: bytes, query: bytes, where: str, hint: str) -> None:
    with pytest.raises(RequestError, match="One thing is wrong with the") as caught:
        respond(endpoint, body, query)
    (problem,) = caught.value.problems
    assert caught.value.status == 422
    assert problem.where == where
    assert hint in problem.hint


def test_no_route_is_declared_twice() -> None:
    with pytest.raises(AssertionError, match="GET /leads is declared twice"):
        Routes((LEADS, LEADS))
