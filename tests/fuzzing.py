"""Requests that no good sender would send, to every route with a body: by hand and by schemathesis. ``make fuzz`` sends 10,000."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.conftest import REPO
from tests.server import Answer, Server, ask

GOOD = {"lead": {"lead_id": "good"}, "interactions": [{"type": "page_view", "occurred_at": "2026-01-01T08:00:00Z"}]}
MARK = "@here@"
NUMBERS = ["0", "-1", "1e308", "1e309", "-0.0", "NaN", "Infinity", "-Infinity", "9" * 30, "9" * 400, "9" * 5000, "1" + "0" * 18, "1e-999"]
TEXTS = [
    *('""', '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\u202e"', '"\\uffff"'),
    *(f'"{"x" * 5000}"', '"2026-01-01"', '"now"', '"\';--"'),
]
MOMENTS = [
    *('"1899-12-31T23:59:59Z"', '"0000-00-00T00:00:00Z"', '"0001-01-01T00:00:00+14:00"', '"-0001-01-01T00:00:00Z"'),
    *('"9999-12-31T23:59:59.999999-12:00"', '"99999-01-01T00:00:00Z"', '"2199-12-31T23:59:59.999999-23:59"', '"2026-01-01T00:00:00+99:99"'),
]
DEEP = ["[[[]]]", "[" * 300 + "]" * 300, '{"a":' * 300 + "1" + "}" * 300, "[" * 50_000]
OTHERS = ["null", "true", "false", "[]", "{}", "[{}]", '{"lead_id": "a", "lead_id": 7}', '{"": null}', "undefined", "'a'", "/* */ 1"]
VALUES = [*NUMBERS, *TEXTS, *MOMENTS, *DEEP, *OTHERS]
WHOLE = [
    *(b"", b" ", b"\x00", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"lead=a", b"\x1f\x8b\x08"),
    *(json.dumps(GOOD).encode("utf-16"), b"{" * 100_000),
]
KINDS = [
    *("application/xml", "multipart/form-data; boundary=x", "application/vnd.bentoml+pickle", "application/octet-stream"),
    *("\x01", "text/plain"),
]
PARTS = ["a", "%00", "%ff", "%2e%2e", "..", "%F0%9F%98%80", "x" * 300, "%2F", "a%0d%0aX:1", "%25", "'%20OR%201=1%20--", "NaN"]
QUERIES = [
    *("", "a", "-1", "NaN", "9" * 400, "%00", "%ff", "true", "[]", "x" * 3000, "%F0%9F%98%80"),
    *("2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
]
SIMPLE = {"integer": 1, "number": 0.5, "boolean": False}


@dataclass(frozen=True)
class Bad:
    """One request."""

    method: str
    path: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()


def bad_requests(described: dict[str, Any], count: int, seed: int = 7) -> Iterator[Bad]:
    """So many requests to the routes of a ``/docs.json``, most of them to those that take a body."""
    luck = random.Random(seed)  # noqa: S311 - bodies, not secrets
    routes = [(path, method, one) for path, methods in described["paths"].items() for method, one in methods.items()]
    taking = [(path, method, _example(_schema(one), described)) for path, method, one in routes if "requestBody" in one]
    for number in range(count):
        if number % 5 == 4:
            path, method, one = luck.choice(routes)
            yield Bad(method.upper(), _path(path, luck) + _query(one, luck), b"" if method == "post" else None)
            continue
        path, method, good = luck.choice(taking)
        body, headers = _body(good, luck, number)
        yield Bad(method.upper(), _path(path, luck), body, headers)


def _body(good: Any, luck: random.Random, number: int) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    match luck.randrange(10):
        case 0:
            return luck.choice(WHOLE), ()
        case 1:
            header = ("Content-Type", luck.choice(KINDS)) if luck.random() < 0.7 else ("Content-Encoding", luck.choice(["gzip", "br", "x"]))
            return json.dumps(good).encode(), (header,)
        case 2 | 3:
            return _mangled(json.dumps(good).encode(), luck), ()
        case 4 if number % 97 == 0:
            return b'{"x": "' + b"y" * 10_000_000 + b'"}', ()
        case _:
            return _spoilt(good, luck), ()


def _spoilt(good: Any, luck: random.Random) -> bytes:
    """A good body with one value replaced, or one key added."""
    body = json.loads(json.dumps(good))
    places = list(_places(body))
    holder, key = luck.choice(places)
    if isinstance(holder, dict) and luck.random() < 0.15:
        holder[luck.choice(["", "x", "__proto__", "lead_id ", "\u0000", "k" * 3000])] = MARK
    else:
        holder[key] = MARK
    return json.dumps(body).replace(f'"{MARK}"', luck.choice(VALUES)).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in list(inner):
        yield value, key
        yield from _places(one)


def _mangled(good: bytes, luck: random.Random) -> bytes:
    """With bytes changed, cut, doubled or cut off."""
    body = bytearray(good)
    for _ in range(luck.randint(1, 4)):
        place = luck.randrange(len(body)) if body else 0
        match luck.randrange(4):
            case 0 if body:
                body[place] = luck.randrange(256)
            case 1:
                del body[place : place + luck.randint(1, 10)]
            case 2:
                del body[place:]
            case _:
                body[place:place] = body[place : place + luck.randint(1, 10)]
    return bytes(body)


def _path(template: str, luck: random.Random) -> str:
    return "/".join(luck.choice(PARTS) if part.startswith("{") else part for part in template.split("/"))


def _query(operation: dict[str, Any], luck: random.Random) -> str:
    names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"] + ["x", "%00", ""]
    pairs = [f"{luck.choice(names)}={luck.choice(QUERIES)}" for _ in range(luck.randint(0, 3))]
    return "?" + "&".join(pairs) if pairs else ""


def _schema(operation: dict[str, Any]) -> dict[str, Any]:
    (content,) = operation["requestBody"]["content"].values()
    schema: dict[str, Any] = content["schema"]
    return schema


def _example(schema: dict[str, Any], described: dict[str, Any]) -> Any:
    """A value that a schema describes, with every key that there may be."""
    if "$ref" in schema:
        return _example(described["components"]["schemas"][schema["$ref"].rpartition("/")[2]], described)
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], described)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object":
        return {key: _example(one, described) for key, one in schema.get("properties", {"industry": {}, "size": {}}).items()}
    if kind == "array":
        return [_example(schema.get("items", {}), described)]
    return "2026-01-01T08:00:00Z" if schema.get("format") == "date-time" else SIMPLE.get(str(kind), "a")


def assault(server: Server, count: int) -> dict[int, int]:
    """Send bad requests and count the answers by status.

    Raises:
        AssertionError: one was answered by a 5xx, in another form, or not at all; or the next good request was not answered.
    """
    described = server.get("/docs.json").json
    statuses: dict[int, int] = {}
    connection = server.connect()
    for number, bad in enumerate(bad_requests(described, count)):
        try:
            answer = ask(connection, bad.method, bad.path, bad.body, {**server.headers, **dict(bad.headers)})
        except (HTTPException, OSError, ValueError):  # closed while a large body was on its way, or nothing that can be sent at all
            connection.close()
            connection = server.connect()
            continue
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        assert answer.status < 500, (bad.method, bad.path, (bad.body or b"")[:300], answer.body)
        assert answer.status < 400 or _in_form(answer), (bad, answer.body)
        if number % 500 == 0:
            assert server.post("/score", GOOD).status == 200
    connection.close()
    for _ in range(20):
        _leave_halfway(server)
    assert server.post("/score", GOOD).status == 200
    return dict(sorted(statuses.items()))


def _in_form(answer: Answer) -> bool:
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/plain"):  # the parser of HTTP itself
        return answer.body == b"Invalid HTTP request received."
    return not answer.body or kind.startswith("text/html") or set(answer.json) == {"error", "detail"}


def _leave_halfway(server: Server) -> None:
    """Send half of a body, and go."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as connection:
        connection.sendall(b'POST /interactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n{"interactions": [')


def schemathesis(server: Server, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it over all routes."""
    address = f"http://127.0.0.1:{server.port}/docs.json"
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file",
        str(REPO / "tests" / "schemathesis.toml"),
        "run",
        address,
    ]
    headers = [part for name, value in server.headers.items() for part in ("--header", f"{name}: {value}")]
    with tempfile.TemporaryDirectory() as scratch:
        return subprocess.run(
            [*command, "--no-color", "--seed", "1", *headers, *options],
            cwd=scratch,
            capture_output=True,
            text=True,
            timeout=3000,
            check=False,
        )
