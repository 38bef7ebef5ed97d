"""Learning within a budget of memory: all leads where they fit, to the bit as without one, and else a random sample that is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.buckets.budget import SMALLEST
from features.dataset import Dataset
from models.settings import Source
from tests.command import Place
from tests.small_world import SmallWorld
from training.check import check
from training.within import Within, read_within, room_in, to_learn


@pytest.fixture
def source(world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setenv("LEADHEAT_CACHE", str(tmp_path / "cache"))
    return Source(world.settings, world.folder / "data")


def content(dataset: Dataset) -> list[object]:
    history = dataset.history
    return [history.lead_ids.to_pylist(), history.occurred_at.tolist(), history.type.codes.tolist(), dataset.outcomes.closed_at.tolist()]


def a_quarter(source: Source) -> Within:
    """As if a training of all took four times what is left."""
    return read_within(source, SMALLEST, lambda *_: 4 * room_in(SMALLEST))


def test_with_enough_memory_nothing_changes(source: Source, world: SmallWorld) -> None:
    read = read_within(source, 8 << 30, to_learn)
    assert content(read.dataset) == content(world.dataset)
    assert (read.dataset.findings, read.dataset.fingerprint, read.dataset.share) == (world.dataset.findings, world.dataset.fingerprint, 1.0)


def test_what_does_not_fit_is_sampled_by_lead_and_told(source: Source, world: SmallWorld) -> None:
    read, again = a_quarter(source), a_quarter(source)
    dataset, whole = read.dataset, world.dataset
    assert content(dataset) == content(again.dataset)
    assert 0.15 < dataset.share < 0.35
    assert len(dataset.history) == pytest.approx(dataset.share * len(whole.history))
    assert (dataset.fingerprint, dataset.observed_until) == (whole.fingerprint, whole.observed_until)
    assert read.rows["leads"] == len(whole.history)
    (sampled,) = [finding for finding in dataset.findings if finding.code == "sampled"]
    assert (sampled.severity, sampled.count) == ("info", len(dataset.history))
    assert sampled.detail.startswith(f"{dataset.share:.1%} of the leads fit into --memory (16 of 64 parts")
    place = {lead: i for i, lead in enumerate(whole.history.lead_ids.to_pylist())}
    for number, lead in enumerate(dataset.history.lead_ids.to_pylist()):
        one, other = dataset.history.slice(number, number + 1), whole.history.slice(place[lead], place[lead] + 1)
        np.testing.assert_array_equal(one.occurred_at, other.occurred_at)
        assert [one.type.levels[code] for code in one.type.codes] == [other.type.levels[code] for code in other.type.codes]


def test_a_training_needs_more_than_a_check(source: Source, world: SmallWorld) -> None:
    read = read_within(source, 8 << 30, to_learn)
    cells = len(world.parts.train) * len(world.scorer.features.names)
    assert to_learn(read.dataset, read.tables, world.settings) > 12 * cells


def test_check_counts_all_rows_and_audits_a_sample(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_it = check(source)
    monkeypatch.setattr("training.check.to_check", lambda *_: 4 * room_in(SMALLEST))
    found = check(source, SMALLEST)
    assert (found.ok, found.rows, found.leads, found.won) == (True, all_of_it.rows, all_of_it.leads, all_of_it.won)
    assert found.dataset is not None
    assert found.dataset.share < 0.35
    assert {one.code for one in found.findings} >= {"sampled", *(one.code for one in all_of_it.findings if one.table == "")}


def test_a_size_that_is_none_is_refused(tmp_path: Path) -> None:
    for words, said in (("much", "is no size"), ("1MB", "is too little")):
        done = Place(tmp_path).run("check", str(tmp_path), "--memory", words)
        assert done.code == 2
        assert said in done.err
