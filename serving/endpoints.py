"""How a route is declared, found, and answered.

One table of endpoints (``serving.routes``) says everything: what is taken and given, which scope a key needs, how ``/docs.json``
describes it, and under which name the metrics count it. What is not in the table is not there.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from serving.body import Body
from serving.desk import Desk
from serving.errors import known_keys, no_query, not_taken, nothing_at
from serving.keys import Scope
from serving.metrics import Stages

LONGEST = 200
"""Characters of a part of a path, as of a lead's id: nothing longer is held."""

Handler = Callable[[Desk, Request, Any], Awaitable[Any]]


@dataclass(frozen=True, eq=False)
class Endpoint:
    """One method of one path.

    Attributes:
        path: such as ``/leads/{lead_id}``; ``request.path_params`` holds the parts that vary, decoded.
        handler: gets the desk, the request, and the body or query as it was checked; answers with a value of the answer type or with
            a ``Response``. None where BentoML answers.
        body: the pydantic type of the body; None where there is none.
        answer: the pydantic type of the answer; None for no content, or where the handler makes the ``Response``.
        scope: what a key must allow; None where none is needed.
        summary: one sentence for ``/docs.json``.
        query: a pydantic model of what may stand behind the question mark; the handler gets it in the body's place.
        bulk: whether the body may be as large as that of many leads.
        media_type: of the answer.
        refusals: what is answered besides what every route of the kind answers: status and why.
    """

    method: str
    path: str
    handler: Handler | None
    body: Any = None
    answer: Any = None
    scope: Scope | None = "read"
    summary: str = ""
    _: KW_ONLY
    query: Any = None
    bulk: bool = False
    media_type: str = "application/json"
    refusals: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def taken(self) -> Body | None:
        """What reads the body or the query."""
        kind = self.query if self.body is None else self.body
        return None if kind is None else Body(kind)

    @property
    def takes_query(self) -> bool:
        """Whether anything may stand behind the question mark: not where a body says what is wanted, or where something is changed.

        Where something is only looked at, what nobody reads there does no harm: probes of other makers append queries of their own. The
        address of a page may always name a language.
        """
        return self.query is not None or self.method == "GET" or self.media_type == "text/html"

    def check_query(self, query: QueryParams) -> None:
        """Nothing happens unless there is a query that is not taken: who wrote an option there would believe that it works.

        Raises:
            RequestError: there is.
        """
        if query and not self.takes_query:
            raise no_query(query, [] if self.taken is None else known_keys(self.taken.schema, ()))

    @cached_property
    def given(self) -> Body | None:
        """What writes the answer."""
        return None if self.answer is None else Body(self.answer)

    async def respond(self, desk: Desk, request: Request) -> Response:
        """Check what is asked, have it handled, and write the answer.

        Raises:
            RequestError: the body or the query is not what is taken; and whatever the handler raises.
        """
        assert self.handler is not None  # noqa: S101 - BentoML answers those
        times, asked = Stages(), None
        if self.taken is not None:
            asked = self.taken.read(await request.body()) if self.query is None else self.taken.read_query(request.query_params)
        times.end("read")
        answer = await self.handler(desk, request, asked)
        times.end("work")
        if isinstance(answer, Response):
            return answer
        response = Response(status_code=204) if self.given is None else Response(self.given.write(answer), media_type=self.media_type)
        times.end("answer")
        return response


class Routes:
    """Finds the endpoint of a request.

    Args:
        endpoints: of which no two have the same method and path.
    """

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints = tuple(endpoints)
        by_path: dict[str, dict[str, Endpoint]] = {}
        for one in self.endpoints:
            methods = by_path.setdefault(one.path, {})
            assert one.method not in methods, f"{one.method} {one.path} is declared twice"  # noqa: S101 - a mistake in the table
            methods[one.method] = one
        self._plain = {path: methods for path, methods in by_path.items() if "{" not in path}
        self._varied = [(_pattern(path), methods) for path, methods in by_path.items() if "{" in path]

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        """The endpoint and the parts of the path that vary.

        Args:
            method: ``HEAD`` finds what ``GET`` does.
            path: as it was sent, with its percent signs, so that an id may hold a slash.

        Raises:
            RequestError: 404 or 405.
        """
        methods, parts = self._match(path)
        endpoint = methods.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            raise not_taken(method, path, methods)
        return endpoint, parts

    def _match(self, path: str) -> tuple[dict[str, Endpoint], dict[str, str]]:
        methods = self._plain.get(path)
        if methods is not None:
            return methods, {}
        for pattern, varied in self._varied:
            found = pattern.fullmatch(path)
            if found is not None:
                return varied, {name: _decoded(part, path) for name, part in found.groupdict().items()}
        raise nothing_at(path, {one.path: None for one in self.endpoints})


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(
        "".join(f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{") else re.escape(part) for part in re.split(r"({\w+})", path))
    )


def _decoded(part: str, path: str) -> str:
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise nothing_at(path) from None
    if len(text) > LONGEST or "\0" in text:
        raise nothing_at(path)
    return text
