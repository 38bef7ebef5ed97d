"""BentoML's faults, shown on BentoML itself.

A test that fails here says that a release has mended a fault: its cure in ``serving/bento.py`` goes.
"""

from __future__ import annotations

import asyncio
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import _bentoml_impl.server
import bentoml
import pytest
from bentoml._internal.server.http.traffic import TimeoutMiddleware
from bentoml.exceptions import InvalidArgument
from prometheus_client import generate_latest
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from serving.bento import VERIFIED
from tests.asgi import ask, outliving


class Text(BaseModel):
    text: str


@bentoml.service(name="stock")
class Stock:
    """As BentoML's guide would have it."""

    @bentoml.api
    async def size(self, request: Text, /) -> int:
        return len(request.text)

    @bentoml.api
    async def refuse(self, request: Text, /) -> int:
        raise InvalidArgument(request.text)


@cache
def stock() -> Any:
    service: Any = Stock
    return service.to_asgi()


def ask_stock(path: str, body: bytes) -> tuple[int, bytes]:
    async def served() -> tuple[int, bytes]:
        async with stock().router.lifespan_context(stock()):
            status, _, answer = await ask(stock(), path, body)
            return status, answer

    return asyncio.run(served())


def test_the_verified_release_is_the_one_installed() -> None:
    assert version("bentoml") == VERIFIED, "look at the faults again, then change VERIFIED"


def test_a_timer_keeps_every_request_alive() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    assert outliving(TimeoutMiddleware(app, timeout=60), 300) == 300


def test_an_exception_in_a_middleware_hangs() -> None:
    async def broken(_: Scope, __: Receive, ___: Send) -> None:
        raise KeyError

    async def wait() -> None:
        await asyncio.wait_for(ask(TimeoutMiddleware(broken, timeout=30), "/", b""), 0.3)

    with pytest.raises(TimeoutError, match=r"^$"):
        asyncio.run(wait())


def test_bodies_have_no_limit() -> None:
    status, body = ask_stock("/size", b'{"text": "%s"}' % (b"x" * 20_000_000))
    assert (status, body) == (200, b"20000000")


def test_errors_have_several_forms_and_are_logged_with_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    status, body = ask_stock("/refuse", b'{"text": "no"}')
    assert (status, body) == (400, b'[{"error":"no"}]')
    status, body = ask_stock("/size", b'{"text": ["Jane Doe"]}')
    assert status == 400
    assert body.startswith(b'{"error":"1 validation error for')
    assert "Jane Doe" in caplog.text


def test_the_index_loads_a_tracker() -> None:
    page = Path(_bentoml_impl.server.__file__).with_name("main-openapi.html")
    assert "googletagmanager.com" in page.read_text()


def test_metrics_are_labelled_with_whatever_is_asked_for() -> None:
    assert ask_stock("/no/such/path", b"")[0] == 404
    assert b'endpoint="/no/such/path"' in generate_latest()
