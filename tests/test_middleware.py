"""The gate before the routes: limits, time, and that nothing is raised past it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.endpoints import Endpoint, Routes
from serving.limits import Limits
from serving.middleware import Gate
from tests.asgi import ask, outliving

ROUTES = Routes(
    (
        Endpoint("POST", "/score", None),
        Endpoint("POST", "/score_batch", None, bulk=True),
        Endpoint("POST", "/readyz", None),
    )
)
LIMITS = Limits(max_body=1000, max_batch_body=5000, max_concurrency=2, request_timeout=0.2)


async def echo(_: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body's length."""
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(len(message["body"])).encode()})


def gate(app: ASGIApp = echo) -> Gate:
    return Gate(app, LIMITS, ROUTES)


def through(app: ASGIApp, path: str, body: Any, **headers: str) -> tuple[int, dict[str, str], Any]:
    status, given, answer = asyncio.run(ask(gate(app), path, body, **headers))
    return status, given, json.loads(answer)


def parts(*sizes: int) -> list[Message]:
    """A body that arrives in pieces, without a stated length."""
    return [{"type": "http.request", "body": b"x" * size, "more_body": i + 1 < len(sizes)} for i, size in enumerate(sizes)]


def test_a_body_arrives_whole() -> None:
    assert through(echo, "/score", parts(400, 400, 200))[::2] == (200, 1000)
    assert through(echo, "/score_batch", parts(4000, 1000))[::2] == (200, 5000)


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/score", b"x" * 1001, {}),
        ("/score", parts(600, 600, 600), {}),
        ("/score", b"", {"content_length": "1001"}),
        ("/score_batch", b"x" * 5001, {}),
    ],
)
def test_a_body_too_large_is_a_413(path: str, body: Any, headers: dict[str, str]) -> None:
    status, _, answer = through(echo, path, body, **headers)
    assert status == 413
    assert answer["error"] == f"The body is larger than {5000 if path == '/score_batch' else 1000} bytes."


@pytest.mark.parametrize("headers", [{"content_type": "application/vnd.bentoml+pickle"}, {"content_encoding": "gzip"}])
def test_what_is_not_read_is_a_415(headers: dict[str, str]) -> None:
    assert through(echo, "/score", b"{}", **headers)[0] == 415


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/x-www-form-urlencoded", ""])
def test_what_curl_sends_is_read(kind: str) -> None:
    assert through(echo, "/score", b"{}", content_type=kind)[0] == 200


def test_a_route_that_takes_too_long_is_a_504() -> None:
    async def slow(_: Scope, __: Receive, ___: Send) -> None:
        await asyncio.sleep(30)

    status, _, answer = through(slow, "/score", b"")
    assert (status, answer["error"]) == (504, "The request was not done within 0.2 seconds.")


def test_a_body_that_does_not_arrive_is_a_408() -> None:
    async def stuck() -> tuple[int, bytes]:
        answer: list[Message] = []

        async def send(message: Message) -> None:
            answer.append(message)

        await gate()({"type": "http", "method": "POST", "path": "/score", "headers": []}, asyncio.Event().wait, send)  # type: ignore[arg-type]
        return answer[0]["status"], answer[1]["body"]

    status, body = asyncio.run(stuck())
    assert status == 408
    assert b"did not arrive within 0.2 seconds" in body


def test_more_than_can_be_done_at_once_is_a_503_that_says_when_to_come_back() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.05)
        await echo(scope, receive, send)

    async def rush() -> list[tuple[int, dict[str, str], bytes]]:
        one = gate(slow)
        return await asyncio.gather(*(ask(one, path, b"") for path in ("/score", "/score", "/score", "/readyz")))

    first, second, third, probe = asyncio.run(rush())
    assert [first[0], second[0], third[0], probe[0]] == [200, 200, 503, 200]
    assert third[1]["retry-after"] == "1"


def test_an_exception_is_answered_at_once_and_told_to_the_log_without_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    sent = "the cause"

    async def broken(_: Scope, __: Receive, ___: Send) -> None:
        raise KeyError(sent)

    with caplog.at_level(logging.ERROR, "leadheat.serving"):
        status, _, answer = through(broken, "/score", b"")
    assert status == 500
    assert "cause" not in str(answer)
    assert "/score failed: KeyError" in caplog.text
    assert "raise KeyError(sent)" in caplog.text
    assert sent not in caplog.text


def test_an_exception_after_the_answer_began_stays_inside() -> None:
    async def half(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError("late")

    assert asyncio.run(ask(gate(half), "/score", b""))[0] == 200


def test_a_sender_who_has_gone_reaches_no_route() -> None:
    assert through(echo, "/score", [{"type": "http.disconnect"}])[0] == 499


def test_requests_do_not_live_on_in_timers() -> None:
    assert outliving(gate(), 300) <= 110  # asyncio sweeps its cancelled timers once there are a hundred


def test_an_answer_is_kept_by_nobody_unless_it_says_so() -> None:
    async def kept(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"immutable")]})
        await send({"type": "http.response.body", "body": b"{}"})

    assert through(echo, "/score", b"{}")[1]["cache-control"] == "no-store"
    assert through(echo, "/leads/ann", b"{}")[1]["cache-control"] == "no-store"
    assert through(kept, "/score", b"{}")[1]["cache-control"] == "immutable"
