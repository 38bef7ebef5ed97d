"""Learning within a budget of memory: all leads where they fit, to the bit as without one, and else a random sample that is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.buckets.budget import SMALLEST
from features.dataset import Dataset
from features.sources import Tables, read_tables
from models.settings import Settings, Source, read_settings
from tests.command import Place
from tests.small_world import LEADS, SmallWorld
from training.check import check
from training.within import Within, read_within, room_in, to_check, to_learn


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHEAT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def source(cached: None, world: SmallWorld) -> Source:  # noqa: ARG001
    return Source(world.settings, world.folder / "data")


def content(dataset: Dataset) -> list[object]:
    history = dataset.history
    return [history.lead_ids.to_pylist(), history.occurred_at.tolist(), history.type.codes.tolist(), dataset.outcomes.closed_at.tolist()]


def a_part(source: Source) -> Within:
    return read_within(source, SMALLEST, too_much)


def too_much(dataset: Dataset, *_: object) -> int:
    """As if the work on all leads of the small world took two and a half times what is left."""
    return 5 * room_in(SMALLEST) * len(dataset.history) // (2 * LEADS)


def test_with_enough_memory_nothing_changes(source: Source, world: SmallWorld) -> None:
    read = read_within(source, 8 << 30, to_learn)
    assert content(read.dataset) == content(world.dataset)
    assert (read.dataset.findings, read.dataset.fingerprint, read.dataset.share) == (world.dataset.findings, world.dataset.fingerprint, 1.0)


def test_what_does_not_fit_is_sampled_by_lead_and_told(source: Source, world: SmallWorld) -> None:
    read, again = a_part(source), a_part(source)
    dataset, whole = read.dataset, world.dataset
    assert content(dataset) == content(again.dataset)
    assert 0.15 < dataset.share < 0.4  # less than fits, for it is judged by the fullest bucket
    assert len(dataset.history) == pytest.approx(dataset.share * len(whole.history))
    assert (dataset.fingerprint, dataset.observed_until) == (whole.fingerprint, whole.observed_until)
    assert read.rows["leads"] == len(whole.history)
    (sampled,) = [finding for finding in dataset.findings if finding.code == "sampled"]
    assert (sampled.severity, sampled.count) == ("info", len(dataset.history))
    assert sampled.detail.startswith(f"{dataset.share:.1%} of the leads fit into --memory (")
    place = {lead: i for i, lead in enumerate(whole.history.lead_ids.to_pylist())}
    for number, lead in enumerate(dataset.history.lead_ids.to_pylist()):
        one, other = dataset.history.slice(number, number + 1), whole.history.slice(place[lead], place[lead] + 1)
        np.testing.assert_array_equal(one.occurred_at, other.occurred_at)
        assert [one.type.levels[code] for code in one.type.codes] == [other.type.levels[code] for code in other.type.codes]


def test_a_training_needs_more_than_a_check(source: Source, world: SmallWorld) -> None:
    tables = read_tables(world.settings.data, source.root)
    cells = len(world.parts.train) * len(world.scorer.features.names)
    assert to_learn(world.dataset, tables, world.settings) > to_check(world.dataset, tables, world.settings) + 12 * cells


def test_check_counts_all_rows_and_audits_a_sample(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_it = check(source)
    monkeypatch.setattr("training.check.to_check", too_much)
    found = check(source, SMALLEST)
    assert (found.ok, found.rows, found.leads, found.won) == (True, all_of_it.rows, all_of_it.leads, all_of_it.won)
    assert found.dataset is not None
    assert found.dataset.share < 0.4
    assert {one.code for one in found.findings} >= {"sampled", *(one.code for one in all_of_it.findings if one.table == "")}


def written(folder: Path, sizes: dict[str, int]) -> Source:
    """A data set of leads with so many interactions each."""
    leads = "".join(f"{lead},2024-01-01T00:00:00Z\n" for lead in sizes)
    each = [(lead, f"2024-02-01T{i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}Z") for lead, many in sizes.items() for i in range(many)]
    rows = "".join(f"{lead},{moment},mail\n" for lead, moment in each)
    folder.mkdir()
    (folder / "leads.csv").write_text(f"lead_id,created_at\n{leads}")
    (folder / "interactions.csv").write_text(f"lead_id,occurred_at,type\n{rows}")
    (folder / "leadheat.toml").write_text('[data]\nleads = { path = "leads.csv" }\ninteractions = { path = "interactions.csv" }\n')
    return read_settings(folder)


@pytest.mark.usefixtures("cached")
def test_a_giant_lead_is_not_taken_for_a_small_one(tmp_path: Path) -> None:
    of_all = written(tmp_path / "giant", {f"lead {number}": 10 for number in range(300)} | {"giant": 20_000})

    def need(_: Dataset, tables: Tables, __: Settings) -> int:
        return len(tables.interactions) * room_in(SMALLEST) // 5_000  # so that 5,000 interactions fit

    dataset = read_within(of_all, SMALLEST, need).dataset
    assert "giant" not in dataset.history.lead_ids.to_pylist()
    assert 10 <= len(dataset.history.occurred_at) <= 5_000


@pytest.mark.usefixtures("cached")
def test_some_lead_is_always_taken(tmp_path: Path) -> None:
    few = written(tmp_path / "few", {"one": 3, "other": 4})
    read = read_within(few, SMALLEST, lambda *_: 1 << 60)
    assert len(read.dataset.history) == 1
    assert read.rows == {"leads": 2, "interactions": 7, "outcomes": 0}


def test_a_size_that_is_none_is_refused(tmp_path: Path) -> None:
    for words, said in (("much", "is no size"), ("1MB", "is too little")):
        done = Place(tmp_path).run("check", str(tmp_path), "--memory", words)
        assert done.code == 2
        assert said in done.err
