"""Who is let in, how often, and what is told to those who are not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving import keys
from serving.access import CALLER, Access, after_sign_in, sign_in, sign_out
from serving.endpoints import Endpoint, Routes
from serving.errors import RequestError
from serving.keys import KeyRing
from serving.limits import Limits
from serving.middleware import Gate
from serving.rates import MOST, Rates
from tests.asgi import ask

ROUTES = Routes(
    (
        Endpoint("POST", "/score", None, scope="score"),
        Endpoint("POST", "/leads", None, scope="write"),
        Endpoint("POST", "/page", None, scope="read", media_type="text/html"),
        Endpoint("POST", "/livez", None, scope=None),
    )
)
LOCAL = {"host": "localhost:3000"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path))


@pytest.fixture
def key() -> str:
    return keys.add("crm", ["score", "read"])


async def who(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers with the caller's name."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(scope.get(CALLER)).encode()})


def asked(path: str, client: str = "127.0.0.1", **headers: str) -> tuple[int, dict[str, str], Any]:
    """One request to a new gate."""

    async def from_client(scope: Scope, receive: Receive, send: Send) -> None:
        gate = Gate(who, Limits(), ROUTES, Access(KeyRing(), Rates(Limits())))
        await gate(dict(scope) | {"client": (client, 1)}, receive, send)

    status, given, body = asyncio.run(ask(from_client, path, b"{}", **LOCAL | headers))
    return status, given, json.loads(body) if body else None


@pytest.mark.parametrize("header", ["authorization", "x_api_key", "cookie"])
def test_a_key_lets_in(key: str, header: str) -> None:
    value = {"authorization": f"Bearer {key}", "x_api_key": key, "cookie": f"other=1; leadheat_key={key}"}[header]
    status, _, caller = asked("/score", "203.0.113.7", **{header: value})
    assert (status, caller) == (200, "crm")


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer lh_wrong", "Bearer \xff", "Basic YTpi", "bearer  "])
@pytest.mark.usefixtures("key")
def test_without_a_valid_key_it_is_a_401(value: str) -> None:
    status, headers, answer = asked("/score", authorization=value)
    assert status == 401
    assert headers["www-authenticate"].startswith('Bearer realm="leadheat"')
    assert "Authorization: Bearer" in answer["detail"][0]["hint"]


@pytest.mark.usefixtures("key")
def test_nothing_but_probes_is_open_once_there_are_keys() -> None:
    assert asked("/score")[0] == 401
    assert asked("/livez", "203.0.113.7")[0] == 200
    status, headers, _ = asked("/page")
    assert (status, headers["location"]) == (303, "/sign-in?next=%2Fpage")


def test_a_key_allows_its_scopes_only(key: str) -> None:
    status, _, answer = asked("/leads", authorization=f"Bearer {key}")
    assert status == 403
    assert answer["error"] == "The key crm lacks the scope write."


def test_without_keys_only_this_machine_is_answered() -> None:
    assert asked("/score")[0] == 200
    assert asked("/score", "::1", host="[::1]:3000")[0] == 200
    assert asked("/score", "::ffff:127.0.0.1")[0] == 200
    assert asked("/livez", "203.0.113.7")[0] == 200
    status, _, answer = asked("/score", "203.0.113.7")
    assert status == 403
    assert "leadheat keys add" in answer["detail"][0]["hint"]
    assert asked("/score", "127.0.0.1", host="evil.example")[0] == 403
    assert asked("/score", "127.0.0.1", host="[evil")[0] == 403


def test_pages_of_other_sites_may_not_write(key: str) -> None:
    cookie = {"cookie": f"leadheat_key={key}"}
    assert asked("/score", **cookie, origin="http://localhost:3000")[0] == 200
    assert asked("/score", **cookie, origin="https://evil.example")[0] == 403
    assert asked("/score", **cookie, origin="null")[0] == 403
    keys.revoke("crm")
    assert asked("/score", origin="https://evil.example")[0] == 403


def test_a_browser_keeps_the_key_out_of_reach(key: str) -> None:
    response = Response()
    sign_in(response, key, https=True)
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"leadheat_key={key};")
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Secure", "Path=/"))
    sign_out(response)
    assert 'leadheat_key="";' in response.headers.getlist("set-cookie")[1]


@pytest.mark.parametrize(
    ("asked_for", "page"),
    [("/lead/a%2Fb", "/lead/a%2Fb"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil", "/"), ("", "/"), ("/", "/")],
)
def test_after_signing_in_a_person_stays_here(asked_for: str, page: str) -> None:
    assert after_sign_in(asked_for) == page


def test_callers_are_kept_to_their_rate() -> None:
    rates = Rates(Limits(rate_score=10.0, rate_read=0.5))
    for _ in range(20):
        rates.take("crm", "score", 100.0)
    rates.take("erp", "score", 100.0)
    rates.take("crm", "write", 100.0)
    with pytest.raises(RequestError, match="Too many requests") as caught:
        rates.take("crm", "score", 100.0)
    assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "1"})
    rates.take("crm", "score", 100.11)
    rates.take("crm", "read", 100.0)
    with pytest.raises(RequestError, match="Too many requests") as caught:
        rates.take("crm", "read", 100.5)
    assert caught.value.headers == {"Retry-After": "2"}


def test_callers_without_number_take_no_memory() -> None:
    rates = Rates(Limits(rate_score=1.0))
    for number in range(MOST + 100):
        rates.take(str(number), "score", 0.0)
        if number:
            rates.take("0", "score", number)  # who comes again and again is not forgotten
    assert len(rates._buckets) == MOST
    for caller, moment in (("0", MOST + 99), (str(MOST + 99), 0.0)):
        rates.take(caller, "score", moment)
        with pytest.raises(RequestError, match="Too many requests"):
            rates.take(caller, "score", moment)
