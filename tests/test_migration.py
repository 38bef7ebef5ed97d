"""Who changes band between two versions: counted one by one, with reasons that add up to the difference."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.contract import DAY, ModelError
from features.snapshots import open_leads
from models.scorer import LeadScorer
from models.temperature import NAMES
from tests.small_world import SmallWorld, with_model, with_won
from training.learn import learn
from training.migration import Migration, migrate, write
from training.pair import Pair, Side


@pytest.fixture(scope="module")
def challenger(world: SmallWorld) -> LeadScorer:
    """A version with fewer attributes, other windows, and fewer leads to learn from."""
    known = world.dataset.history
    schema = world.scorer.schema
    fewer = replace(schema, lead_categorical=tuple(name for name in schema.lead_categorical if name != "industry"))
    dataset = replace(world.dataset, history=known.with_schema(fewer))
    settings = with_model(world.settings, kind="boosting", rounds=25, learning_rate=0.1)
    windows = settings.features.model_copy(update={"windows": (14 * DAY,)})
    return learn(dataset, with_won(world.parts, 60), settings.model_copy(update={"features": windows}))


@pytest.fixture(scope="module")
def found(world: SmallWorld, challenger: LeadScorer) -> Migration:
    return migrate(replace(world.scorer, version="1"), replace(challenger, version="2"), world.dataset, world.now, top=None)


def test_leads_are_counted_by_both_temperatures(world: SmallWorld, challenger: LeadScorer, found: Migration) -> None:
    lead = open_leads(world.dataset, world.now)
    tables = [
        scorer.score_many(world.dataset.history.with_schema(scorer.schema), lead, np.full(len(lead), world.now))
        for scorer in (world.scorer, challenger)
    ]
    count, before, after = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((3, 3))
    for one, other in zip(*(table.to_pylist() for table in tables), strict=True):
        cell = NAMES.index(one["temperature"]), NAMES.index(other["temperature"])
        count[cell] += 1
        before[cell] += one["probability"]
        after[cell] += other["probability"]
    assert found.count.tolist() == count.tolist()
    assert found.expected_before == pytest.approx(before)
    assert found.expected_after == pytest.approx(after)
    assert found.leads == len(lead)
    assert found.warmer + found.cooler == len(found.moves) == found.count.sum() - np.trace(found.count)
    assert found.warmer == sum(NAMES.index(move.after) > NAMES.index(move.before) for move in found.moves)


def test_who_moves_furthest_comes_first_with_the_reasons_that_changed(world: SmallWorld, challenger: LeadScorer, found: Migration) -> None:
    steps = [abs(move.probability_after - move.probability_before) for move in found.moves]
    assert len(steps) > 3
    assert steps == sorted(steps, reverse=True)
    for move in found.moves:
        sizes = [abs(change.after - change.before) for change in move.changes]
        assert sizes == sorted(sizes, reverse=True)
        assert 0 < len(sizes) <= 3
        assert all(change.words for change in move.changes)
    few = migrate(replace(world.scorer, version="1"), replace(challenger, version="2"), world.dataset, world.now, top=2)
    assert few.moves == found.moves[:2]


def test_changes_of_reasons_add_up_to_the_change_of_the_log_odds(world: SmallWorld, challenger: LeadScorer) -> None:
    pair = Pair(Side(world.scorer, world.dataset, world.now), Side(challenger, world.dataset, world.now))
    rows = np.arange(len(pair.before.lead))
    for side in (pair.before, pair.after):
        base = side.scorer.contributions(side.scored, rows)[1]
        assert side.contributions(rows, pair.names).sum(axis=1) + base == pytest.approx(side.scored.log_odds)


def test_what_only_one_version_knows_is_told(found: Migration) -> None:
    known = {one.signal: one for one in found.signals}
    assert (known["lead.industry"].known_to, known["lead.industry"].after) == ("before", 0)
    assert known["lead.industry"].difference == pytest.approx(known["lead.industry"].before)
    assert known["inbound"].known_to == "both"
    assert [one.difference for one in found.signals] == sorted((one.difference for one in found.signals), reverse=True)


def test_nobody_moves_to_the_version_that_is_there(world: SmallWorld) -> None:
    same = migrate(world.scorer, world.scorer, world.dataset, world.now)
    assert (same.warmer, same.cooler, same.moves, same.signals, same.notes) == (0, 0, (), (), ())
    longer = migrate(world.scorer, replace(world.scorer, horizon=60 * DAY), world.dataset, world.now)
    assert "different horizons" in longer.notes[0]


def test_facts_name_no_lead_and_all_is_json(found: Migration) -> None:
    facts = found.to_facts()
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert "moves" not in facts
    assert len(facts["signals"]) == 8
    assert (facts["from"], facts["to"]) == ("1", "2")
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert len(told["moves"]) == len(found.moves)


def test_nothing_is_seen_from_as_of_on(world: SmallWorld, challenger: LeadScorer) -> None:
    earlier = world.now - 60 * DAY
    cut = replace(world.dataset, history=world.dataset.history.known_before(earlier))
    whole, seen = (migrate(world.scorer, challenger, dataset, earlier).to_dict() for dataset in (world.dataset, cut))
    assert whole == seen
    assert whole["leads"] == len(open_leads(world.dataset, earlier))


def test_every_move_is_written_to_a_file(found: Migration, tmp_path: Path) -> None:
    write(found.moves, tmp_path / "moves.csv")
    with (tmp_path / "moves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["lead_id"] for row in rows] == [move.lead_id for move in found.moves]
    assert [float(row["probability_after"]) for row in rows] == [move.probability_after for move in found.moves]
    assert json.loads(rows[0]["changes"])[0]["words"] == found.moves[0].changes[0].words
    write((), tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text().startswith('"lead_id","before"')


def test_where_no_lead_is_open_nobody_moves(world: SmallWorld, challenger: LeadScorer) -> None:
    before_all = migrate(world.scorer, challenger, world.dataset, 0)
    assert (before_all.leads, before_all.moves, before_all.signals) == (0, (), ())
    assert before_all.count.tolist() == [[0] * 3] * 3


def test_rules_alone_cannot_be_compared(world: SmallWorld) -> None:
    with pytest.raises(ModelError, match="no probability to compare"):
        migrate(replace(world.scorer, margin=None), world.scorer, world.dataset, world.now)
