"""Asking an ASGI application in process."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from starlette.types import ASGIApp, Message


async def ask(app: ASGIApp, path: str, body: bytes | Sequence[Message], **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One POST: status, headers and body of the answer. ``body`` may be the messages to receive, the last of them again and again."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}] if isinstance(body, bytes) else list(body)
    answer: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    async def send(message: Message) -> None:
        answer.append(message)

    await app(request(path, headers), receive, send)
    given = {name.decode(): value.decode() for name, value in answer[0]["headers"]}
    return answer[0]["status"], given, b"".join(one.get("body", b"") for one in answer[1:])


def request(path: str, headers: dict[str, str]) -> dict[str, Any]:
    """The scope of a POST with JSON."""
    stated = {"host": "here", "content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in stated.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }


class Span:
    """Stands for what a request leaves in its context."""


_current: ContextVar[Span] = ContextVar("current")


def outliving(app: ASGIApp, requests: int) -> int:
    """How many of so many requests still hold memory when all are answered."""

    async def traced() -> weakref.ref[Span]:
        span = Span()
        _current.set(span)
        await ask(app, "/score", b"")
        return weakref.ref(span)

    async def count() -> int:
        spans = [await asyncio.create_task(traced()) for _ in range(requests)]
        gc.collect()
        return sum(span() is not None for span in spans)

    return asyncio.run(count())
