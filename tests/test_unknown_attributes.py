"""What leads and interactions say and the model does not know is told: by name with a score, and once for all rows of a table."""

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
from features.records import MOST_UNKNOWN, InteractionRecord, LeadRecord
from features.schema import Schema
from features.sources import read_tables
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
    """The leads and their interactions with further attributes, some of which say nothing."""

    def further(given: dict[str, Any] | None) -> dict[str, Any] | None:
        own = {name: dice.choice(NOTHING + SOMETHING) for name in dice.sample(NAMES, dice.randrange(len(NAMES)))}
        return {**(given or {}), **own} if dice.random() < 0.5 else given

    def of_row(row: InteractionRecord) -> InteractionRecord:
        own = {name: value for name, value in (row.attributes or {}).items() if name != "not in the schema"}
        return row._replace(attributes=further(dice.choice([None, own])))

    return [lead._replace(attributes=further(lead.attributes), interactions=list(map(of_row, lead.interactions))) for lead in world.leads]


def unknown(lead: LeadRecord, schema: Schema, rows: Iterable[InteractionRecord] | None = None) -> tuple[str, ...]:
    known = {*schema.lead_numeric, *schema.lead_categorical}
    known |= {f"interactions.{name}" for name in (*schema.numeric, *schema.categorical)}
    told = list((lead.attributes or {}).items())
    for row in lead.interactions if rows is None else rows:
        told += [(f"interactions.{name}", value) for name, value in (row.attributes or {}).items()]
    return tuple(sorted({name for name, value in told if name not in known and value not in (None, "") and value == value}))  # noqa: PLR0124


@EXAMPLES
@given(worlds(), DICE)
def test_every_way_of_reading_records_names_the_same(world: World, dice: Any) -> None:
    leads, schema = with_further(world, dice), world.features.schema
    expected = [unknown(lead, schema) for lead in leads]
    as_dicts = [lead._replace(interactions=[as_it_came(event) for event in lead.interactions]) for lead in leads]
    in_order = [lead._replace(interactions=sorted(lead.interactions, key=lambda event: event.occurred_at)) for lead in leads]
    for history in (
        *(history_of(some, schema) for some in (leads, as_dicts, in_order)),
        history_of(leads, replace(schema, vocabulary=None)).with_schema(schema),
    ):
        assert list(history.unknown or ((),) * len(leads)) == expected
    low, high = sorted(dice.choices(range(len(leads) + 1), k=2))
    assert list(history_of(leads, schema).slice(low, high).unknown or ((),) * (high - low)) == expected[low:high]
    assert [(history_of([lead], schema).unknown or ((),))[0] for lead in leads] == expected


def test_only_interactions_that_count_are_asked() -> None:
    schema = Schema(("amount",), excluded=("WON",), consent=(ConsentRule(types=("mail",), attribute="agreed"),))
    rows = [
        InteractionRecord("visit", 2 * DAY, interaction_id="i", attributes={"amount": 1.0, "agreed": None, "url": "/prices"}),
        InteractionRecord("visit", 3 * DAY, interaction_id="i", attributes={"repeated": 1}),
        InteractionRecord("WON", 4 * DAY, attributes={"excluded": 1}),
        InteractionRecord("mail", DAY, attributes={"agreed": "no", "withheld": 1}),
        InteractionRecord("mail", 5 * DAY, attributes={"agreed": "yes", "opened": True}),
        InteractionRecord("visit", 6 * DAY),
    ]
    history = history_of([LeadRecord("a", interactions=rows), LeadRecord("b", attributes={"url": 1}), LeadRecord("c")], schema)
    assert history.unknown == (("interactions.opened", "interactions.url"), ("url",), ())


def test_who_makes_up_names_is_told_some_of_them() -> None:
    rows = [InteractionRecord("visit", number, attributes={f"made up {number:04}": 1, "value": 2}) for number in range(5_000)]
    ((*told, own),) = history_of([LeadRecord("a", attributes={"own": 1}, interactions=rows[::-1])], Schema(("value",))).unknown
    assert (told, own) == ([f"interactions.made up {number:04}" for number in range(MOST_UNKNOWN)], "own")


@EXAMPLES
@given(worlds(), DICE)
def test_a_table_tells_for_how_many_rows_what_their_records_tell_each(world: World, dice: Any) -> None:
    schema = world.features.schema
    words = ("branch", "channel", "industry", "nothing", "source")
    wider = Schema(("amount", "head count", "minutes"), words, ("employees", "head count"), words)
    leads = [
        lead._replace(
            attributes=_mixed(lead.attributes, dice),
            interactions=[row._replace(attributes=_mixed({"channel": row.attributes["channel"]}, dice)) for row in lead.interactions],
        )
        for lead in world.leads
    ]
    tables = replace(tables_of(leads, wider, dice, order=False), outcomes=NO_OUTCOMES)
    findings = Dataset.from_tables("random", tables, schema=schema, threads=1).findings
    of_leads = [name for lead in leads for name in unknown(lead, schema, [])]
    of_rows = [name for lead in leads for row in lead.interactions for name in unknown(LeadRecord(""), schema, [row])]
    assert {one.place: one.count for one in findings} == Counter([*(f"leads.{name}" for name in of_leads), *of_rows])
    assert not Dataset.from_tables("random", tables, threads=1).findings
    assert History.from_tables(tables, schema).unknown == ()


def _mixed(given: dict[str, Any] | None, dice: Any) -> dict[str, Any]:
    further = {"head count": dice.choice([None, 3.0]), "branch": dice.choice([None, "north", ""]), "nothing": None}
    return {**(given or {}), **further}


def test_values_of_any_kind_are_no_obstacle() -> None:
    odd: dict[Any, Any] = {"frame": np.arange(3), "list": [1], "missing": pd.NA, 7: "a number as a name", "nothing": None}
    rows = [InteractionRecord("visit", 0, attributes=odd), InteractionRecord("visit", 1, attributes={"frame": np.ones(2)})]
    history = history_of(
        [LeadRecord("a", attributes=odd), LeadRecord("b", interactions=rows), LeadRecord("c", attributes={"nothing": None})], Schema()
    )
    names = ("7", "frame", "list", "missing")
    assert history.unknown == (names, tuple(f"interactions.{name}" for name in names), ())


def test_who_says_only_what_is_known_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "unknown", lambda *_: pytest.fail("looked at again"))
    schema = Schema(("employees", "size"), ("industry",), ("employees", "size"), ("industry",))
    for told in (None, {}, {"size": 7}, {"industry": "", "size": None}, {"employees": 1.5, "size": "3", "industry": "steel"}):
        rows = [InteractionRecord("visit", 0, attributes=told), InteractionRecord("visit", DAY, attributes=told)]
        assert history_of([LeadRecord("a", attributes=told, interactions=rows)], schema).unknown == ()


def test_json_says_nothing_by_null(world: SmallWorld) -> None:
    told = {"industri": None, "size": True, "why": ""}
    visit = {"type": "visit", "occurred_at": "2026-02-11T09:30:00Z", "attributes": told}
    body = {"lead": {"lead_id": "a", "attributes": told}, "interactions": [visit]}
    assert history_of([read_request(json.dumps(body)).record()], world.scorer.schema).unknown == (("interactions.size", "size"),)


def test_a_score_names_them_and_raises_no_flag(world: SmallWorld) -> None:
    rows = [InteractionRecord("price_page", world.now - DAY)]
    known = {"industry": "software", "employees": 12.0}
    further = {"industri": "steel", "created_at": "2025-01-01", "nothing": None}
    plain, misspelt = (
        world.scorer.score(history_of([LeadRecord("a", world.now - 30 * DAY, *told)], world.scorer.schema), world.now)
        for told in ((known, rows), (known | further, [rows[0]._replace(attributes={"industri": "steel"})]))
    )
    assert plain.unknown_attributes == []
    assert misspelt.unknown_attributes == ["created_at", "industri", "interactions.industri"]
    assert replace(misspelt, unknown_attributes=[]) == plain


def test_the_rules_alone_name_none(world: SmallWorld) -> None:
    rows = [InteractionRecord("price_page", world.now - DAY, attributes={"industri": "steel"})]
    rules, lead = RulesScorer(), LeadRecord("a", world.now - 30 * DAY, {"industri": "steel"}, rows)
    assert rules.score(history_of([lead], rules.schema), world.now).unknown_attributes == []
    alone = replace(world.scorer, margin=None)
    assert alone.score(history_of([lead], alone.schema), world.now).unknown_attributes == []


@pytest.fixture
def renamed(world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, int]]:
    """The small world's data with further and misspelt columns, two of nothing, and how many rows have something in the others."""
    monkeypatch.setenv("LEADHEAT_SCORE_LOG", str(tmp_path / "log"))
    folder = tmp_path / "renamed"
    shutil.copytree(world.folder / "data", folder)
    leads = pq.read_table(folder / "leads.parquet")
    leads = leads.rename_columns(["industri" if name == "industry" else name for name in leads.column_names])
    pq.write_table(leads.append_column("nothing", pa.nulls(len(leads), pa.string())), folder / "leads.parquet")
    rows = pq.read_table(folder / "interactions.parquet")
    urls = pa.array(["/prices" if kind == "page_visit" else None for kind in rows["type"].to_pylist()], pa.string())
    rows = rows.append_column("url", urls).append_column("nothing", pa.nulls(len(rows), pa.float64()))
    pq.write_table(rows, folder / "interactions.parquet")
    counted = read_tables(read_settings(folder).settings.data, folder).interactions["url"]  # without those that are set aside
    return folder, {"leads.industri": len(leads) - leads["industri"].null_count, "interactions.url": len(counted) - counted.null_count}


def told_of(findings: Iterable[Finding]) -> list[tuple[str, str, int]]:
    return [(one.severity, one.place, one.count) for one in findings if one.code == "unknown_attribute"]


def test_it_is_told_once_at_once_and_in_buckets(renamed: tuple[Path, dict[str, int]], world: SmallWorld, tmp_path: Path) -> None:
    folder, known = renamed
    source, place = read_settings(folder), ScoreFile(tmp_path / "scores.parquet")
    expected = [("info", column, count) for column, count in known.items()]
    assert told_of(Dataset.read(source.settings.data, folder, world.scorer.schema).findings) == expected
    consent = source.settings.data.model_copy(update={"consent": (ConsentRule(types=("page_visit",), granted=("newsletter",)),)})
    for data in (source.settings.data, consent):
        with in_buckets(data, folder, 5, tmp_path / "cache") as buckets:
            assert told_of(score_buckets(place, world.scorer, buckets, world.now + 1, place.working).findings) == expected


def said(done: Done) -> list[str]:
    assert done.code == 0, done.err
    return [line for line in done.err.splitlines() if "the model does not know" in line]


def test_the_command_says_it_once(renamed: tuple[Path, dict[str, int]], champion_place: Place) -> None:
    folder, known = renamed
    lines = said(champion_place.run("score", str(folder), "--out", "scores.parquet", "--json"))
    for line, (column, count) in zip(sorted(lines, reverse=True), known.items(), strict=True):
        rows = column.partition(".")[0]
        assert f"info: {column}: {rows} have this attribute, which the model does not know; it changes nothing" in line
        assert f"({count})" in line
    scores = pq.read_table(champion_place.folder / "scores.parquet")
    assert not {"unknown_attributes", "flags"} & set(scores.column_names)
