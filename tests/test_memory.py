"""What the service remembers, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from features.contract import DAY, HOUR, MINUTE, iso, now, parse_moment
from features.history import DIRECTIONS
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from models.fallback import RulesScorer
from models.score import Score
from serving.memory.memory import Memory
from tests.remembering import MANY, Remembering, attributes_of, clock, interactions_of, remembering, take_each
from tests.small_world import SmallWorld

NOW = now()
LEAD = 7


def visit(lead_id: str = "ann", hours: float = 1, **more: Any) -> Any:
    return {"lead_id": lead_id, "type": "page_view", "occurred_at": NOW - int(hours * HOUR), "direction": "inbound"} | more


def record(lead_id: str, rows: list[dict[str, Any]], attributes: dict[str, Any] | None = None, created_at: int | None = None) -> LeadRecord:
    """The same lead as whoever has it at hand would have it scored."""
    return LeadRecord(lead_id, created_at, attributes, [one_of(row) for row in rows])


def one_of(row: dict[str, Any]) -> InteractionRecord:
    direction = DIRECTIONS.get(row["direction"] or "", 0)
    return InteractionRecord(row["type"], row["occurred_at"], None, direction, attributes=row.get("attributes"))


def same(one: Score, other: Score) -> None:
    for field in ("as_of", "probability", "log_odds", "score", "baseline", "temperature", "reasons", "trend", "cools_on", "stage"):
        assert getattr(one, field) == getattr(other, field), field


def test_what_is_stored_is_scored_as_if_it_came_along(memory: Memory, world: SmallWorld) -> None:
    rows = [visit(hours=hour) for hour in range(30)]
    taken = memory.take_interactions(rows, "web")
    assert (taken.stored, taken.duplicates, len(taken.scores)) == (30, 0, 1)
    (score,) = taken.scores
    same(score, world.scorer.score(history_of([record("ann", rows)], world.scorer.schema), parse_moment(score.as_of)))


def test_a_text_of_earlier_times_is_missing_to_a_model_that_wants_a_number_there(
    made: Remembering, world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock = clock(monkeypatch)
    set_clock(NOW)
    numbers = world.scorer.schema.numeric[0], world.scorer.schema.lead_numeric[0]
    made.scorer = RulesScorer()
    odd = visit(hours=2, attributes={numbers[0]: "long"})
    made.memory.take_interactions([odd], "web")
    made.memory.put_leads([{"lead_id": "ann", "attributes": {numbers[1]: "many"}}], "crm")
    made.scorer = world.scorer
    set_clock(NOW + 2 * MINUTE)
    assert made.memory.refresh(10) == 1
    (score,) = made.memory.take_interactions([visit()], "web").scores
    history = history_of([record("ann", [odd | {"attributes": {}}, visit()])], world.scorer.schema)
    same(score, world.scorer.score(history, parse_moment(score.as_of)))
    seen = made.memory.lead("ann")
    assert seen is not None
    assert seen.interactions_stored == 2
    assert [one.value for one in seen.attributes] == ["many"]


def test_late_and_unordered_interactions_are_placed_right(memory: Memory, world: SmallWorld) -> None:
    rows, own = interactions_of(world.alone(LEAD), "ann"), attributes_of(world.alone(LEAD))
    late = list(rows)
    random.Random(5).shuffle(late)  # noqa: S311 - an order, no secret
    created = rows[0]["occurred_at"] - DAY
    memory.put_leads([{"lead_id": "ann", "created_at": created, "attributes": own}], "crm")
    for one in late:
        (score,) = memory.take_interactions([one], "crm").scores
    in_order = record("ann", rows, own, created)
    same(score, world.scorer.score(history_of([in_order], world.scorer.schema), parse_moment(score.as_of)))


def test_a_repeated_request_changes_nothing_and_gives_the_score_again(memory: Memory) -> None:
    rows = [visit(hours=hour) for hour in range(5)] + [visit(hours=9, interaction_id="9"), visit(hours=9)]
    first = memory.take_interactions(rows, "web")
    again = memory.take_interactions(rows, "web")
    assert (first.stored, first.duplicates) == (7, 0)
    assert (again.stored, again.duplicates) == (0, 7)
    assert [one.lead_id for one in again.scores] == ["ann"]
    view = memory.lead("ann")
    assert view is not None
    assert view.interactions_stored == 7


def test_the_first_of_one_id_is_kept(memory: Memory) -> None:
    first, other = visit(interaction_id="1", attributes={"pages": 3.0}), visit(hours=2, interaction_id="1", attributes={"pages": 4.0})
    assert memory.take_interactions([first, other, visit("bob", interaction_id="1")], "web").stored == 2
    assert memory.take_interactions([other], "web").duplicates == 1
    view = memory.lead("ann")
    assert view is not None
    assert [one.attributes for one in view.interactions] == [{"pages": 3.0}]


def test_many_at_once_count_each_interaction_once(memory: Memory, made: Remembering) -> None:
    rows = [[visit("ann", hours=hour), visit("bob", hours=hour)] for hour in range(10)]
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda some: memory.take_interactions(some[::-1], "web", explain=False), rows * 2))
    assert (sum(one.stored for one in taken), sum(one.duplicates for one in taken)) == (20, 20)
    moments = [parse_moment(one.score.as_of) for one in made.logged if one.score.lead_id == "ann"]
    assert len(set(moments)) == len(moments) == 20


@pytest.fixture(scope="module")
def other() -> Iterator[subprocess.Popen[str]]:
    """A second process, for all stores."""
    with subprocess.Popen([sys.executable, "-m", "tests.remembering"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def test_what_two_processes_send_at_once_counts_once(store_url: str, other: subprocess.Popen[str]) -> None:
    def tell(line: str) -> None:
        assert other.stdin is not None
        other.stdin.write(f"{line}\n")
        other.stdin.flush()

    assert other.stdout is not None
    with remembering(store_url, RulesScorer()) as made:
        tell(store_url)
        assert other.stdout.readline() == "ready\n"
        tell("now")
        mine, theirs = take_each(made.memory), int(other.stdout.readline())
        view = made.memory.lead("ann")
    assert view is not None
    assert mine + theirs == view.interactions_stored == MANY


def test_a_clock_that_is_set_back_hides_nothing(memory: Memory, world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock, rows = clock(monkeypatch), []
    moments = []
    for number, hours in enumerate((0, -5, -4, -72, 1)):
        set_clock(NOW + hours * HOUR)
        rows.append(visit(hours=24 + number))
        (score,) = memory.take_interactions(rows[-1:], "web").scores
        same(score, world.scorer.score(history_of([record("ann", rows)], world.scorer.schema), parse_moment(score.as_of)))
        moments.append(parse_moment(score.as_of))
        view = memory.lead("ann")
        assert view is not None
        assert parse_moment(view.score.as_of) >= moments[-1]
        assert (view.interactions_stored, view.score.probability) == (number + 1, score.probability)
    assert moments == sorted(set(moments))
    assert moments[-1] - moments[0] < DAY


def test_attributes_have_an_origin_and_null_removes_them(memory: Memory) -> None:
    lead = {"lead_id": "ann", "created_at": NOW, "attributes": {"industry": "retail", "size": 12.0, "vip": True}}
    assert memory.put_leads([lead], "crm").stored == 1
    assert memory.put_leads([lead], "crm").duplicates == 1
    assert memory.put_leads([{"lead_id": "ann", "attributes": {"size": None, "vip": False}}], "form").stored == 1
    view = memory.lead("ann")
    assert view is not None
    assert {(one.name, one.value, one.origin) for one in view.attributes} == {("industry", "retail", "crm"), ("vip", False, "form")}
    assert view.created_at == iso(NOW)


def test_a_closed_lead_is_flagged(memory: Memory) -> None:
    memory.take_interactions([visit()], "web")
    closed = {"lead_id": "ann", "outcome": "won", "closed_at": NOW - MINUTE}
    assert memory.put_outcomes([closed], "crm").scores[0].flags[-1] == "closed"
    again = memory.put_outcomes([closed], "crm")
    assert (again.stored, again.duplicates) == (0, 1)
    assert "closed" in memory.take_interactions([visit(hours=3)], "web").scores[0].flags


def test_where_conversions_are_repeatable_a_won_lead_stays_open(store_url: str, world: SmallWorld) -> None:
    with remembering(store_url, world.scorer, repeatable=True) as one:
        won, lost = ({"lead_id": "ann", "outcome": outcome, "closed_at": NOW} for outcome in ("won", "lost"))
        assert "closed" not in one.memory.put_outcomes([won], "crm").scores[0].flags
        assert "closed" in one.memory.put_outcomes([lost], "crm").scores[0].flags


def test_a_lead_that_is_not_there(memory: Memory) -> None:
    assert memory.lead("nobody") is None
