"""What a lead says of itself and the model does not know is told: by name with a score, and once for all leads of a table."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from features import intake
from features.buckets.buckets import in_buckets
from features.closings import NO_OUTCOMES
from features.consent import ConsentRule
from features.contract import DAY, Finding
from features.dataset import Dataset
from features.history import History
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from models.fallback import RulesScorer
from models.request import read_request
from models.settings import read_settings
from serving.bucketed import score_buckets
from serving.output import ScoreFile
from tests.command import Done, Place
from tests.random_histories import DICE, World, tables_of, worlds
from tests.small_world import SmallWorld
from tests.test_records import as_it_came

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
NOTHING = (None, "", float("nan"), np.float64("nan"), np.float32("nan"))
SOMETHING = ("steel", 0, 0.0, False, float("inf"), 7)
NAMES = ("industri", "Employees", "owner", "created_at", "size")


def with_further(world: World, dice: Any) -> list[LeadRecord]:
    """The leads with further attributes, some of which say nothing."""

    def further() -> dict[str, Any]:
        return {name: dice.choice(NOTHING + SOMETHING) for name in dice.sample(NAMES, dice.randrange(len(NAMES)))}

    return [
        lead._replace(attributes={**(lead.attributes or {}), **further()} if dice.random() < 0.7 else lead.attributes)
        for lead in world.leads
    ]


def unknown(lead: LeadRecord, schema: Schema) -> tuple[str, ...]:
    known = {*schema.lead_numeric, *schema.lead_categorical}
    told = {name: value for name, value in (lead.attributes or {}).items() if name not in known}
    return tuple(sorted(name for name, value in told.items() if not any(value is one for one in NOTHING)))


@EXAMPLES
@given(worlds(), DICE)
def test_every_way_of_reading_records_names_the_same(world: World, dice: Any) -> None:
    leads, schema = with_further(world, dice), world.features.schema
    expected = [unknown(lead, schema) for lead in leads]
    as_dicts = [lead._replace(interactions=[as_it_came(event) for event in lead.interactions]) for lead in leads]
    in_order = [lead._replace(interactions=sorted(lead.interactions, key=lambda event: event.occurred_at)) for lead in leads]
    excluding = replace(schema, excluded=("mail/*",))
    asking = replace(schema, consent=(ConsentRule(types=("demo",), attribute="agreed"),))
    for history in (
        *(history_of(some, schema) for some in (leads, as_dicts, in_order)),
        history_of(leads, excluding),
        history_of(leads, asking),
        history_of(leads, Schema(lead_numeric=schema.lead_numeric, lead_categorical=schema.lead_categorical)).with_schema(schema),
    ):
        assert list(history.unknown or ((),) * len(leads)) == expected
    low, high = sorted(dice.choices(range(len(leads) + 1), k=2))
    assert list(history_of(leads, schema).slice(low, high).unknown or ((),) * (high - low)) == expected[low:high]
    assert [(history_of([lead], schema).unknown or ((),))[0] for lead in leads] == expected


@EXAMPLES
@given(worlds(), DICE)
def test_a_table_tells_for_how_many_leads_what_their_records_tell_each(world: World, dice: Any) -> None:
    schema = world.features.schema
    names = Schema(lead_numeric=("employees", "head count"), lead_categorical=("branch", "industry", "nothing", "source"))
    leads = [lead._replace(attributes=_mixed(lead, dice)) for lead in world.leads]
    tables = tables_of(leads, replace(schema, lead_numeric=names.lead_numeric, lead_categorical=names.lead_categorical), dice, order=False)
    tables = replace(tables, outcomes=NO_OUTCOMES)
    findings = Dataset.from_tables("random", tables, schema=schema, threads=1).findings
    told = {one.column: one.count for one in findings if one.code == "unknown_attribute"}
    assert told == Counter(name for names in history_of(leads, schema).unknown for name in names)
    assert not Dataset.from_tables("random", tables, threads=1).findings
    assert History.from_tables(tables, schema).unknown == ()


def _mixed(lead: LeadRecord, dice: Any) -> dict[str, Any]:
    further = {"head count": dice.choice([None, 3.0]), "branch": dice.choice([None, "north", ""]), "nothing": None}
    return {**(lead.attributes or {}), **further}


def test_values_of_any_kind_are_no_obstacle() -> None:
    odd: dict[Any, Any] = {"frame": np.arange(3), "list": [1], "missing": pd.NA, 7: "a number as a name", "nothing": None}
    history = history_of([LeadRecord("a", attributes=odd), LeadRecord("b"), LeadRecord("c", attributes={"nothing": None})], Schema())
    assert history.unknown == (("7", "frame", "list", "missing"), (), ())


def test_who_says_only_what_is_known_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "unknown", lambda *_: pytest.fail("looked at again"))
    schema = Schema(lead_numeric=("employees", "size"), lead_categorical=("industry",))
    for told in (None, {}, {"size": 7}, {"industry": "", "size": None}, {"employees": 1.5, "size": "3", "industry": "steel"}):
        assert history_of([LeadRecord("a", attributes=told)], schema).unknown == ()


def test_json_says_nothing_by_null(world: SmallWorld) -> None:
    body = {"lead": {"lead_id": "a", "attributes": {"industri": None, "size": True, "why": ""}}}
    assert history_of([read_request(json.dumps(body)).record()], world.scorer.schema).unknown == (("size",),)


def test_a_score_names_them_and_raises_no_flag(world: SmallWorld) -> None:
    rows = [InteractionRecord("price_page", world.now - DAY)]
    known = {"industry": "software", "employees": 12.0}
    plain, misspelt = (
        world.scorer.score(history_of([LeadRecord("a", world.now - 30 * DAY, told, rows)], world.scorer.schema), world.now)
        for told in (known, known | {"industri": "steel", "created_at": "2025-01-01", "nothing": None})
    )
    assert plain.unknown_attributes == []
    assert misspelt.unknown_attributes == ["created_at", "industri"]
    assert replace(misspelt, unknown_attributes=[]) == plain


def test_the_rules_alone_name_none(world: SmallWorld) -> None:
    rules, lead = RulesScorer(), LeadRecord("a", world.now - 30 * DAY, {"industri": "steel"})
    assert rules.score(history_of([lead], rules.schema), world.now).unknown_attributes == []
    alone = replace(world.scorer, margin=None)
    assert alone.score(history_of([lead], alone.schema), world.now).unknown_attributes == []


@pytest.fixture
def renamed(world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, int]:
    """The small world's data with ``industry`` misspelt and a column of nothing, and how many leads have an industry."""
    monkeypatch.setenv("LEADHEAT_SCORE_LOG", str(tmp_path / "log"))
    folder = tmp_path / "renamed"
    shutil.copytree(world.folder / "data", folder)
    leads = pq.read_table(folder / "leads.parquet")
    leads = leads.rename_columns(["industri" if name == "industry" else name for name in leads.column_names])
    pq.write_table(leads.append_column("nothing", pa.nulls(len(leads), pa.string())), folder / "leads.parquet")
    return folder, len(leads) - leads["industri"].null_count


def told_of(findings: Iterable[Finding]) -> list[tuple[str, str, int]]:
    return [(one.severity, one.place, one.count) for one in findings if one.code == "unknown_attribute"]


def test_it_is_told_once_at_once_and_in_buckets(renamed: tuple[Path, int], world: SmallWorld, tmp_path: Path) -> None:
    folder, known = renamed
    source, place = read_settings(folder), ScoreFile(tmp_path / "scores.parquet")
    expected = [("info", "leads.industri", known)]
    assert told_of(Dataset.read(source.settings.data, folder, world.scorer.schema).findings) == expected
    consent = source.settings.data.model_copy(update={"consent": (ConsentRule(types=("page_visit",), granted=("newsletter",)),)})
    for data in (source.settings.data, consent):
        with in_buckets(data, folder, 5, tmp_path / "cache") as buckets:
            assert told_of(score_buckets(place, world.scorer, buckets, world.now + 1, place.working).findings) == expected


def said(done: Done) -> list[str]:
    assert done.code == 0, done.err
    return [line for line in done.err.splitlines() if "the model does not know" in line]


def test_the_command_says_it_once(renamed: tuple[Path, int], champion_place: Place) -> None:
    folder, known = renamed
    (line,) = said(champion_place.run("score", str(folder), "--out", "scores.parquet", "--json"))
    assert "info: leads.industri: leads have this attribute, which the model does not know; it changes nothing" in line
    assert f"({known})" in line
    scores = pq.read_table(champion_place.folder / "scores.parquet")
    assert not {"unknown_attributes", "flags"} & set(scores.column_names)
