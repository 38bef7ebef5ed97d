"""No request makes the service fail, whatever it holds: a share of ``make fuzz``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzzing import assault, bad_requests, schemathesis
from tests.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.mark.slow
def test_bad_requests_are_refused_in_one_form_and_the_next_is_answered(server: Server) -> None:
    statuses = assault(server, 400)
    assert {200, 400, 404, 415, 422} <= set(statuses)
    assert " failed: " not in server.read_log()


@pytest.mark.slow
def test_every_route_keeps_its_description(server: Server) -> None:
    done = schemathesis(server, "--max-examples", "3", "--phases", "fuzzing")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    routes = sum(len(methods) for methods in server.get("/docs.json").json["paths"].values())
    assert f"Tested: {routes - 1}\n" in done.stdout, done.stdout  # all but the description itself


def test_bad_requests_reach_every_part_of_a_body() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}, "b": {"type": "boolean"}}}
    operation = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    bodies = [one.body or b"" for one in bad_requests({"paths": {"/x": {"post": operation}}}, 500)]
    assert any(one.startswith(b'{"a": [NaN]') for one in bodies)
    assert any(b'"b": NaN' in one for one in bodies)
    assert len(set(bodies)) > 150
