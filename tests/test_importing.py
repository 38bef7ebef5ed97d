"""A data set in the store, on SQLite and on PostgreSQL, and by the command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sqlalchemy import func, select

from features.contract import DataError, parse_moment, to_micros
from features.history import INBOUND, History, micros
from features.sources import Tables, read_tables
from features.store.engine import open_store, reading
from features.store.schema import interactions, outcomes
from serving.memory import importing
from serving.memory.importing import import_tables
from serving.memory.memory import Memory
from tests.command import Place
from tests.small_world import SmallWorld

LEADS = 60


@pytest.fixture(scope="module")
def tables(world: SmallWorld) -> Tables:
    """Some leads of the small world."""
    whole = read_tables(world.settings.data, world.folder / "data", ids=True)
    leads = whole.leads.slice(0, LEADS)
    some = (table.filter(pc.is_in(table["lead_id"], leads["lead_id"].combine_chunks())) for table in (whole.interactions, whole.outcomes))
    return replace(whole, leads=leads, interactions=next(some), outcomes=next(some))


def observed(tables: Tables) -> int:
    """Outcomes that lie in what was observed."""
    return int(np.count_nonzero(micros(tables.outcomes["closed_at"]) <= tables.observed_until))


@pytest.fixture
def memory(world: SmallWorld, store_url: str) -> Iterator[Memory]:
    memory = Memory(open_store(store_url), lambda: world.scorer, lambda _: None)
    yield memory
    memory.close()


def test_a_text_where_the_model_wants_a_number_is_refused(memory: Memory, world: SmallWorld, tables: Tables) -> None:
    name = world.scorer.schema.lead_numeric[0]
    texts = pa.array(["many"] * LEADS)
    odd = replace(tables, leads=tables.leads.set_column(tables.leads.column_names.index(name), name, texts))
    with pytest.raises(DataError, match=f"Attribute '{name}' must be a number, not 'many', as lead '.+' has it"):
        import_tables(memory, odd, "crm")
    assert memory.lead(tables.leads["lead_id"][0].as_py()) is None


def test_everything_is_stored_once(memory: Memory, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "PORTION", 25)
    done = import_tables(memory, tables, "crm")
    assert (done.leads, done.interactions, done.outcomes) == (LEADS, tables.interactions.num_rows, observed(tables))
    assert done.temperatures.total() == LEADS
    again = import_tables(memory, tables, "crm")
    assert (again.leads, again.interactions, again.outcomes) == (LEADS, 0, 0)
    with reading(memory.engine) as connection:
        counts = [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (interactions, outcomes)]
    assert counts == [tables.interactions.num_rows, observed(tables)]


def test_a_lead_is_scored_as_its_data_set_says(memory: Memory, tables: Tables, world: SmallWorld) -> None:
    import_tables(memory, tables, "crm")
    history = History.from_tables(replace(tables, interactions=tables.interactions.drop_columns(["interaction_id"])), world.scorer.schema)
    for number, lead_id in enumerate(tables.leads["lead_id"].to_pylist()):
        found = memory.lead(lead_id)
        assert found is not None
        expected = world.scorer.score(history.slice(number, number + 1), parse_moment(found.score.as_of))
        assert (found.score.probability, found.score.baseline.points) == (expected.probability, expected.baseline.points)
        assert all(one.origin == "crm" for one in found.attributes)


def test_what_is_sent_again_later_is_known_by_its_id(memory: Memory, tables: Tables) -> None:
    import_tables(memory, tables, "crm")
    known = tables.interactions.slice(0, 1).to_pylist()[0]
    sent = {name: known[name] for name in ("lead_id", "interaction_id", "type")} | {"occurred_at": to_micros(known["occurred_at"])}
    taken = memory.take_interactions([sent], "api")
    assert (taken.stored, taken.duplicates) == (0, 1)


def test_an_id_that_cannot_be_stored_is_refused(memory: Memory, tables: Tables) -> None:
    leads = tables.leads.set_column(0, "lead_id", pa.array([*["x" * 201], *map(str, range(1, LEADS))]))
    with pytest.raises(DataError, match="1 ids of leads cannot be stored"):
        import_tables(memory, replace(tables, leads=leads), "crm")


def test_what_lies_far_ahead_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "leadheat.toml").write_text('[data]\ninteractions = { path = "i.csv" }\nleads = { path = "leads.csv" }\n')
    (tmp_path / "leads.csv").write_text("lead_id,created_at\na,2024-01-01T00:00:00Z\n")
    rows = "a,2024-01-03T00:00:00Z,demo_request\na,2150-01-03T00:00:00Z,demo_request\n"
    (tmp_path / "i.csv").write_text(f"lead_id,occurred_at,type\n{rows}")
    done = Place(tmp_path).run("import", ".", "--json")
    assert done.json["interactions"] == 1
    assert "times lie in the future" in done.err


def test_the_store_is_not_brought_into_itself(tmp_path: Path) -> None:
    refused = Place(tmp_path).run("import", "store:")
    assert (refused.code, refused.err.splitlines()[0]) == (2, "The store cannot be brought into itself.")


def test_the_command_needs_no_champion(tmp_path: Path) -> None:
    (tmp_path / "leadheat.toml").write_text('[data]\ninteractions = { path = "i.csv" }\nleads = { path = "leads.csv" }\n')
    (tmp_path / "leads.csv").write_text("lead_id,created_at,industry\na,2026-01-01T00:00:00Z,retail\nb,2026-01-02T00:00:00Z,\n")
    (tmp_path / "i.csv").write_text("lead_id,occurred_at,type,direction\na,2026-01-03T00:00:00Z,demo_request,inbound\n")
    told = Place(tmp_path).run("import", ".", "--origin", "crm", "--json").json
    assert (told["leads"], told["interactions"], told["outcomes"], told["scored_by"]) == (2, 1, 0, "rules")
    assert "2 leads, 0 new interactions" in Place(tmp_path).run("import", ".").out
    memory = Memory(open_store(f"sqlite:///{tmp_path / 'home' / 'store.db'}"), lambda: None, lambda _: None)  # type: ignore[arg-type,return-value]
    with memory.reading() as connection:
        row = connection.execute(select(interactions)).mappings().one()
    assert (row["type"], row["direction"], row["occurred_at"] == row["recorded_at"]) == ("demo_request", INBOUND, True)
    memory.close()
