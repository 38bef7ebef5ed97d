"""What MLflow's users get: the model loads and serves where there is no checkout, and says what LeadScorer says, to the last bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from pydantic import ValidationError

from features.contract import DataError
from features.intake import history_of
from models.registry import Registry
from models.request import read_request
from models.scorer import LeadScorer
from serving.schemas import ScoreRequest
from tests.small_model import NOW, small_scorer
from tests.tracked import GATES, served

BODIES: list[dict[str, Any]] = [
    {
        "lead": {"lead_id": "ann", "created_at": "2026-01-01T00:00:00Z", "attributes": {"industry": "retail", "size": 12}},
        "interactions": [
            {"type": "demo_request", "occurred_at": "2026-02-27T09:30:00+01:00", "direction": "inbound", "attributes": {"value": 3}},
            {"type": "page_view", "occurred_at": "2026-02-11T09:30:00Z", "recorded_at": "2026-02-12T00:00:00Z", "interaction_id": "i1"},
        ],
        "as_of": "2026-03-01T00:00:00Z",
    },
    {"lead": {"lead_id": "bob"}, "as_of": "2026-03-01T00:00:00Z", "explain": False},
]
LOAD = """
import json, sys
import mlflow.pyfunc, pandas
model = mlflow.pyfunc.load_model("models:/leadheat@champion")
frame = model.predict(pandas.DataFrame({"lead": json.loads(sys.argv[1])}))
print(json.dumps({"scores": frame.to_dict("records"), "example": model.input_example.to_dict("records")}))
"""


@pytest.fixture
def promoted(registry: Registry, tmp_path: Path) -> LeadScorer:
    scorer = small_scorer(tmp_path / "model")
    with registry.run("real") as run:
        version = run.log_model(tmp_path / "model", scorer.fingerprint, BODIES[0], {}, GATES)
    registry.promote(version, "first")
    return scorer


def expected(scorer: LeadScorer, body: dict[str, Any]) -> dict[str, Any]:
    request = read_request(json.dumps(body))
    score = scorer.score(history_of([request.record()], scorer.schema), NOW, explain=request.explain)
    columns = {name: getattr(score, name) for name in ("lead_id", "probability", "score", "temperature")}
    return columns | {"details": score.to_json()}


def outside(registry: Registry) -> dict[str, str]:
    """An environment that knows the registry and no checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return environment | {"MLFLOW_TRACKING_URI": registry.uri, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}


@pytest.mark.slow
def test_the_champion_loads_outside_the_checkout_and_says_the_same(registry: Registry, promoted: LeadScorer, tmp_path: Path) -> None:
    rows = json.dumps([json.dumps(body) for body in BODIES])
    command = [sys.executable, "-c", LOAD, rows]
    told = subprocess.run(command, cwd=tmp_path, env=outside(registry), check=True, capture_output=True, text=True, timeout=300)
    answer = json.loads(told.stdout.splitlines()[-1])
    assert answer["scores"] == [expected(promoted, body) for body in BODIES]
    assert [json.loads(row["lead"]) for row in answer["example"]] == [BODIES[0]]


@pytest.mark.slow
def test_mlflow_serves_it_without_an_environment_of_its_own(
    registry: Registry, promoted: LeadScorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    command = ["-m", "mlflow", "models", "serve", "-m", "models:/leadheat@champion", "--env-manager", "local", "--workers", "1"]
    with served(command, "/ping", tmp_path / "serve.log", {"MLFLOW_TRACKING_URI": registry.uri}) as address:

        def invoke(rows: list[str]) -> Any:
            body = json.dumps({"dataframe_records": [{"lead": row} for row in rows]}).encode()
            request = Request(f"{address}/invocations", body, {"Content-Type": "application/json"})  # noqa: S310 - our own address
            with urlopen(request, timeout=60) as answer:  # noqa: S310
                return json.load(answer)["predictions"]

        assert invoke([json.dumps(body) for body in BODIES]) == [expected(promoted, body) for body in BODIES]
        with pytest.raises(HTTPError, match="40") as refusal:
            invoke([json.dumps(BODIES[0]), '{"lead": {}}'])
        assert b"Row 1, column lead: lead.lead_id: Field required" in refusal.value.read()
        with pytest.raises(HTTPError, match="40") as refusal:
            invoke(['{"lead": {"lead_id": "a"}, "as_of": "20260131"}'])
        assert b"Row 0, column lead: as_of: Input is no moment" in refusal.value.read()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("occurred_at", "20260131"),
        ("occurred_at", "2026-01-31T08:00:00"),
        ("occurred_at", 1767225600),
        ("occurred_at", "0001-01-01T00:00:00Z"),
        ("recorded_at", "9999-12-31T23:59:59Z"),
        ("type", "x" * 201),
        ("interaction_id", ""),
        ("order", 1.5),
        ("direction", "sideways"),
        ("attributes", {"value": "x" * 1001}),
        ("attributes", {"value": {"deep": 1}}),
    ],
)
def test_it_refuses_what_the_service_refuses(place: str, value: object) -> None:
    interaction = {"type": "page_view", "occurred_at": "2026-01-31T08:00:00Z", place: value}
    body = json.dumps({"lead": {"lead_id": "ann"}, "interactions": [interaction]})
    with pytest.raises(ValidationError, match=rf"interactions\.0\.{place}"):
        ScoreRequest.model_validate_json(body)
    with pytest.raises(DataError, match=rf"^interactions\.0\.{place}"):
        read_request(body)


def test_what_is_no_moment_is_told_how_to_write_one() -> None:
    with pytest.raises(DataError, match="as_of: Input is no moment") as refusal:
        read_request('{"lead": {"lead_id": "a"}, "as_of": "20260301"}')
    assert "ISO 8601 with its time zone" in refusal.value.hint


def test_nothing_that_is_kept_can_hide_code(registry: Registry, promoted: LeadScorer, tmp_path: Path) -> None:
    [version] = registry.versions()
    assert version.fingerprint == promoted.fingerprint
    [model] = (tmp_path / "leadheat-artifacts" / "models").iterdir()
    kept = {file.relative_to(model / "artifacts") for file in model.rglob("*") if file.is_file()}
    assert {file.name for file in kept if file.suffix not in (".py", ".json", ".yaml", ".txt", ".md")} == {"MLmodel"}
    assert {file.parts[:2] for file in kept if file.suffix == ".py" and len(file.parts) > 1} == {("code", "features"), ("code", "models")}
    assert (model / "artifacts" / "requirements.txt").read_text().splitlines()[0].startswith("mlflow==")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("{", "Invalid JSON"),
        ("{}", "lead: Field required"),
        ('{"lead": {"lead_id": "a", "colour": 1}}', "lead.colour: Extra inputs"),
        ('{"lead": {"lead_id": "a"}, "as_of": "2026-03-01T00:00:00"}', "as_of: Input should have timezone"),
        ('{"lead": {"lead_id": "a"}, "interactions": [{"type": "x", "occurred_at": "soon"}]}', "interactions.0.occurred_at: "),
        ('{"lead": {"lead_id": "a", "attributes": {"size": [1]}}}', "lead.attributes.size: must be a finite number"),
    ],
)
def test_a_bad_body_is_refused_in_words(body: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        read_request(body)
