"""What the worklist filters by, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import event, text

from features.store.schema import SEGMENT_CHARACTERS
from models.fallback import RulesScorer
from models.score import Score
from serving.memory.memory import Memory
from serving.memory.views import WorklistEntry
from serving.memory.worklist import UnknownAttributeError, WorklistQuery, page
from tests.remembering import remembering

LONG = "x" * SEGMENT_CHARACTERS
VALUES = {
    "short": {"company": "x"},
    "long": {"company": LONG},
    "longer": {"company": f"{LONG}y"},
    "longest": {"company": f"{LONG}z"},
    "quoted": {"company": 'x"', "company:x": True},
    "number": {"size": 1.0},
    "text": {"size": "1"},
    "numbered": {"size:1": 2.0},
    "truth": {"vip": True},
}


@pytest.fixture
def memory(store_url: str) -> Iterator[Memory]:
    with remembering(store_url, RulesScorer()) as made:
        rows = [{"lead_id": lead_id, "attributes": given} for lead_id, given in VALUES.items()]
        made.memory.put_leads(rows, "crm", explain=False)
        yield made.memory


SEGMENTS = {
    "company:x": {"short"},
    f"company:{LONG}": {"long"},
    f"company:{LONG}y": {"longer"},
    f"company:{LONG}z": {"longest"},
    f"company:{LONG}yz": set(),
    'company:x"': {"quoted"},
    "company:x:true": set(),
    "size:1": {"number", "text"},
    "size:1:2": set(),
    "vip:true": {"truth"},
    "vip:yes": set(),
}
FILTERS = {
    "attributes_by_segment": ({"segment": ["company:x"]}, {"owner": "eva"}, {"owner": "eva", "temperature": "hot"}),
    "standings_by_": ({"stage": "mql"}, {"temperature": "hot", "changed_since": "2026-01-01T00:00:00Z"}),
}


def test_a_segment_is_a_whole_value_of_one_attribute(memory: Memory) -> None:
    for segment, leads in SEGMENTS.items():
        found = memory.worklist(WorklistQuery(segment=[segment]))
        assert {one.lead_id for one in found.leads} == leads, segment
        assert sum(found.counts.values()) == len(leads)


def test_a_segment_of_an_attribute_that_nobody_has_is_refused(memory: Memory) -> None:
    with pytest.raises(UnknownAttributeError, match="One thing is wrong with the query") as refused:
        memory.worklist(WorklistQuery(segment=[f"compani:{LONG}y"]))
    assert refused.value.meant == "company"


def test_the_scores_of_the_list_are_whole_and_described_as_such(memory: Memory) -> None:
    described = TypeAdapter(WorklistEntry).json_schema(mode="serialization")["properties"]["score"]
    for entry in memory.worklist(WorklistQuery()).leads:
        assert set(entry.score) == set(described["properties"])
        assert TypeAdapter(Score).validate_python(entry.score, extra="forbid").lead_id == entry.lead_id


def test_an_index_answers_every_filter(memory: Memory) -> None:
    with memory.reading() as connection:
        sqlite = connection.dialect.name == "sqlite"
        plans: list[str] = []

        @event.listens_for(connection, "before_cursor_execute")
        def _explain(_connection: object, _cursor: object, statement: str, given: Any, *_: object) -> None:
            if "FROM standings" in statement and not statement.startswith("EXPLAIN"):
                rows = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN' if sqlite else ''} {statement}", given)
                plans.append("\n".join(row[-1] for row in rows))

        if not sqlite:  # PostgreSQL would rather walk through so few rows
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        for index, asked in FILTERS.items():
            for one in asked:
                plans.clear()
                page(connection, WorklistQuery.model_validate(one))
                assert len(plans) == 2
                assert all(index in plan for plan in plans), plans
