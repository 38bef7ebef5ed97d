"""The split in time: learn, calibrate, test, and a horizon between them that no label looks across."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from features.contract import DAY, DataError
from features.dataset import Dataset
from features.records import LeadRecord
from features.snapshots import Snapshots, SnapshotSettings
from tests.small_data import dataset_of, day, lead
from training.split import Split, split, weights

QUARTER = 0.25


def world(until: float = 101, leads: int = 20) -> Dataset:
    """A lead created every day from day 1 on, every third of them won ten days later."""
    people = [lead(number, number + 0.5, name=f"lead {number}") for number in range(1, leads + 1)]
    return dataset_of(people, [(f"lead {number}", number + 10, True) for number in range(1, leads + 1, 3)], until)


def settings(**values: Any) -> SnapshotSettings:
    return SnapshotSettings.model_validate({"horizon": "5d", "every": "1d"} | values)


def days(part: Snapshots) -> tuple[float, float]:
    """First and last day of a part."""
    first, last = 1 + (part.as_of.min() - day(1)) / DAY, 1 + (part.as_of.max() - day(1)) / DAY
    return float(first), float(last)


def together(part: Snapshots) -> set[tuple[int, int]]:
    return set(zip(part.lead.tolist(), part.as_of.tolist(), strict=True))


def nobody_looks_ahead(parts: Split, horizon: int) -> None:
    for earlier, later in ((parts.learn, parts.calibrate), (parts.calibrate, parts.test), (parts.train, parts.test)):
        assert earlier.as_of.max() + horizon <= later.as_of.min()


def test_by_default_the_snapshots_are_parted_60_20_20_less_the_gaps() -> None:
    even = dataset_of([lead(1, name=str(number)) for number in range(10)], [], until=106)
    parts = split(even, settings(), QUARTER)
    # Looks on days 2 to 101; the test is the last fifth of them, and a horizon before it and before the calibration is left out.
    assert days(parts.test) == (82, 101)
    assert days(parts.train) == (2, 77)
    assert days(parts.calibrate) == (59, 77)
    assert days(parts.learn) == (2, 54)
    assert [len(parts.learn), len(parts.calibrate), len(parts.test), parts.purged] == [530, 190, 200, 80]


def test_stated_dates_include_both_ends() -> None:
    dates = {"train": ["2026-01-05", "2026-01-25"], "test": {"from": "2026-02-01", "to": "2026-02-15", "every": "7d"}}
    parts = split(world(), settings(**dates), QUARTER)
    assert days(parts.train) == (5, 25)
    assert sorted(set(parts.test.as_of.tolist())) == [day(32), day(39), day(46)]


def test_training_looks_that_reach_into_the_stated_test_are_left_out() -> None:
    dates = {"train": ["2026-01-05", "2026-01-25"], "test": {"from": "2026-01-26"}}
    parts = split(world(), settings(**dates), QUARTER)
    assert days(parts.train) == (5, 21)
    assert parts.train.as_of.max() + 5 * DAY == parts.test.as_of.min()


def test_without_test_dates_the_test_begins_a_horizon_after_training_and_ends_with_what_is_known() -> None:
    parts = split(world(), settings(train=["2026-01-05", "2026-01-25"]), QUARTER)
    assert days(parts.train) == (5, 25)
    assert days(parts.test) == (30, 96)


def test_without_training_dates_everything_before_the_test_is_learnt_from() -> None:
    parts = split(world(), settings(test={"from": "2026-02-01", "to": "2026-02-03"}), QUARTER)
    assert days(parts.train) == (2, 27)
    assert days(parts.test) == (32, 34)


@pytest.mark.parametrize("how", ["after_each_interaction", "at_creation"])
def test_looks_that_follow_the_leads_are_parted_by_the_same_dates(how: str) -> None:
    dates = {how: True, "train": ["2026-01-02", "2026-01-12"], "test": {"from": "2026-01-15", "to": "2026-01-18"}, "horizon": "2d"}
    parts = split(world(), settings(**dates), QUARTER)
    assert [int(first) for first in days(parts.train)] == [2, 11]
    assert [int(first) for first in days(parts.test)] == [15, 17]


EMPTY = [
    (dataset_of([lead(1)], [], until=4), {}, "no matured snapshot for the training part"),
    (dataset_of([lead(1), lead(1, name="other")], [], until=7), {}, "no matured snapshot for the training part"),
    (world(), {"test": {"from": "2027-01-01"}}, "no matured snapshot for the test part"),
    (world(), {"train": ["2025-01-01", "2025-02-01"], "test": {"from": "2026-02-01"}}, "no matured snapshot for the training part"),
    (world(), {"test": {"from": "2026-01-05"}}, "No snapshot is left for the training part"),
    (world(), {"test": {"from": "2026-01-08"}}, "No snapshot is left for the learning part"),
    (dataset_of([LeadRecord("lead")], [], until=100), {}, "neither a creation date nor an interaction"),
]


@pytest.mark.parametrize(("dataset", "dates", "words"), EMPTY, ids=[words for *_, words in EMPTY])
def test_an_empty_part_is_refused_in_words(dataset: Dataset, dates: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words) as refused:
        split(dataset, settings(**dates), QUARTER)
    assert refused.value.hint


closing = st.tuples(st.integers(0, 11), st.integers(2, 60), st.booleans())


@given(
    st.lists(st.integers(1, 40), min_size=3, max_size=12),
    st.lists(closing, max_size=12),
    st.integers(1, 9),
    st.integers(1, 5),
    st.booleans(),
)
def test_no_label_looks_into_a_later_part(
    created: list[int],
    closings: list[tuple[int, int, bool]],
    horizon: int,
    every: int,
    each: bool,  # noqa: FBT001
) -> None:
    leads = [lead(number, number, number + 7, number + 12, name=str(i)) for i, number in enumerate(created)]
    closed = [(str(i), when, won) for i, when, won in closings if i < len(created)]
    looking = settings(horizon=f"{horizon}d", every=f"{every}d", after_each_interaction=each)
    try:
        parts = split(dataset_of(leads, closed, until=60), looking, QUARTER)
    except DataError:
        reject()
    nobody_looks_ahead(parts, horizon * DAY)
    learn, calibrate, train, test = (together(part) for part in (parts.learn, parts.calibrate, parts.train, parts.test))
    assert learn | calibrate <= train
    assert not train & test
    assert min(len(learn), len(calibrate), len(test)) > 0
    assert all((part.label >= 0).all() for part in (parts.train, parts.test))
    assert parts.purged >= len(train) - len(learn) - len(calibrate)


def test_every_lead_weighs_the_same_or_every_snapshot() -> None:
    snapshots = Snapshots(np.array([0, 0, 0, 2]), np.array([1, 2, 3, 1]), np.zeros(4, np.int8))
    assert weights(snapshots, "snapshot") is None
    even = weights(snapshots, "lead")
    assert even is not None
    assert even.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert even.mean() == pytest.approx(1)
