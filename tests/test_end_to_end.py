"""The whole way on real data: training, batch and service agree to the last bit, and a killed training harms nothing."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.contract import parse_moment
from tests.command import Place
from tests.conftest import DATASETS, shared_data
from tests.server import Server, ask

pytestmark = pytest.mark.slow

AS_OF = "2012-02-10T00:00:00+00:00"
LEADS = 200


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Place:
    """A champion of bpic2012 that was learnt quickly."""
    folder, data = tmp_path_factory.mktemp("bpic2012"), shared_data("bpic2012")
    settings = (DATASETS / "bpic2012.toml").read_text().replace("../../../shared/data/bpic2012", str(data))
    (folder / "leadheat.toml").write_text(f"{settings}\n[model]\nrounds = 40\npatience = 10\n")
    place = Place(folder).with_database(empty_database)
    done = place.run_cold("train", ".", "--json")
    assert done.code == 0, done.err
    assert done.json["promoted"]
    return place


def bodies(lead_ids: list[str], data: Path) -> dict[str, dict[str, Any]]:
    """For each lead the body of ``POST /score``, made from the raw files with every type; leadheat's reading takes no part."""
    interactions: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in pq.read_table(data / "events.parquet", filters=[("lead_id", "in", lead_ids)]).to_pylist():
        kind, moment, attributes = f"{row['type']}/{row['lifecycle']}", row["ts"].isoformat(), {"resource": row["resource"]}
        interactions[row["lead_id"]].append({"type": kind, "occurred_at": moment, "order": row["seq"], "attributes": attributes})
    leads = {}
    for row in pq.read_table(data / "leads.parquet", filters=[("lead_id", "in", lead_ids)]).to_pylist():
        lead = {"lead_id": row["lead_id"], "created_at": row["created_at"].isoformat(), "attributes": {"amount_req": row["amount_req"]}}
        leads[row["lead_id"]] = {"lead": lead, "interactions": interactions[row["lead_id"]][::-1], "as_of": AS_OF}
    return leads


def test_the_service_scores_as_the_batch_does_to_the_last_bit(place: Place) -> None:
    told = place.run_cold("score", ".", "--out", "scores.parquet", "--as-of", AS_OF, "--json").json
    scores = {row["lead_id"]: row for row in pq.read_table(place.folder / "scores.parquet").to_pylist()}
    assert told["rows"] == len(scores) > LEADS
    some = sorted(scores, key=lambda lead_id: -scores[lead_id]["probability"])[:: len(scores) // LEADS][:LEADS]
    asked = bodies(some, shared_data("bpic2012"))
    ties = sum(len({one["occurred_at"] for one in body["interactions"]}) < len(body["interactions"]) for body in asked.values())
    assert ties > 0
    with Server(place.folder / "home") as server, closing(server.connect()) as connection:
        answers = {lead_id: ask(connection, "POST", "/score", json.dumps(body).encode()).json for lead_id, body in asked.items()}
        together = server.post("/score_batch", {"as_of": AS_OF, "leads": [strip(body) for body in asked.values()]}).json["scores"]
    assert len(answers) == LEADS
    for lead_id, answer in answers.items():
        row = scores[lead_id]
        assert (answer["probability"], answer["log_odds"], answer["score"]) == (row["probability"], row["log_odds"], row["score"])
        assert (answer["temperature"], answer["stage"], answer["baseline"]["points"]) == (row["temperature"], row["stage"], row["points"])
        assert parse_moment(answer["as_of"]) == parse_moment(AS_OF)
        if row["reasons"] is not None:
            assert [(one["signal"], one["contribution"]) for one in answer["reasons"]] == [
                (one["signal"], one["contribution"]) for one in row["reasons"]
            ]
    assert together == list(answers.values())


def strip(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "as_of"}


@pytest.mark.parametrize("step", ["learning", "tracking"])
def test_a_killed_training_leaves_the_champion_and_the_registry_usable(step: str, place: Place) -> None:
    process = place.start("train", ".", stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    with process.stderr as lines:
        assert any(line.startswith(f"leadheat: {step}") for line in lines)
        process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    versions = place.run("models", "--json").json["versions"]
    assert [one["version"] for one in versions if "champion" in one["aliases"]] == ["1"]
    assert (place.folder / "home" / "champion").resolve().name.startswith("1-")


def test_after_killed_trainings_the_next_one_succeeds(place: Place) -> None:
    done = place.run("train", ".", "--no-promote", "--json")
    assert done.code == 0, done.err
    assert done.json["version"] == "2"
    assert not done.json["promoted"]
    assert place.run("promote", "2", "--json").json["aliases"] == ["champion"]
    assert place.run("score", ".", "--out", "scores.csv", "--json").json["version"] == "2"
