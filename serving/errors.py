"""One form for every error: ``{"error": "...", "detail": [{"where": "...", "what": "...", "hint": "..."}]}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from http import HTTPStatus

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.responses import Response

from features.contract import LeadheatError
from models.request import MOMENT_HINT, MOMENTS
from serving.schemas import KEYS

SHOWN = 20
"""How many problems of one request an answer lists."""

HINTS = {
    "moment": MOMENT_HINT,
    "timezone_aware": 'Say which zone it is in, such as "2026-01-31T08:00:00Z" or "2026-01-31T08:00:00+01:00".',
    "greater_than_equal": "If the moment is not known, leave the key out.",
    "less_than": "If the moment is not known, leave the key out.",
    "string_type": 'Write it in quotation marks: "42", not 42.',
    "json_invalid": "Send one JSON object in UTF-8.",
    "model_type": "Send one JSON object.",
    "dict_type": 'Send a JSON object, such as {"industry": "retail"}.',
    "attribute": "Nested values have no meaning to the model; leave out what is not known.",
    "too_long": "Send fewer, in several requests if they are of several leads.",
}
WORDS = {
    "missing": "is missing",
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


def error_of(error: Exception) -> RequestError:
    """The answer to any exception: the sender's fault where it is one, else 500 without a word of what the request held."""
    match error:
        case RequestError():
            return error
        case ValidationError():
            return _invalid(error)
        case LeadheatError():
            return RequestError(422, error.message, error.hint)
        case _:
            return RequestError(500, "The service failed on this request.", "The log says why; the request need not be wrong.")


def error_of_status(status: int, path: str, method: str) -> RequestError:
    """The answer where no route takes a request."""
    if status == HTTPStatus.NOT_FOUND:
        return RequestError(status, f"There is nothing at {path[:200]}.", "GET /docs.json lists all routes.")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return RequestError(status, f"{path[:200]} does not take {method[:20]}.", "GET /docs.json lists all routes and their methods.")
    return RequestError(status, HTTPStatus(status).phrase + ".")


def _invalid(error: ValidationError) -> RequestError:
    errors = error.errors(include_url=False, include_input=False)
    problems = [_problem(one, error.title) for one in errors[:SHOWN]]
    if errors[0]["type"] == "json_invalid":
        return RequestError(400, "The body is no JSON.", problems=problems)
    count = f"{len(errors)} things are" if len(errors) > 1 else "One thing is"
    more = f" The first {SHOWN} are listed." if len(errors) > SHOWN else ""
    return RequestError(422, f"{count} wrong with the request.{more}", problems=problems)


def _problem(error: ErrorDetails, body: str) -> Problem:
    kind, place = error["type"], error["loc"]
    what = WORDS.get(kind) or error["msg"].removeprefix("Input ")
    return Problem(where=_where(place), what=what, hint=_known_key(place, body) if kind == "extra_forbidden" else _hint(kind, place))


def _hint(kind: str, place: tuple[int | str, ...]) -> str:
    not_a_moment = place[-1:] and place[-1] in MOMENTS and kind not in HINTS.keys() - {"string_type"}
    return HINTS["moment"] if not_a_moment else HINTS.get(kind, "")


def _where(place: tuple[int | str, ...]) -> str:
    """``interactions.3.occurred_at``; a sender's own keys may be long."""
    return ".".join(str(part)[:100] for part in place if part != "[key]")


def _known_key(place: tuple[int | str, ...], body: str) -> str:
    parents = [part for part in place[:-1] if isinstance(part, str)]
    known = KEYS.get(parents[-1] if parents else body, ())
    nearest = get_close_matches(str(place[-1])[:100], known, n=1)
    if nearest:
        return f'Did you mean "{nearest[0]}"?'
    return f"The keys here are {', '.join(known)}." + (' Anything else belongs into "attributes".' if "attributes" in known else "")
