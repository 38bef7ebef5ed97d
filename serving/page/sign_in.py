"""``/sign-in``: a key for the browser to keep, where the service has keys."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving import access
from serving.desk import Desk
from serving.keys import KeyRing
from serving.page import render
from serving.page.language import Language


@dataclass(frozen=True, slots=True)
class SignIn:
    """The page: where to go from here, and what was wrong with the key that was sent."""

    next: str
    problem: str


async def form(desk: Desk, request: Request, t: Language) -> Response:
    """The form."""
    return render.show(desk, request, t, "sign_in.html", page=SignIn(access.after_sign_in(request.query_params.get("next", "/")), ""))


async def sign_in(desk: Desk, request: Request, t: Language) -> Response:
    """Take a key that may read; any other is told to be wrong, whatever is wrong with it."""
    given = render.form_of(await request.body())
    secret, onward = given.get("key", "").strip(), access.after_sign_in(given.get("next", "/"))
    key = KeyRing().find(secret)
    if key is None or "read" not in key.scopes:
        return render.show(desk, request, t, "sign_in.html", status=403, page=SignIn(onward, t("sign_in.wrong")))
    response = RedirectResponse(onward, 303, render.HEADERS)
    access.sign_in(response, secret, https=request.url.scheme == "https")
    return response


async def sign_out(_desk: Desk, _request: Request, _t: Language) -> Response:
    """Have the browser forget its key."""
    response = RedirectResponse(access.SIGN_IN, 303, render.HEADERS)
    access.sign_out(response)
    return response
