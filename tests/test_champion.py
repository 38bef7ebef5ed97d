"""Champions come into service by themselves, one at a time, and a broken one never does."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from features.contract import parse_moment
from features.intake import history_of
from models import home
from models.request import read_request
from models.scorer import LeadScorer
from serving.champion import EVERY
from tests.server import Answer, Server, ask
from tests.small_model import small_scorer

BODY = {
    "lead": {"lead_id": "ann", "created_at": "2026-01-01T00:00:00Z", "attributes": {"industry": "steel", "size": 40}},
    "interactions": [
        {"type": "page_view", "occurred_at": "2026-02-11T09:30:00Z", "recorded_at": "2026-02-12T00:00:00Z", "interaction_id": "1"},
        {"type": "demo_request", "occurred_at": "2026-02-27T09:30:00.123456+01:00", "direction": "inbound", "attributes": {"value": 0.1}},
        {"type": "demo_request", "occurred_at": "2026-02-27T09:30:00.123456+01:00", "direction": "inbound", "interaction_id": "2"},
        {"type": "never_seen", "occurred_at": "2026-02-28T00:00:00Z", "attributes": {"value": 12, "other": True}},
    ],
    "as_of": "2026-03-01T00:00:00Z",
}


WORKERS = 2


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the folders of versions 1 and 2, and of a spoilt one, 3, where a promotion unpacks them."""
    place = tmp_path_factory.mktemp("home")
    for number in (1, 2, 3):
        small_scorer(place / "versions" / f"{number}-abc", seed=number)
    trees = place / "versions" / "3-abc" / "model.txt"
    trees.write_text(trees.read_text().replace("leaf_value=", "leaf_value=1", 1))
    return place


@pytest.fixture(scope="module")
def versions(place: Path) -> dict[str, LeadScorer]:
    return {number: LeadScorer.load(place / "versions" / f"{number}-abc", number) for number in ("1", "2")}


@pytest.fixture(scope="module")
def begun(place: Path) -> Iterator[tuple[Server, Answer, Answer]]:
    """A service that began with the spoilt version, and what it answered then to a request and about its readiness."""
    with pytest.MonkeyPatch.context() as patch, Server(place, workers=WORKERS) as running:
        patch.setenv("LEADHEAT_HOME", str(place))
        promote("3")
        running.wait_until(lambda: refused(running) == WORKERS)
        yield running, running.post("/score", BODY), running.get("/readyz")


@pytest.fixture
def server(begun: tuple[Server, Answer, Answer]) -> Server:
    """The service with version 1."""
    switch(begun[0], "1")
    return begun[0]


def promote(version: str) -> None:
    home.put_in_service(home.home() / "versions" / f"{version}-abc")


def switch(server: Server, version: str) -> None:
    """Promote, and wait at most ten seconds until every worker has the version in service."""
    promote(version)
    server.wait_until(lambda: metric(server, f'leadheat_champion_workers{{version="{version}"}}') == WORKERS, 10)


def notice() -> None:
    """Wait until every worker has looked at the champion's link."""
    time.sleep(EVERY + 0.5)


def refused(server: Server) -> float:
    return metric(server, 'leadheat_champion_swaps_total{result="refused"}')


def metric(server: Server, name: str) -> float:
    lines = server.get("/metrics").body.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def expected(scorer: LeadScorer, **changes: Any) -> dict[str, Any]:
    """The answer as the scorer in this process gives it."""
    record = read_request(json.dumps(BODY)).record()
    return asdict(scorer.score(history_of([record], scorer.schema), parse_moment("2026-03-01"), **changes))


def test_the_champion_scores_as_it_does_in_process(server: Server, versions: dict[str, LeadScorer]) -> None:
    assert server.post("/score", BODY).json == expected(versions["1"])
    assert server.post("/score", BODY | {"explain": False}).json == expected(versions["1"], explain=False)
    (score,) = server.post("/score_batch", {"leads": [{key: BODY[key] for key in ("lead", "interactions")}], "as_of": BODY["as_of"]}).json[
        "scores"
    ]
    assert score == expected(versions["1"])
    model = server.get("/model").json
    assert (model["version"], model["fingerprint"], model["seed"]) == ("1", versions["1"].fingerprint, 1)
    assert [band["name"] for band in model["bands"]["bands"]] == ["cold", "warm", "hot"]


def test_an_attribute_that_the_model_does_not_know_is_named(server: Server) -> None:
    def count() -> float:
        return metric(server, "leadheat_unknown_attributes_total")

    misspelt, before = {"industri": "steel", "size": 40, "nothing": None}, count()
    body = {"lead": {"lead_id": "ann", "attributes": misspelt}, "as_of": BODY["as_of"]}
    alone = server.post("/score", body).json
    plain = server.post("/score", body | {"lead": {"lead_id": "ann", "attributes": {"size": 40}}}).json
    assert alone["unknown_attributes"] == ["industri"]
    assert alone | {"unknown_attributes": []} == plain
    leads = [{"lead": {"lead_id": "ann", "attributes": told}} for told in (misspelt, {"size": 40}, {"b": 0, "a": False})]
    batch = server.post("/score_batch", {"leads": leads}).json["scores"]
    assert [one["unknown_attributes"] for one in batch] == [["industri"], [], ["a", "b"]]
    stored = {"lead_id": "ann/stored", "attributes": misspelt}
    visit = {"type": "page_view", "occurred_at": "2026-02-11T09:30:00Z", "attributes": {"value": 2, "valu": 3, "nothing": None}}
    both = ["industri", "interactions.valu"]
    assert server.post("/score", body | {"interactions": [visit]}).json["unknown_attributes"] == both
    of_visit = {"lead": {"lead_id": "ann"}, "interactions": [visit, visit | {"type": "demo_request"}]}
    (one,) = server.post("/score_batch", {"leads": [of_visit]}).json["scores"]
    assert one["unknown_attributes"] == ["interactions.valu"]
    taken = {"interactions": [visit | {"lead_id": "ann/stored"}]}
    for path, part, expected in (("/leads", {"leads": [stored]}, ["industri"]), ("/interactions", taken, both)):
        assert [one["unknown_attributes"] for one in server.post(path, part).json["scores"]] == [expected]
    assert server.get("/leads/ann%2Fstored").json["score"]["unknown_attributes"] == both
    assert count() == before + 7
    described = server.get("/docs.json").json["components"]["schemas"]["Score"]
    assert "unknown_attributes" in described["required"]
    assert "that the model does not know" in described["description"]


def test_an_attribute_that_is_no_number_is_refused(server: Server) -> None:
    lead = {"lead_id": "ann", "attributes": {"size": "large"}}
    alone = [{"type": "demo_request", "occurred_at": "2026-02-27T09:30:00Z", "attributes": {"value": one}} for one in (1, "x")]
    rows = [{"lead_id": "ann", **one} for one in alone]
    for path, body, places in (
        ("/score", {"lead": lead}, ["lead.attributes.size"]),
        ("/score", {"lead": lead, "interactions": alone}, ["lead.attributes.size", "interactions.1.attributes.value"]),
        ("/score_batch", {"leads": [{"lead": {"lead_id": "bob"}}, {"lead": lead}]}, ["leads.1.lead.attributes.size"]),
        ("/score_batch", {"leads": [{"lead": {"lead_id": "bob"}, "interactions": alone}]}, ["leads.0.interactions.1.attributes.value"]),
        ("/interactions", {"interactions": rows}, ["interactions.1.attributes.value"]),
        ("/leads", {"leads": [{"lead_id": "bob"}, lead]}, ["leads.1.attributes.size"]),
    ):
        answer = server.post(path, body)
        assert answer.status == 422, path
        assert [one["where"] for one in answer.json["detail"]] == places, path
        assert all(one["what"].startswith("must be a number, not '") and one["hint"] for one in answer.json["detail"])
    assert (server.get("/leads/ann").status, server.get("/leads/bob").status) == (404, 404)


def test_a_promotion_loses_and_mixes_no_request(server: Server, versions: dict[str, LeadScorer]) -> None:
    right = {(one.version, one.fingerprint, json.dumps(expected(one))) for one in versions.values()}
    seen: Counter[str] = Counter()
    wrong: list[object] = []
    done = threading.Event()

    def request() -> None:
        with closing(server.connect()) as connection:
            while not done.is_set():
                answer = ask(connection, "POST", "/score", json.dumps(BODY).encode())
                model = answer.json.get("model", {})
                seen[model.get("version")] += 1
                if answer.status != 200 or (model["version"], model["fingerprint"], json.dumps(answer.json)) not in right:
                    wrong.append(answer)

    clients = [threading.Thread(target=request) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        for version in ("2", "1", "2"):
            switch(server, version)
    finally:
        done.set()
        for client in clients:
            client.join()
    assert not wrong, wrong[0]
    assert seen["1"] > 10
    assert seen["2"] > 10


def test_a_broken_champion_is_refused_and_the_old_one_stays(server: Server, versions: dict[str, LeadScorer]) -> None:
    before = refused(server)
    promote("3")
    server.wait_until(lambda: refused(server) == before + WORKERS)
    assert server.post("/score", BODY).json == expected(versions["1"])
    ready = server.get("/readyz").json
    assert (ready["scoring_by"], ready["version"]) == ("model", "1")
    assert "Version 3 cannot be used, version 1 stays" in ready["problem"]
    assert "model.txt" in ready["problem"]
    promote("1")
    notice()
    assert server.get("/readyz").json["problem"] == ""
    promote("3")
    server.wait_until(lambda: refused(server) == before + 2 * WORKERS)


def test_a_champion_that_vanishes_goes_on_scoring(server: Server, versions: dict[str, LeadScorer], place: Path) -> None:
    (place / "champion").unlink()
    notice()
    assert server.post("/score", BODY).json == expected(versions["1"])


def test_a_service_whose_champion_was_always_broken_scores_by_the_rules(begun: tuple[Server, Answer, Answer]) -> None:
    _, answer, ready = begun
    assert (answer.status, answer.json["probability"]) == (200, None)
    assert "no_model" in answer.json["flags"]
    assert (ready.status, ready.json["scoring_by"]) == (200, "rules")
    assert "Version 3 cannot be used, the rules alone score" in ready.json["problem"]
