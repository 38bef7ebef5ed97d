"""Scoring since an earlier run: what a full run gives, byte by byte, whatever has happened meanwhile."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import Booster

from features.buckets.buckets import in_buckets
from features.contract import DAY, to_micros
from features.dataset import Dataset
from models.earlier import Incremental
from models.margin import BoosterMargin
from models.scorer import LeadScorer
from models.settings import read_settings
from models.table import FOR_LATER
from serving.batch import score_to
from serving.bucketed import score_buckets
from serving.output import ScoreFile
from tests.small_world import SmallWorld

LATER = 0.1
"""The share of interactions that arrive a day late."""


@pytest.fixture(scope="module")
def days(world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> list[Dataset]:
    """The small world as it is told on three days in a row, and a week after."""
    return [told(world, back, tmp_path_factory.mktemp("day")) for back in (40, 39, 38, 31)]


def told(world: SmallWorld, back: int, folder: Path) -> Dataset:
    """What is known so many days before the end: some arrives late; from the third day on leads are merged, some become others."""
    source = world.folder / "data"
    now = pd.Timestamp(world.now - back * DAY, unit="us", tz="UTC")
    leads, interactions, outcomes = (pd.read_parquet(source / f"{name}.parquet") for name in ("leads", "interactions", "outcomes"))
    late = np.random.default_rng(0).random(len(interactions)) < LATER
    interactions = interactions[interactions["occurred_at"] + pd.to_timedelta(late.astype(int), "D") < now]
    leads, outcomes = leads[leads["created_at"] < now], outcomes[outcomes["closed_at"] < now]
    if back <= 38:
        kept, gone = leads["lead_id"].iloc[::7].tolist(), leads["lead_id"].iloc[1::7].tolist()
        survivor = dict(zip(gone, kept, strict=False))
        interactions = interactions.assign(lead_id=interactions["lead_id"].replace(survivor))
        leads = leads[~leads["lead_id"].isin(survivor)]
        outcomes = outcomes[~outcomes["lead_id"].isin(survivor)]
        leads = leads.assign(industry=np.where(np.arange(len(leads)) % 5 == 0, "retail", leads["industry"]))
    for name, table in (("leads", leads), ("interactions", interactions), ("outcomes", outcomes)):
        table.to_parquet(folder / f"{name}.parquet")
    shutil.copy(source / "leadheat.toml", folder)
    settings = read_settings(folder)
    return replace(Dataset.read(settings.settings.data, settings.root, world.scorer.schema), observed_until=to_micros(now.to_pydatetime()))


def run(scorer: LeadScorer, dataset: Dataset, out: Path, *, explain: bool = True) -> int:
    return sum(score_to(ScoreFile(out), scorer, dataset, dataset.observed_until, explain=explain).bands.values())


@pytest.mark.parametrize("reasons", ["with reasons", "without"])
def test_day_after_day_the_result_is_that_of_a_full_run(reasons: str, days: list[Dataset], world: SmallWorld, tmp_path: Path) -> None:
    explain = reasons == "with reasons"
    files = [tmp_path / f"{number}.parquet" for number in range(len(days))]
    run(world.scorer, days[0], files[0], explain=explain)
    shares = []
    for (earlier, file), dataset in zip(pairwise(files), days[1:], strict=True):
        scorer = Incremental.since(earlier, world.scorer)
        rows = run(scorer, dataset, file, explain=explain)
        run(world.scorer, dataset, tmp_path / "full.parquet", explain=explain)
        assert file.read_bytes() == (tmp_path / "full.parquet").read_bytes()
        shares.append(1 - scorer.computed / rows)
    assert all(0.05 < share < 0.95 for share in shares)


def test_the_same_moment_again_asks_the_model_nothing(days: list[Dataset], world: SmallWorld, tmp_path: Path) -> None:
    run(world.scorer, days[0], tmp_path / "old.parquet")
    scorer = Incremental.since(tmp_path / "old.parquet", world.scorer)
    run(scorer, days[0], tmp_path / "new.parquet")
    assert scorer.computed == 0
    assert (tmp_path / "new.parquet").read_bytes() == (tmp_path / "old.parquet").read_bytes()


def test_reasons_that_the_earlier_run_did_not_give_are_computed(days: list[Dataset], world: SmallWorld, tmp_path: Path) -> None:
    run(world.scorer, days[0], tmp_path / "old.parquet", explain=False)
    scorer = Incremental.since(tmp_path / "old.parquet", world.scorer)
    run(scorer, days[0], tmp_path / "new.parquet")
    run(world.scorer, days[0], tmp_path / "full.parquet")
    assert (tmp_path / "new.parquet").read_bytes() == (tmp_path / "full.parquet").read_bytes()
    warm = pq.read_table(tmp_path / "full.parquet")["reasons"]
    assert scorer.computed == len(warm) - warm.null_count > 0


def test_a_model_that_shares_the_trees_takes_them_over_and_another_is_told(
    days: list[Dataset], world: SmallWorld, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(world.scorer, days[0], tmp_path / "old.parquet")
    recalibrated = replace(world.scorer, reference=world.scorer.reference / 2, fingerprint="f" * 64)
    assert isinstance(world.scorer.margin, BoosterMargin)
    text = Booster(model_str=world.scorer.margin.text).model_to_string(num_iteration=20)
    fewer = replace(world.scorer, margin=BoosterMargin(text), fingerprint="e" * 64)
    for other, computes in ((recalibrated, False), (fewer, True)):
        caplog.clear()
        scorer = Incremental.since(tmp_path / "old.parquet", other)
        rows = run(scorer, days[0], tmp_path / "new.parquet")
        run(other, days[0], tmp_path / "full.parquet")
        assert scorer.computed == (rows if computes else 0)
        assert "is of another model" in caplog.text
        assert (tmp_path / "new.parquet").read_bytes() == (tmp_path / "full.parquet").read_bytes()


def test_a_file_that_tells_nothing_is_told_and_all_is_computed(
    days: list[Dataset], world: SmallWorld, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old, full = tmp_path / "old.parquet", tmp_path / "full.parquet"
    rows = run(world.scorer, days[0], full)
    whole = full.read_bytes()
    place = whole.index(pq.read_table(full)["cells"][0].as_py())
    flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    pq.write_table(pq.read_table(full).drop_columns(list(FOR_LATER)), tmp_path / "plain.parquet")
    for content in (b"no Parquet", whole[:-100], flipped, (tmp_path / "plain.parquet").read_bytes()):
        caplog.clear()
        old.write_bytes(content)
        scorer = Incremental.since(old, world.scorer)
        assert run(scorer, days[0], tmp_path / "new.parquet") == rows == scorer.computed
        assert "everything is computed anew" in caplog.text
        assert (tmp_path / "new.parquet").read_bytes() == whole


def test_the_linear_model_and_the_rules_compute_all(days: list[Dataset], world: SmallWorld, tmp_path: Path) -> None:
    for plain in (world.logistic, replace(world.logistic, margin=None, bands=None)):
        rows = run(plain, days[0], tmp_path / "old.parquet")
        scorer = Incremental.since(tmp_path / "old.parquet", plain)
        run(scorer, days[0], tmp_path / "new.parquet")
        assert scorer.computed == rows
        assert (tmp_path / "new.parquet").read_bytes() == (tmp_path / "old.parquet").read_bytes()


@given(seed=st.integers(0, 2**32 - 1))
def test_equal_cells_mean_equal_bits(seed: int, world: SmallWorld) -> None:
    """Rows on, beside and between the thresholds, missing, zero nearly, and beyond all."""
    scorer, rng = world.scorer, np.random.default_rng(seed)
    assert scorer.cells is not None
    margin = scorer.margin
    assert margin is not None
    thresholds = np.float32(scorer.cells._thresholds)
    odd = np.array([np.nan, 0, -0.0, 1e-35, -1e-35, 1e-36, -1e-36, 2e-35, np.inf, -np.inf, 1e30], np.float32)
    near = np.concatenate([thresholds, np.nextafter(thresholds, np.float32(np.inf)), np.nextafter(thresholds, np.float32(-np.inf)), odd])
    X = rng.choice(near, (1, len(scorer.features.features))).repeat(64, axis=0)
    for row in range(1, 64):
        some = rng.integers(0, X.shape[1], 3)
        X[row, some] = rng.choice(near, 3)
    levels = [i for i, one in enumerate(scorer.features.features) if one.levels is not None]
    X[:, levels] = rng.choice(np.array([np.nan, 0, 1, 2, 3, 50], np.float32), (64, len(levels)))
    X[32:, levels] = X[0, levels]
    hashes = scorer.cells.of(X)
    equal = (hashes[:, None] == hashes[None]).all(axis=2)
    margins, sums = margin.margin(X), margin.contributions(X)
    assert (~equal | (margins[:, None] == margins[None])).all()
    assert (~equal | (sums[:, None] == sums[None]).all(axis=2)).all()
    assert equal.sum() > 64


def test_in_buckets_the_result_is_that_of_a_full_run(world: SmallWorld, tmp_path: Path) -> None:
    source = read_settings(world.folder / "data")

    def run_in_buckets(scorer: LeadScorer, as_of: int, name: str) -> int:
        out = ScoreFile(tmp_path / name)
        return sum(score_buckets(out, scorer, buckets, as_of, out.working).bands.values())

    with in_buckets(source.settings.data, source.root, 7, tmp_path / "cache") as buckets:
        run_in_buckets(world.scorer, world.now - 2 * DAY, "old.parquet")
        scorer = Incremental.since(tmp_path / "old.parquet", world.scorer)
        rows = run_in_buckets(scorer, world.now, "new.parquet")
        run_in_buckets(world.scorer, world.now, "full.parquet")
    assert (tmp_path / "new.parquet").read_bytes() == (tmp_path / "full.parquet").read_bytes()
    assert 0 < scorer.computed < 0.95 * rows
