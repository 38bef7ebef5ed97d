"""The order of rows means nothing: the same data in any order give the same features, the same model and the same figures."""

from __future__ import annotations

import random
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.buckets.budget import SMALLEST
from features.catalogue import FeatureSettings
from features.closings import NO_OUTCOMES
from features.compute import compute
from features.contract import DAY, DataError
from features.data_settings import DataSettings
from features.dataset import Dataset
from features.sources import Tables
from features.vocabulary import fit_features
from models.settings import Source, read_settings
from serving.bucketed import score_within
from serving.output import ScoreFile
from tests.random_histories import DICE, SETTINGS, SIGNALS, World, moments, tables_of, worlds
from tests.shuffled import shuffled
from tests.small_world import SmallWorld, with_won
from tests.test_shares import CONFIGURED, NAMES, random_rows, write
from tests.test_shares import SETTINGS as FILES
from training.evaluate import evaluate
from training.learn import learn
from training.split import split
from training.within import read_within, room_in

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def mixed(world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The small world in another order."""
    folder = shuffled(world.folder / "data", tmp_path_factory.mktemp("mixed") / "data")
    return Source(world.settings, folder)


def content(value: Any) -> Any:
    """All that a data set holds, to the last bit; only which row stands for a finding may differ."""
    if isinstance(value, Dataset):
        told = [replace(finding, example="") for finding in value.findings]
        return [told, *(content(getattr(value, name)) for name in ("history", "outcomes", "observed_until", "fingerprint", "share"))]
    if isinstance(value, np.ndarray):
        return value.dtype, value.tobytes()
    if isinstance(value, dict):
        return {name: content(one) for name, one in value.items()}
    if is_dataclass(value):
        return {one.name: content(getattr(value, one.name)) for one in fields(value)}
    return value.to_pylist() if isinstance(value, pa.Array) else value


def closings(world: World, dice: random.Random) -> pa.Table:
    """Some leads won or lost, several of them at one moment."""
    some = dice.sample([lead.lead_id for lead in world.leads], 9)
    at = [dice.choice([DAY, 2 * DAY, dice.randrange(DAY)]) for _ in some]
    return pa.table([some, moments(at), [dice.random() < 0.5 for _ in some]], schema=NO_OUTCOMES.schema)


def mixed_up(tables: Tables, dice: random.Random) -> Tables:
    """The rows of each table in another order."""
    parts = {name: getattr(tables, name) for name in NAMES}
    return replace(
        tables, **{name: rows.take(pa.array(dice.sample(range(len(rows)), len(rows)), pa.int64())) for name, rows in parts.items()}
    )


@EXAMPLES
@given(worlds(), DICE, st.booleans())
def test_any_order_gives_the_same_data_set_and_features(world: World, dice: random.Random, order: bool) -> None:  # noqa: FBT001
    """Leads of any ids, with many interactions at one moment, that declare an order among these or none."""
    tables = replace(tables_of(world.leads, world.features.schema, dice, order=order), outcomes=closings(world, dice))
    found = []
    for one in (tables, mixed_up(tables, dice)):
        dataset = Dataset.from_tables("any", one, threads=dice.randint(1, 3))
        features = fit_features(dataset.history, SETTINGS[0], SIGNALS)
        lead = np.repeat(np.arange(len(dataset.history)), 3)
        X = compute(features, dataset.history, lead, np.tile(world.as_of[:3], len(dataset.history)))
        found.append((content(dataset), features.to_dict(), content(X)))
    assert found[0] == found[1]
    assert found[0][0][1]["ids"] == sorted(lead.lead_id for lead in world.leads)


@pytest.mark.parametrize("seed", range(8))
def test_any_order_of_files_in_which_much_is_wrong_is_read_alike(tmp_path: Path, seed: int) -> None:
    """Of rows that repeat or contradict each other the same ones count."""
    rows, dice, found = random_rows(seed, rate=0.002), random.Random(seed), []  # noqa: S311 - an order, no secret
    data = DataSettings.model_validate(FILES | CONFIGURED[seed % 4] | {"repeatable": True})
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, {name: dice.sample(some, len(some)) for name, some in rows.items()})
        try:
            dataset = Dataset.read(data, folder)
            found.append((content(dataset), fit_features(dataset.history, FeatureSettings(min_count=1), {}).to_dict()))
        except DataError as refused:
            found.append((sorted((one.code, one.table, one.count) for one in refused.findings), {}))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("way", ["in memory", "in buckets"])
def test_any_order_and_any_way_of_reading_gives_the_same_model_and_figures(
    way: str, mixed: Source, world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADHEAT_CACHE", str(tmp_path / "cache"))
    needs = iter([2 * room_in(SMALLEST)] if way == "in buckets" else [])  # too much at once; and then each bucket takes nothing
    dataset = read_within(mixed, SMALLEST, lambda *_: next(needs, 0)).dataset
    assert (tmp_path / "cache").exists() == (way == "in buckets")
    assert content(dataset) == content(world.dataset)
    parts = split(dataset, world.settings.snapshots, world.settings.model.calibration_share)
    again = learn(dataset, with_won(parts, 99), world.settings).save(tmp_path / "again")
    assert again.fingerprint == world.logistic.save(tmp_path / "first").fingerprint
    first, second = evaluate(world.scorer, world.dataset, world.parts.test), evaluate(world.scorer, dataset, parts.test)
    assert (second.model, second.rules, second.against_rules) == (first.model, first.rules, first.against_rules)


def test_scores_come_in_the_order_of_the_leads_table(
    mixed: Source, world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADHEAT_SCORE_LOG", str(tmp_path / "log"))
    tables = {}
    for name, folder in (("listed", world.folder / "data"), ("mixed", mixed.root)):
        score_within(read_settings(folder), world.scorer, ScoreFile(tmp_path / f"{name}.parquet"), None, memory=8 << 30)
        tables[name] = pq.read_table(tmp_path / f"{name}.parquet")
        there = set(tables[name]["lead_id"].to_pylist())
        listed = pq.read_table(folder / "leads.parquet")["lead_id"].to_pylist()
        assert tables[name]["lead_id"].to_pylist() == [lead for lead in listed if lead in there]
    assert tables["mixed"]["lead_id"] != tables["listed"]["lead_id"]
    assert tables["mixed"].sort_by("lead_id").equals(tables["listed"].sort_by("lead_id"))
