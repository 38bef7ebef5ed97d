"""Pages as answers: templates compiled once, everything escaped, and headers under which nothing foreign runs, loads or frames."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from starlette.requests import Request
from starlette.responses import Response

from features.contract import LeadheatError
from features.store.engine import StoreError
from models import home
from serving.access import COOKIE
from serving.desk import Desk
from serving.errors import RequestError
from serving.page import static
from serving.page.language import CODES, ZONE, Code, Language, language, preferred

LANGUAGE_COOKIE = "leadheat_language"
A_YEAR = 365 * 86_400
NAMES: dict[Code, str] = {"en": "English", "de": "Deutsch"}
MORE = (("report", "/reports/funnel"),)
"""The pages beside the worklist, by name and address."""
POLICY = (
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)
HEADERS = {
    "Content-Security-Policy": "; ".join(POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser would not say either that a form is ours
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

View = Callable[[Desk, Request, Language], Awaitable[Response]]
Handler = Callable[[Desk, Request, Any], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Scoring:
    """Which version of the model scores, and since when; None where the rules score alone."""

    version: str | None
    since: str | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page.

    Attributes:
        at: the page, where it is one of the navigation.
        more: the other pages of the navigation, by name and address.
        languages: code, name and address of this page in each.
        signed_in: whether there is a key to sign out.
        signed_in_or_open: whether there is anything to navigate to.
    """

    at: str
    more: tuple[tuple[str, str], ...]
    languages: list[tuple[Code, str, str]]
    signed_in: bool
    signed_in_or_open: bool
    scorer: Scoring
    zone: str


def page(view: View) -> Handler:
    """A view as a handler: in the reader's language, and with what goes wrong told as a page."""

    @wraps(view)
    async def handler(desk: Desk, request: Request, _asked: Any) -> Response:
        t = language_of(request)
        try:
            response = await view(desk, request, t)
        except LeadheatError as error:
            response = problem(desk, request, t, error)
        if asked_language(request) is not None:
            response.set_cookie(LANGUAGE_COOKIE, t.code, max_age=A_YEAR, samesite="lax", httponly=True, path="/")
        return response

    return handler


def show(desk: Desk, request: Request, t: Language, name: str, *, at: str = "", status: int = 200, **values: Any) -> Response:
    """A template as an answer."""
    frame = Frame(at, MORE, _languages(request), COOKIE in request.cookies, name != "sign_in.html", scoring(desk, t), str(ZONE))
    return Response(_template(name).render(t=t, frame=frame, **values), status, HEADERS, "text/html")


def problem(desk: Desk, request: Request, t: Language, error: LeadheatError) -> Response:
    """What went wrong, for a person; the status is the one that a program gets."""
    status = error.status if isinstance(error, RequestError) else HTTPStatus.UNPROCESSABLE_ENTITY
    told = {"title": t("problem.other"), "what": error.message, "hint": error.hint}
    if isinstance(error, RequestError) and error.problems[0].where:
        first = error.problems[0]
        told |= {"what": f"{first.where} {first.what}.", "hint": first.hint}
    if isinstance(error, StoreError) or status == HTTPStatus.SERVICE_UNAVAILABLE:
        status = HTTPStatus.SERVICE_UNAVAILABLE
        told = {"title": t("problem.store"), "what": t("problem.store_what"), "hint": t("problem.store_hint")}
    elif status == HTTPStatus.NOT_FOUND and "lead_id" in request.path_params:
        lead_id = request.path_params["lead_id"]
        told = {"title": t("problem.no_lead"), "what": t("problem.no_lead_what", lead_id=lead_id), "hint": t("problem.no_lead_hint")}
    response = show(desk, request, t, "problem.html", status=status, page=told)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    return response


def asked_language(request: Request) -> Code | None:
    """The language that the address asks for."""
    return next((code for code in CODES if code == request.query_params.get("lang")), None)


def language_of(request: Request) -> Language:
    """By the address, else by the cookie, else by what the browser prefers."""
    kept = next((code for code in CODES if code == request.cookies.get(LANGUAGE_COOKIE)), None)
    return language(asked_language(request) or kept or preferred(request.headers.get("accept-language", "")))


def scoring(desk: Desk, t: Language) -> Scoring:
    """What scores now."""
    version = desk.current.version
    since = home.promoted_at() if version is not None else None
    return Scoring(version, None if since is None else t.date(t.local(since)))


def with_query(request: Request, **changes: str | None) -> str:
    """The address of this page with another query; None takes a part away."""
    query = [(key, value) for key, value in request.query_params.multi_items() if key not in changes and value]
    query += [(key, value) for key, value in changes.items() if value is not None]
    path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").partition("?")[0]
    return f"{path}?{urlencode(query)}" if query else path


def form_of(body: bytes) -> Mapping[str, str]:
    """The fields of a posted form; what cannot be read as one is empty."""
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=20, strict_parsing=False))
    except ValueError:
        return {}


def _languages(request: Request) -> list[tuple[Code, str, str]]:
    readable = request.method in {"GET", "HEAD"}
    return [(code, NAMES[code], with_query(request, lang=code) if readable else f"/?lang={code}") for code in CODES]


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("serving.page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["static"] = static.address
    return environment
