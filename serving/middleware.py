"""What stands before the routes: limits, time, counting, and the promise that nothing is raised past it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from time import perf_counter
from urllib.parse import quote

from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.access import CALLER, Access, to_sign_in
from serving.endpoints import Endpoint, Routes
from serving.errors import RequestError, error_of, log_failure
from serving.limits import MB, Limits
from serving.log import RequestLog, new_request_id, request_id
from serving.metrics import observe_request

ENDPOINT = "leadheat.endpoint"
"""Where a request's scope holds the endpoint that the gate found: nothing else is done with the request."""
PROBES = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
"""Answered however busy the service is."""
JSON_TYPES = frozenset({b"", b"application/json", b"text/plain", b"text/json", b"application/x-www-form-urlencoded"})
"""Read as JSON: also what ``curl -d`` says when it is not told."""


class Gate:
    """Lets requests through to the routes, one body, one answer.

    A body is read whole before a route sees it, so that its size and the time it takes are bounded here and nowhere else. What is
    refused, fails or takes too long is answered in the form of ``serving.errors``.

    Args:
        app: gets a request with its endpoint in the scope, under ``ENDPOINT``.
        access: decides who is let in; None lets in everybody.
        log: tells of the requests.
    """

    def __init__(self, app: ASGIApp, limits: Limits, routes: Routes, access: Access | None = None, log: RequestLog | None = None) -> None:
        self.app = app
        self.limits = limits
        self.routes = routes
        self.access = access
        self.log = log or RequestLog("notable")
        self.in_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        known = new_request_id(_stated_id(scope))
        request_id.set(known)
        answer = _Answer(send, known)
        try:
            await self._answer(scope, receive, answer)
        finally:
            route, seconds = _route(scope), perf_counter() - began
            observe_request(route, scope["method"], answer.status, seconds)
            self.log.note(route, scope["method"], answer.status, seconds, scope.get(CALLER, ""))

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        self.in_work += 1
        try:
            endpoint, scope["path_params"] = self.routes.find(scope["method"], _path(scope))
            scope[ENDPOINT] = endpoint
            self._check_load(endpoint)
            if self.access is not None:
                self.access.admit(endpoint, scope)
            if query := scope.get("query_string"):
                endpoint.check_query(QueryParams(query))
            await self._pass_on(endpoint, scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - an exception that left this place would end the connection without a word
            await self._explain(error, scope, receive, answer)
        finally:
            self.in_work -= 1

    def _check_load(self, endpoint: Endpoint) -> None:
        if self.in_work > self.limits.max_concurrency and endpoint.path not in PROBES:
            raise RequestError(503, "The service is busy.", "Ask again in a second.", headers={"Retry-After": "1"})

    async def _pass_on(self, endpoint: Endpoint, scope: Scope, receive: Receive, answer: _Answer) -> None:
        arrived = scope["method"] in {"GET", "HEAD"}
        try:
            async with asyncio.timeout(self.limits.request_timeout):
                if not arrived:
                    body = await self._body(endpoint, scope, receive)
                    receive, arrived = _replay(body, receive), True
                await self.app(scope, receive, answer)
        except TimeoutError as error:
            raise self._too_late(arrived=arrived) from error

    def _too_late(self, *, arrived: bool) -> RequestError:
        status, what = (504, "The request was not done") if arrived else (408, "The body did not arrive")
        return RequestError(status, f"{what} within {self.limits.request_timeout:g} seconds.", "Send fewer leads at once.")

    async def _body(self, endpoint: Endpoint, scope: Scope, receive: Receive) -> bytes:
        """The whole body.

        Raises:
            RequestError: it is too large, of a kind that is no JSON, or the sender has gone and nobody will read the answer.
        """
        headers = dict(scope["headers"])
        limit = self.limits.max_batch_body if endpoint.bulk else self.limits.max_body
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if kind not in JSON_TYPES or headers.get(b"content-encoding", b"identity") != b"identity":
            raise RequestError(415, "The body is of a kind that is not read here.", "Send JSON, not compressed, as application/json.")
        if _stated_length(headers.get(b"content-length", b"")) > limit:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestError(499, "The sender has gone.")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
            if not message.get("more_body"):
                return b"".join(parts)

    async def _explain(self, error: Exception, scope: Scope, receive: Receive, answer: _Answer) -> None:
        refusal = error_of(error)
        if refusal.status == HTTPStatus.INTERNAL_SERVER_ERROR or answer.started:
            log_failure(_route(scope), error)
        if not answer.started:
            signing_in = refusal.status == HTTPStatus.UNAUTHORIZED and scope[ENDPOINT].media_type == "text/html"
            response = to_sign_in(_path(scope)) if signing_in else refusal.response()
            await response(scope, receive, answer)


class _Answer:
    """``send`` that remembers the status, tells the request's id, and lets nobody keep an answer that does not say for how long."""

    def __init__(self, send: Send, known: str) -> None:
        self.send = send
        self.id = known.encode()
        self.status = 500
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = [*message.get("headers", ()), (b"x-request-id", self.id)]
            kept = any(name == b"cache-control" for name, _ in headers)
            message["headers"] = headers if kept else [*headers, (b"cache-control", b"no-store")]
        await self.send(message)


def _route(scope: Scope) -> str:
    """The path as the table of routes has it: what a stranger asks for is ``other``."""
    return scope[ENDPOINT].path if ENDPOINT in scope else "other"


def _stated_id(scope: Scope) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), None)


def _path(scope: Scope) -> str:
    """The path as it was sent, percent signs and all."""
    return scope["raw_path"].decode("latin-1") if "raw_path" in scope else quote(scope["path"])


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body that was read, once, then what comes."""
    waiting = [body]

    async def replayed() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replayed


def _stated_length(text: bytes) -> int:
    return int(text) if text.isdigit() and len(text) < 20 else 0


def _too_large(limit: int) -> RequestError:
    size = f"{limit / MB:g} MB" if limit >= MB else f"{limit} bytes"
    return RequestError(413, f"The body is larger than {size}.", "Send fewer leads or interactions at once.")
