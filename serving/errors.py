"""One form for every error: ``{"error": "...", "detail": [{"where": "...", "what": "...", "hint": "..."}]}``."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.responses import Response

from features.contract import LeadheatError
from features.nearest import choices, did_you_mean
from features.store.engine import StoreError
from models.request import MOMENT_HINT, MOMENTS

logger = logging.getLogger("leadheat.serving")

Place = tuple[int | str, ...]
"""The keys and positions that lead to a part of a body."""
_SUBJECT = re.compile("^(Input|String|List|Dictionary) ")
"""How pydantic begins a sentence, whose subject is ``where`` here."""

SHOWN = 20
"""How many problems of one request an answer lists."""

HINTS = {
    "moment": MOMENT_HINT,
    "string_pattern_mismatch": MOMENT_HINT,
    "timezone_aware": 'Say which zone it is in, such as "2026-01-31T08:00:00Z" or "2026-01-31T08:00:00+01:00".',
    "string_type": 'Write it in quotation marks: "42", not 42.',
    "ahead": "Is its year right, and its time zone? What happens later is sent once it has happened.",
    "json_invalid": "Send one JSON object in UTF-8.",
    "model_type": "Send one JSON object.",
    "dict_type": 'Send a JSON object, such as {"industry": "retail"}.',
    "list_type": "Send a list, in square brackets, even of one.",
    "bool_type": "Write true or false, without quotation marks.",
    "attribute": "Nested values have no meaning to the model; leave out what is not known.",
    "too_long": "Send fewer, in several requests if they are of several leads.",
}
PLACEHOLDER_HINT = "If the moment is not known, leave the key out."
WORDS = {
    "missing": "is missing",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "timezone_aware": "bears no time zone",
    "extra_forbidden": "is not known here",
    "string_pattern_mismatch": "is no moment",
}


class Problem(BaseModel):
    """One thing that is wrong with a request."""

    where: str
    what: str
    hint: str = ""


class ErrorBody(BaseModel):
    """What is wrong in one sentence, and one by one."""

    error: str
    detail: list[Problem] = []


class RequestError(LeadheatError):
    """A request that is answered with an error.

    Args:
        status: the HTTP status.
        message: what is wrong, in a sentence.
        problems: what is wrong, one by one.
        headers: such as ``Retry-After``.
    """

    def __init__(
        self, status: int, message: str, hint: str = "", problems: Sequence[Problem] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.problems = list(problems) or [Problem(where="", what=message, hint=hint)]
        self.headers = headers

    def response(self) -> Response:
        """The answer to send."""
        body = ErrorBody(error=self.message, detail=self.problems)
        return Response(body.model_dump_json(), self.status, self.headers, "application/json")


class RefusedError(RequestError):
    """All that is wrong with a request.

    Args:
        problems: at least one; the first ``SHOWN`` are listed.
        of: whether they are of the request or of its ``query``.
    """

    def __init__(self, problems: Sequence[Problem], of: str = "request") -> None:
        count = f"{len(problems)} things are" if len(problems) > 1 else "One thing is"
        more = f" The first {SHOWN} are listed." if len(problems) > SHOWN else ""
        super().__init__(422, f"{count} wrong with the {of}.{more}", problems=problems[:SHOWN])


def wrong(where: str, what: str, hint: str, of: str = "request") -> RequestError:
    """One part of a request, or of its query, that only a look beyond its form shows to be wrong."""
    return RefusedError([Problem(where=where, what=what, hint=hint)], of)


def no_lead(hint: str = "POST /interactions or POST /leads makes one.") -> RequestError:
    """There is nothing stored under the id."""
    return RequestError(404, "There is no such lead.", hint)


def error_of(error: Exception) -> RequestError:
    """The answer to any exception: the sender's fault where it is one, else 500 without a word of what the request held."""
    match error:
        case RequestError():
            return error
        case StoreError():
            return RequestError(503, error.message, error.hint or "Ask again in some seconds.", headers={"Retry-After": "5"})
        case LeadheatError():
            return RequestError(422, error.message, error.hint)
        case _:
            return RequestError(500, "The service failed on this request.", "The log says why; the request need not be wrong.")


def log_failure(route: str, error: Exception) -> None:
    """Say in the log what failed and where in the code, but no message: it may hold what was sent.

    Args:
        route: as the table of routes has it.
        error: what was raised.
    """
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed: %s\n%s", route, type(error).__name__, frames.rstrip())


def nothing_at(path: str, known: Iterable[str] = ()) -> RequestError:
    """The answer where there is no such path; one of the ``known`` may be meant."""
    hint = f"{did_you_mean(path, known)} GET /docs.json lists all routes.".strip()
    return RequestError(404, f"There is nothing at {path[:200]}.", hint)


def not_taken(method: str, path: str, methods: Collection[str]) -> RequestError:
    """The answer where a path is known and the method is not."""
    hint = f"It takes {' and '.join(methods)}; GET /docs.json lists all routes."
    return RequestError(405, f"{path[:200]} does not take {method[:20]}.", hint, headers={"Allow": ", ".join(methods)})


def invalid(error: ValidationError, schema: Mapping[str, Any], where: str = "body") -> RequestError:
    """The answer to a body or query that is not what a route takes.

    Args:
        error: what pydantic found.
        schema: the type's JSON schema, which names the keys there are.
        where: ``body`` or ``query``.
    """
    errors = error.errors(include_url=False)
    problems = [_problem(one, schema) for one in errors]
    if errors[0]["type"] == "json_invalid":
        return RequestError(400, "The body is no JSON.", problems=problems)
    return RefusedError(problems, "request" if where == "body" else where)


def no_query(names: Iterable[str], keys: Collection[str]) -> RequestError:
    """The answer to a query where none is taken.

    Args:
        names: what is asked there.
        keys: those of the body, where it can be asked instead.
    """
    what = WORDS["extra_forbidden"]
    return RefusedError([Problem(where=where_of((name,)), what=what, hint=_elsewhere(name, keys)) for name in names], "query")


def _elsewhere(name: str, keys: Collection[str]) -> str:
    if name in keys:
        return f'It goes into the body, as "{name}".'
    if not keys:
        return "There is nothing to choose here; leave it out."
    return f"{did_you_mean(name, keys)} Options go into the body, whose keys are {', '.join(keys)}.".strip()


def _problem(error: ErrorDetails, schema: Mapping[str, Any]) -> Problem:
    kind, place = error["type"], error["loc"]
    what = WORDS.get(kind) or _SUBJECT.sub("", error["msg"])
    if kind == "extra_forbidden":
        hint = _known_key(place, schema)
    elif kind == "literal_error":
        hint = did_you_mean(str(error["input"]), choices(error["ctx"]["expected"]))
    elif kind == "dict_type" and (keys := known_keys(schema, place)):
        hint = f"Send a JSON object with the keys {', '.join(keys)}."
    else:
        hint = _hint(kind, place)
    return Problem(where=where_of(place), what=what, hint=hint)


def _hint(kind: str, place: Place) -> str:
    if place[-1:] and place[-1] in MOMENTS:
        if kind in {"greater_than_equal", "less_than"}:
            return PLACEHOLDER_HINT
        if kind == "string_type" or kind not in HINTS:
            return MOMENT_HINT
    return HINTS.get(kind, "")


def where_of(place: Place) -> str:
    """``interactions.3.occurred_at``; a sender's own keys may be long."""
    return ".".join(str(part)[:100] for part in place if part != "[key]")


def _known_key(place: Place, schema: Mapping[str, Any]) -> str:
    known = known_keys(schema, place[:-1])
    if not known:
        return ""
    elsewhere = ' Anything else belongs into "attributes".' if "attributes" in known else ""
    return did_you_mean(str(place[-1]), known) or f"The keys here are {', '.join(known)}.{elsewhere}"


def known_keys(schema: Mapping[str, Any], place: Sequence[int | str]) -> list[str]:
    """The keys that an object at ``place`` within a JSON schema may have."""
    here = list(_alternatives(schema, schema))
    for part in place:
        inner = [one.get("items") if isinstance(part, int) else one.get("properties", {}).get(part) for one in here]
        here = [deeper for one in inner if one for deeper in _alternatives(one, schema)]
    return list(dict.fromkeys(key for one in here for key in one.get("properties", {})))


def _alternatives(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What a schema may stand for, with references followed."""
    reference = schema.get("$ref")
    if reference is not None:
        yield from _alternatives(whole["$defs"][reference.rpartition("/")[2]], whole)
        return
    yield schema
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _alternatives(one, whole)
