"""Who is let in: by a key with the scope that an endpoint needs, or without one from this machine alone."""

from __future__ import annotations

import re
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope as AsgiScope

from serving.endpoints import Endpoint
from serving.errors import RequestError
from serving.keys import Key, KeyRing, Scope
from serving.rates import Rates

KEY = "leadheat.key"
"""Where a request's scope holds the key by which it was let in; nothing where none is needed."""
CALLER = "leadheat.caller"
"""Where a request's scope holds who asks: the key's name, or nothing where none is needed."""
SIGN_IN = "/sign-in"
"""The form for a key."""
COOKIE = "leadheat_key"
WITHOUT_SIDE_EFFECTS = frozenset({"GET", "HEAD", "OPTIONS"})
HINT = 'Send it as "Authorization: Bearer lh_...", or as "X-API-Key: lh_...".'


class Access:
    """Decides about every request before its body is read.

    Args:
        keys: what lets requests in, once there are any.
        rates: how many of each key.
    """

    def __init__(self, keys: KeyRing, rates: Rates) -> None:
        self.keys = keys
        self.rates = rates

    def admit(self, endpoint: Endpoint, scope: AsgiScope) -> None:
        """Let a request in, and note in its scope who asks.

        Raises:
            RequestError: 401 without a valid key, 403 where the key does not allow it or a foreign page asks, 429 where it is too much.
        """
        if endpoint.scope is None:
            return
        self.keys.look()
        headers = _headers(scope)
        stated = _stated(headers)
        key = self._by_key(endpoint, stated or _cookie(headers)) if self.keys.in_use else None
        caller = _local(scope, headers) if key is None else key.name
        scope[KEY], scope[CALLER] = key, "" if key is None else caller
        if not stated and scope["method"] not in WITHOUT_SIDE_EFFECTS:
            _check_origin(headers)
        self.rates.take(caller, endpoint.scope)

    def _by_key(self, endpoint: Endpoint, secret: str) -> Key:
        if not secret:
            raise _no_key("A key is needed here.")
        key = self.keys.find(secret)
        if key is None:
            raise _no_key("The key is not valid: it is unknown, was revoked, or has expired.", "invalid_token")
        if endpoint.scope not in key.scopes:
            hint = f"Ask for a key with it: leadheat keys add NAME --scope {endpoint.scope}"
            raise RequestError(403, f"The key {key.name} lacks the scope {endpoint.scope}.", hint)
        return key


def allowed(request: Request, scope: Scope) -> bool:
    """Whether who asks may do what needs a scope, as all may where no keys are needed."""
    key: Key | None = request.scope.get(KEY)
    return key is None or scope in key.scopes


def caller_of(request: Request) -> str:
    """The name of the key by which a request was let in; empty where the service is open."""
    name: str = request.scope.get(CALLER, "")
    return name


def to_sign_in(path: str) -> Response:
    """Where a person is sent who asks for a page without a key; ``next`` says what they asked for."""
    return RedirectResponse(f"{SIGN_IN}?next={quote(path, safe='')}", HTTPStatus.SEE_OTHER)


def after_sign_in(asked: str) -> str:
    """The page of this service that ``next`` names, percent signs and all; the first page where it names anything else."""
    return asked if re.fullmatch(r"/(?!/)[A-Za-z0-9._~%/-]*", asked) else "/"


def sign_in(response: Response, secret: str, *, https: bool) -> None:
    """Have a browser keep a key and send it along, out of reach of scripts and of other sites' pages.

    Args:
        response: that goes to the browser.
        secret: the key; it need not be valid, every request finds that out.
        https: whether the request came encrypted; then the key never leaves the browser otherwise.
    """
    response.set_cookie(COOKIE, secret, httponly=True, samesite="strict", secure=https, path="/")


def sign_out(response: Response) -> None:
    """Have a browser forget its key."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")


def _headers(scope: AsgiScope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _stated(headers: dict[str, str]) -> str:
    """The key that a program states; empty where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _cookie(headers: dict[str, str]) -> str:
    """The key that a browser keeps."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE, "")


def _no_key(message: str, error: str = "") -> RequestError:
    challenge = 'Bearer realm="leadheat"' + (f', error="{error}"' if error else "")
    return RequestError(401, message, HINT, headers={"WWW-Authenticate": challenge})


def _local(scope: AsgiScope, headers: dict[str, str]) -> str:
    """The address of a caller on this machine, who calls it by a local name: a foreign page can make a browser ask under its own name."""
    address = scope["client"][0] if scope.get("client") else "127.0.0.1"
    if not _is_loopback(address) or not _is_loopback(_host_name(headers.get("host", ""))):
        hint = "Make a key: leadheat keys add NAME --scope read --scope score"
        raise RequestError(403, "As long as there are no keys, only this machine is answered, as localhost.", hint)
    return address


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


@lru_cache(maxsize=1000)
def _is_loopback(name: str) -> bool:
    try:
        address = ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _check_origin(headers: dict[str, str]) -> None:
    """Refuse what another site's page makes a browser send: it bears the browser's cookie, or comes from this machine."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        raise RequestError(403, "A page of another site may not do this.", "Programs send no Origin; pages ask their own service.")
