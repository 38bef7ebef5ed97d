"""The store as a data set, ``store:``, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.contract import DAY, HOUR, DataError, now, parse_moment
from features.dataset import Dataset
from models.settings import Source, read_settings
from serving.batch import score_shards
from tests.remembering import Remembering, attributes_of, interactions_of, remembering
from tests.small_world import SmallWorld

LEADS = 40
NOW = now()


@pytest.fixture
def made(store_url: str, world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remembering]:
    """A store with some of the small world's leads, the current folder's."""
    monkeypatch.setenv("LEADHEAT_STORE", store_url)
    monkeypatch.setenv("LEADHEAT_SETTINGS", str(world.folder / "data"))
    with remembering(store_url, world.scorer) as one:
        fill(one, world)
        yield one


def fill(made: Remembering, world: SmallWorld) -> None:
    leads, rows = [], []
    for number in range(LEADS):
        alone, created = world.alone(number), int(world.dataset.history.created_at[number])
        leads.append({"lead_id": f"lead {number}", "created_at": created, "attributes": attributes_of(alone)})
        rows += interactions_of(alone, f"lead {number}", known=number % 2 == 0)
    made.memory.put_leads(leads, "crm", explain=False)
    made.memory.take_interactions(rows, "crm", explain=False)


def source() -> Source:
    return read_settings(Path("store:"))


def dataset(world: SmallWorld | None = None) -> Dataset:
    found = source()
    return Dataset.read(found.settings.data, found.root, world.scorer.schema if world else None)


def scores(world: SmallWorld, as_of: int) -> dict[str, dict[str, Any]]:
    tables = score_shards(world.scorer, dataset(world), as_of, explain=False)
    return {row["lead_id"]: row for table in tables for row in table.to_pylist()}


def test_batch_on_the_store_says_what_the_service_says_to_the_last_bit(made: Remembering, world: SmallWorld) -> None:
    answers = {one.score.lead_id: one.score for one in made.logged}
    for as_of in {parse_moment(one.as_of) for one in answers.values()}:
        batch = scores(world, as_of)
        for lead_id, score in answers.items():
            if parse_moment(score.as_of) == as_of:
                assert (batch[lead_id]["probability"], batch[lead_id]["log_odds"]) == (score.probability, score.log_odds)
                assert batch[lead_id]["points"] == score.baseline.points
    assert len(answers) == LEADS


def test_a_view_of_a_lead_now_is_what_batch_says_of_that_moment(made: Remembering, world: SmallWorld) -> None:
    view = made.memory.lead("lead 3")
    assert view is not None
    assert scores(world, parse_moment(view.score.as_of))["lead 3"]["probability"] == view.score.probability


@pytest.mark.usefixtures("made")
def test_the_store_holds_the_histories_that_came(world: SmallWorld) -> None:
    stored = dataset(world)
    place = {lead_id: i for i, lead_id in enumerate(stored.history.lead_ids.to_pylist())}
    for number in range(LEADS):
        one, other = stored.history.slice(place[f"lead {number}"], place[f"lead {number}"] + 1), world.alone(number)
        assert np.array_equal(one.occurred_at, other.occurred_at)
        assert [one.type.levels[code] for code in one.type.codes] == [other.type.levels[code] for code in other.type.codes]
        assert np.array_equal(one.direction, other.direction)
        assert one.created_at == other.created_at
        known = other.occurred_at if number % 2 == 0 else np.full(len(other.occurred_at), one.known_at.max(initial=0))
        assert np.array_equal(one.known_at, known)


def test_closed_leads_are_not_open(made: Remembering, world: SmallWorld) -> None:
    closed_at = NOW - HOUR
    made.memory.put_outcomes([{"lead_id": "lead 1", "outcome": "lost", "closed_at": closed_at}], "crm")
    assert "lead 1" not in scores(world, NOW)
    assert "lead 1" in scores(world, closed_at)


def test_what_was_observed_ends_with_the_latest_change(made: Remembering) -> None:
    made.memory.take_interactions([{"lead_id": "lead 1", "type": "webinar", "occurred_at": NOW + 9 * DAY}], "crm")
    assert dataset().observed_until == parse_moment(made.logged[-1].score.as_of) - 1


def test_one_moment_is_read_while_the_service_writes(made: Remembering, monkeypatch: pytest.MonkeyPatch) -> None:
    from features.store import dataset as module

    leads_read = module._leads

    def interrupted(connection: Any) -> Any:
        table = leads_read(connection)
        made.memory.take_interactions([{"lead_id": "new", "type": "webinar", "occurred_at": NOW}], "crm")
        return table

    monkeypatch.setattr(module, "_leads", interrupted)
    assert not [one for one in dataset().findings if one.code == "orphan"]


def test_attributes_of_mixed_kinds_are_texts(made: Remembering) -> None:
    values: list[Any] = [12.0, "many", True, None]
    for number, value in enumerate(values):
        made.memory.put_leads([{"lead_id": f"lead {number}", "attributes": {"mixed": value, "sure": number > 1}}], "crm", explain=False)
    own = dataset().history.lead_attributes.categorical
    assert own["mixed"].levels == ("12", "many", "true")
    assert own["sure"].levels == ("false", "true")


def test_where_there_is_no_store_it_is_said(monkeypatch: pytest.MonkeyPatch, store_url: str, tmp_path: Path) -> None:
    monkeypatch.setenv("LEADHEAT_STORE", store_url)
    with pytest.raises(DataError, match="there is no store yet"):
        dataset()
    assert not list(tmp_path.iterdir())
