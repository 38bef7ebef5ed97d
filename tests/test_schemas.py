"""What a request may hold, and how a sender is told what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.contract import DataError, SettingsError
from features.intake import history_of
from features.records import _record
from features.schema import Schema
from models.request import read_request
from serving.body import Body
from serving.errors import RequestError, error_of
from serving.limits import Limits
from serving.schemas import ScoreBatchRequest, ScoreRequest

DAY_ONE = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z in microseconds


def body(**changes: Any) -> dict[str, Any]:
    visit = {"type": "page_view", "occurred_at": "2026-01-01T00:00:00Z"}
    return {"lead": {"lead_id": "a"}, "interactions": [visit | changes]}


def refused(content: object, request: type[ScoreRequest | ScoreBatchRequest] = ScoreRequest) -> RequestError:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(RequestError, match=r"wrong with the request|no JSON") as caught:
        Body(request).read(raw)
    return caught.value


def test_a_request_becomes_a_record_to_the_microsecond() -> None:
    full = {
        "lead": {"lead_id": "a", "created_at": "2025-12-31T23:00:00-01:00", "attributes": {"size": 40, "country": "DE", "known": True}},
        "interactions": [
            {"type": "mail", "occurred_at": "2026-01-01T01:00:00.000001+01:00", "direction": "outbound", "attributes": {"length": 1.5}},
            {"type": "call", "occurred_at": "2026-01-01T00:00:00Z", "recorded_at": "2026-01-02T00:00:00Z", "interaction_id": "i"},
        ],
    }
    request = ScoreRequest.model_validate_json(json.dumps(full))
    lead = request.record()
    assert (lead.lead_id, lead.created_at, lead.attributes) == ("a", DAY_ONE, {"size": 40.0, "country": "DE", "known": True})
    mail, call = map(_record, lead.interactions)
    assert (mail.occurred_at, mail.direction, mail.recorded_at, mail.attributes) == (DAY_ONE + 1, 2, None, {"length": 1.5})
    assert (call.occurred_at, call.recorded_at, call.direction, call.interaction_id) == (DAY_ONE, DAY_ONE + 86_400_000_000, 0, "i")


def test_order_settles_what_happened_at_one_moment() -> None:
    first, second = ({"type": kind, "occurred_at": "2026-01-01T00:00:00Z", "order": order} for kind, order in (("visit", 1), ("call", 2)))
    raw = json.dumps({"lead": {"lead_id": "a"}, "interactions": [second, first]})
    request = ScoreRequest.model_validate_json(raw)
    records = [request.record(), read_request(raw).record()]
    for history in (history_of([record], Schema()) for record in records):
        assert [history.type.levels[code] for code in history.type.codes] == ["visit", "call"]
    assert [one.where for one in refused(body(order=1.5)).problems] == ["interactions.0.order"]


@pytest.mark.parametrize(
    ("moment", "what", "hint"),
    [
        ("2026-01-01T08:00:00", "bears no time zone", "+01:00"),
        ("2026-01-01", "bears no time zone", "Say which zone"),
        ("1767225600", "is no moment", "ISO 8601"),
        (1767225600, "should be a valid string", "ISO 8601"),
        ("0001-01-01T00:00:00Z", "greater than or equal to 1900", "leave the key out"),
        ("9999-12-31T23:59:59Z", "less than 2200", "leave the key out"),
        ("2026-02-30T00:00:00Z", "day value is outside", "ISO 8601"),
        (None, "should be a valid string", "ISO 8601"),
    ],
)
def test_moments_are_refused_with_a_hint(moment: object, what: str, hint: str) -> None:
    refusal = refused(body(occurred_at=moment))
    (problem,) = refusal.problems
    assert refusal.status == 422
    assert problem.where == "interactions.0.occurred_at"
    assert what in problem.what
    assert hint in problem.hint


def test_a_misspelt_key_is_named_with_the_one_that_was_meant() -> None:
    problems = {one.where: one for one in refused(body(occured_at="x")).problems}
    assert problems["interactions.0.occured_at"].hint == 'Did you mean "occurred_at"?'
    (problem,) = refused(body() | {"asof": None}).problems
    assert (problem.where, problem.hint) == ("asof", 'Did you mean "as_of"?')
    (problem,) = refused({"leads": [body() | {"intractions": []}]}, ScoreBatchRequest).problems
    assert (problem.where, problem.hint) == ("leads.0.intractions", 'Did you mean "interactions"?')
    (problem,) = refused({"lead": {"lead_id": "a", "industry": "retail"}}).problems
    assert problem.hint.endswith('Anything else belongs into "attributes".')


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "[1]", "{}", '"' + "x" * 1001 + '"'])
def test_attributes_are_finite_and_flat(value: str) -> None:
    refusal = refused(b'{"lead": {"lead_id": "a", "attributes": {"x": %s}}}' % value.encode())
    assert refusal.status == 422
    assert [one.where for one in refusal.problems] == ["lead.attributes.x"]
    assert "finite number" in refusal.problems[0].what


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff\xfe", b'{"lead": {"lead_id": "\\ud800"}}', b"[" * 100_000, b'{"x": ' + b"9" * 5000 + b"}", b'{"lead": 01}'],
)
def test_what_is_no_json_is_a_400(raw: bytes) -> None:
    refusal = refused(raw)
    assert refusal.status == 400
    assert "JSON" in refusal.message


def test_many_problems_are_counted_and_the_first_are_listed() -> None:
    refusal = refused({"lead": {"lead_id": "a"}, "interactions": [{}] * 100})
    assert refusal.message.startswith("200 things are wrong")
    assert len(refusal.problems) == 20


def test_a_batch_wants_leads() -> None:
    (problem,) = refused({"leads": []}, ScoreBatchRequest).problems
    assert (problem.where, problem.what) == ("leads", "is empty")


def test_the_answer_never_repeats_what_was_sent() -> None:
    person = "Jane Doe, +49 170 1234567"
    response = refused(body(occurred_at=person, direction=person, attributes={"note": [person]})).response()
    assert b"Jane" not in bytes(response.body)


def test_other_errors_find_their_status() -> None:
    assert error_of(DataError("No number.", "Send one.")).status == 422
    unforeseen = error_of(KeyError("Jane Doe"))
    assert unforeseen.status == 500
    assert b"Jane" not in bytes(unforeseen.response().body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["lead", "lead_id", "type", "x"]), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["lead", "interactions", "as_of", "explain", "more"]), json_values)
def test_any_json_is_read_or_refused_in_words(key: str, value: object) -> None:
    raw = json.dumps(body() | {key: value}).encode()
    refusal = None
    try:
        assert Body(ScoreRequest).read(raw).record().lead_id
    except RequestError as error:
        refusal = error
    if refusal is not None:
        assert refusal.status in (400, 422)
        assert all(problem.what for problem in refusal.problems)
        assert json.loads(bytes(refusal.response().body))["error"]


def test_limits_come_from_the_environment() -> None:
    assert Limits.from_environment({}).max_body == 1_000_000
    assert Limits.from_environment({"LEADHEAT_MAX_BODY": "5000", "LEADHEAT_REQUEST_TIMEOUT": "0.5"}).max_body == 5000
    with pytest.raises(SettingsError, match="LEADHEAT_MAX_BODY=much is no such limit"):
        Limits.from_environment({"LEADHEAT_MAX_BODY": "much"})
    with pytest.raises(SettingsError, match="LEADHEAT_MAX_LEADS=0"):
        Limits.from_environment({"LEADHEAT_MAX_LEADS": "0"})
