"""The service as a process, over HTTP."""

from __future__ import annotations

import json
import random
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.conftest import REPO
from tests.server import Answer, Server, ask, command

LEAD = {"lead_id": "a"}
VISITS = [{"type": "page_view", "occurred_at": f"2026-01-{day:02d}T08:00:00Z"} for day in range(1, 11)]
BODY = {"lead": LEAD, "interactions": VISITS, "as_of": "2026-01-20T00:00:00Z"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Without a champion, with small limits."""
    limits = {"LEADHEAT_MAX_INTERACTIONS": "100", "LEADHEAT_MAX_LEADS": "50", "LEADHEAT_MAX_BATCH_BODY": "2000000"}
    with Server(tmp_path_factory.mktemp("home"), limits) as running:
        yield running


def assert_refused(answer: Answer, status: int, *words: str) -> None:
    """The answer has the status, the one form of all errors, and the words."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"error", "detail"}
    assert answer.json["detail"]
    assert all(set(one) == {"where", "what", "hint"} and one["what"] for one in answer.json["detail"])
    for word in words:
        assert word in answer.body.decode()


def test_a_lead_is_scored_by_the_rules_while_there_is_no_champion(server: Server) -> None:
    answer = server.post("/score", BODY)
    assert answer.status == 200
    assert answer.json["lead_id"] == "a"
    assert answer.json["temperature"] in ("cold", "warm", "hot")
    assert answer.json["probability"] is None
    assert "no_model" in answer.json["flags"]


def test_readiness_and_the_model_say_what_scores(server: Server) -> None:
    ready = server.get("/readyz")
    assert (ready.status, ready.json["scoring_by"], ready.json["version"]) == (200, "rules", None)
    assert "No champion" in ready.json["problem"]
    model = server.get("/model")
    assert (model.status, model.json["version"]) == (200, None)
    assert server.get("/livez").status == 200


def test_the_same_request_has_the_same_answer_alone_and_in_a_batch(server: Server) -> None:
    alone = server.post("/score", BODY)
    others = [{"lead": {"lead_id": f"b{i}"}, "interactions": VISITS[:i]} for i in range(10)]
    batch = server.post("/score_batch", {"leads": [*others, {"lead": LEAD, "interactions": VISITS}], "as_of": BODY["as_of"]})
    assert batch.status == 200
    assert [one["lead_id"] for one in batch.json["scores"]] == [f"b{i}" for i in range(10)] + ["a"]
    assert batch.json["scores"][-1] == alone.json
    assert server.post("/score", BODY).body == alone.body


def test_reasons_can_be_left_out(server: Server) -> None:
    assert server.post("/score", BODY | {"explain": False}).json["reasons"] == []


def test_a_lead_without_history_is_scored(server: Server) -> None:
    assert server.post("/score", {"lead": LEAD}).status == 200


def test_what_is_wrong_is_said_where_it_is(server: Server) -> None:
    naive = BODY | {"interactions": [*VISITS[:3], VISITS[3] | {"occurred_at": "2026-01-04T08:00:00"}]}
    assert_refused(server.post("/score", naive), 422, "interactions.3.occurred_at", "bears no time zone", "+01:00")
    assert_refused(server.post("/score", b'{"lead": '), 400, "Invalid JSON", "line 1")
    assert_refused(server.post("/score", b""), 400)
    assert_refused(server.post("/score", {"lead": "a"}), 422, '"where":"lead"', "object with the keys lead_id, created_at, attributes.")
    assert_refused(server.post("/score", {"lead": LEAD, "interactions": VISITS[0]}), 422, "in square brackets")
    assert_refused(server.post("/score", {"lead": LEAD, "explain": "no"}), 422, "true or false, without quotation marks")
    assert_refused(server.post("/score", {"lead": {"lead_id": ""}}), 422, '"where":"lead.lead_id","what":"is empty"')
    assert_refused(server.get("/funnel?from=2020-02-01T00:00:00Z&to=2020-01-01T00:00:00Z"), 422, '"where":"from"', "2020-01-01T00:00:00")
    assert_refused(server.post("/score_batch", {"leads": [BODY]}), 422, "leads.0.as_of", "leads")
    assert_refused(server.post("/score_batch", {"leads": []}), 422, "is empty")


@pytest.mark.parametrize(
    ("method", "path", "where", "hint"),
    [
        ("POST", "/score?explain=false", "explain", 'It goes into the body, as "explain".'),
        (
            "POST",
            "/score?explian",
            "explian",
            'Did you mean "explain"? Options go into the body, whose keys are as_of, explain, lead, interactions.',
        ),
        ("POST", "/score?reasons=true", "reasons", "Options go into the body, whose keys are as_of, explain, lead, interactions."),
        ("POST", "/score_batch?as_of=2026-01-31", "as_of", 'It goes into the body, as "as_of".'),
        ("POST", "/interactions?origin=crm", "origin", 'It goes into the body, as "origin".'),
        ("PUT", "/leads/a/overrides/stage?reason=why", "reason", 'It goes into the body, as "reason".'),
        ("DELETE", "/leads/a?dry_run=true", "dry_run", "There is nothing to choose here; leave it out."),
    ],
)
def test_an_option_in_a_query_that_nobody_would_read_is_refused(server: Server, method: str, path: str, where: str, hint: str) -> None:
    answer = server.ask(method, path, json.dumps(BODY).encode())
    assert answer.status == 422
    assert answer.json["error"] == "One thing is wrong with the query."
    assert answer.json["detail"] == [{"where": where, "what": "is not known here", "hint": hint}]


def test_probes_and_looks_may_have_a_query_of_their_own(server: Server) -> None:
    for path in ("/livez", "/healthz", "/readyz", "/metrics", "/model", "/docs.json"):
        assert server.get(f"{path}?probe=7&_=1").status == 200
        assert server.ask("HEAD", f"{path}?probe=7").status == server.ask("HEAD", path).status
    assert server.post("/score?", BODY).body == server.post("/score", BODY).body


def test_routes_that_are_not_there(server: Server) -> None:
    assert_refused(server.get("/no/such/route"), 404, "/no/such/route", "/docs.json")
    for near, meant in (("/scores", "/score"), ("/Leads", "/leads"), ("/score/", "/score"), ("/interaction", "/interactions")):
        assert_refused(server.post(near, {}), 404, f'Did you mean \\"{meant}\\"? GET /docs.json')
    assert_refused(server.get("/score"), 405, "does not take GET")
    assert_refused(server.post("/model", {}), 405, "does not take POST")
    assert_refused(server.ask("DELETE", "/metrics"), 405)
    assert_refused(server.ask("POST", "/score", b"{}", {"Content-Type": "application/vnd.bentoml+pickle"}), 415)


def test_histories_and_batches_have_limits(server: Server) -> None:
    assert server.post("/score", {"lead": LEAD, "interactions": VISITS * 10}).status == 200
    assert_refused(server.post("/score", {"lead": LEAD, "interactions": VISITS * 11}), 422, "interactions", "at most 100")
    assert server.post("/score_batch", {"leads": [{"lead": LEAD}] * 50}).status == 200
    assert_refused(server.post("/score_batch", {"leads": [{"lead": LEAD}] * 51}), 422, "leads", "at most 50")
    history = {"lead": LEAD, "interactions": VISITS * 11}
    assert_refused(server.post("/score_batch", {"leads": [history]}), 422, "leads.0.interactions", "at most 100")


def test_a_large_body_is_refused_before_it_is_read(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")
    assert_refused(server.post("/score", b" " * 1_000_001), 413, "larger than 1 MB")
    assert server.post("/score_batch", b" " * 1_000_001).status == 400
    assert_refused(server.post("/score_batch", b" " * 2_000_001), 413, "larger than 2 MB")


def test_the_description_names_the_routes_and_their_errors(server: Server) -> None:
    described = server.get("/docs.json").json
    score = described["paths"]["/score"]["post"]
    assert {"200", "400", "413", "415", "422", "503", "504"} <= set(score["responses"])
    assert score["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ScoreRequest"}
    assert set(server.post("/score", BODY).json) == set(described["components"]["schemas"]["Score"]["properties"])
    assert {"/score_batch", "/model", "/livez", "/readyz", "/metrics"} <= set(described["paths"])
    operations = [(path, one) for path, methods in described["paths"].items() for one in methods.values()]
    asked = [(path, one) for path, operation in operations for one in operation.get("parameters", ()) if one["in"] == "query"]
    assert len(asked) > 10
    assert "query" in described["paths"]["/leads/{lead_id}"]["delete"]["responses"]["422"]["description"]
    assert not [(path, one["name"]) for path, one in asked if not one["description"]]


def test_metrics_see_a_millisecond_and_strangers_cannot_add_labels(server: Server) -> None:
    before = metrics(server)
    for i in range(50):
        server.get(f"/stranger/{i}")
        server.ask(f"MADE-UP-{i}", "/score")
    server.post("/score", BODY)
    after = metrics(server)
    new = set(after) - set(before)
    assert not any("stranger" in name or "MADE-UP" in name for name in after)
    assert len(new) < 50
    assert 'leadheat_http_request_seconds_bucket{le="0.001",route="/score"}' in after
    scored = 'leadheat_http_requests_total{method="POST",route="/score",status="200"}'
    assert after[scored] == before.get(scored, 0) + 1
    assert after['leadheat_http_requests_total{method="GET",route="other",status="404"}'] >= 50
    assert after["leadheat_workers_with_model"] == 0


def metrics(server: Server) -> dict[str, float]:
    lines = server.get("/metrics").body.decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}


def bad_bodies() -> list[bytes]:
    """By hand: what is known to trouble readers of JSON."""
    templates = [
        '{"lead": {"lead_id": %s}}',
        '{"lead": {"lead_id": "a", "created_at": %s}}',
        '{"lead": {"lead_id": "a", "attributes": {"x": %s}}}',
        '{"lead": {"lead_id": "a", "attributes": %s}}',
        '{"lead": {"lead_id": "a"}, "interactions": %s}',
        '{"lead": {"lead_id": "a"}, "interactions": [{"type": "x", "occurred_at": %s}]}',
        '{"lead": {"lead_id": "a"}, "interactions": [{"type": %s, "occurred_at": "2026-01-01T00:00:00Z"}]}',
        '{"lead": {"lead_id": "a"}, "as_of": %s}',
        '{"lead": {"lead_id": "a"}, "explain": %s}',
        '{"leads": %s}',
        "%s",
    ]
    numbers = ["0", "-1", "1e308", "1e309", "-0.0", "NaN", "Infinity", "-Infinity", "9" * 30, "9" * 400, "9" * 5000, "1" + "0" * 18]
    texts = ['""', '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', f'"{"x" * 5000}"', '"2026-01-01"', '"now"', '"1969-12-31T23:59:59Z"']
    early = ['"0000-00-00T00:00:00Z"', '"0001-01-01T00:00:00+14:00"', '"-0001-01-01T00:00:00Z"', '"2026-01-01T00:00:00+99:99"']
    late = ['"9999-12-31T23:59:59.999999-12:00"', '"99999-01-01T00:00:00Z"', '"2199-12-31T23:59:59.999999-23:59"']
    deep = ["[[[]]]", "[" * 300 + "]" * 300, '{"a":' * 300 + "1" + "}" * 300, "[" * 50_000]
    values = ["null", "true", "[]", "{}", '{"lead_id": "a", "lead_id": 7}', *numbers, *texts, *early, *late, *deep]
    odd = [b"", b" ", b"\x00", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"lead=a", b"\x1f\x8b\x08", json.dumps(BODY).encode("utf-16")]
    return [(template % value).encode() for template in templates for value in values] + odd


def mangled_bodies(count: int) -> list[bytes]:
    """A good body with bytes changed, cut or doubled."""
    good, luck, bodies = json.dumps(BODY | {"interactions": VISITS[:2]}).encode(), random.Random(7), []  # noqa: S311 - bodies, not secrets
    for _ in range(count):
        body = bytearray(good)
        for _ in range(luck.randint(1, 4)):
            place = luck.randrange(len(body))
            match luck.randrange(3):
                case 0:
                    body[place] = luck.randrange(256)
                case 1:
                    del body[place : place + luck.randint(1, 10)]
                case _:
                    body[place:place] = body[place : place + luck.randint(1, 10)]
        bodies.append(bytes(body))
    return bodies


def test_no_body_makes_the_service_fail(server: Server) -> None:
    with closing(server.connect()) as connection:
        for body in bad_bodies() + mangled_bodies(400):
            for path in ("/score", "/score_batch"):
                answer = ask(connection, "POST", path, body)
                assert answer.status in (200, 400, 422), (body[:200], answer.body)
                if answer.status != 200:
                    assert_refused(answer, answer.status)
        assert ask(connection, "POST", "/score", json.dumps(BODY).encode()).status == 200
    assert "Traceback" not in server.read_log()


def test_every_answer_bears_the_id_of_its_request(server: Server) -> None:
    given = server.ask("POST", "/score", json.dumps(BODY).encode(), {"X-Request-Id": "mine-1"})
    assert given.headers["x-request-id"] == "mine-1"
    made = {server.post("/score", b"{").headers["x-request-id"] for _ in range(2)}
    assert len(made) == 2


def test_personal_data_stay_out_of_the_log(server: Server) -> None:
    server.post("/score", {"lead": {"lead_id": "jane@example.com", "attributes": {"x": ["Jane Doe"]}}})
    server.post("/score", {"lead": {"lead_id": "jane@example.com"}})
    log = server.read_log()
    assert "jane" not in log.lower()


def test_a_taken_port_is_refused_in_words(server: Server) -> None:
    second = subprocess.run(command(server.port), cwd=REPO, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert f"Cannot listen on 127.0.0.1, port {server.port}: Address already in use.\nChoose another port" in second.stderr
