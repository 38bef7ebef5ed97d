"""What goes before a win is told as of each moment, and beside the rate of all."""

from __future__ import annotations

import numpy as np
import pytest

from features.contract import DAY
from features.dataset import Dataset
from features.records import InteractionRecord, LeadRecord
from features.signals import SignalSettings
from features.snapshots import Snapshots
from models.settings import ScoringSettings
from tests.small_data import dataset_of, day
from tests.small_world import SmallWorld
from training.explore import NOT_SEEN, SEEN, rates, signals_seen
from training.groups import Grouping

SETTINGS = ScoringSettings(signals={"talk": SignalSettings(types=("call",), words="talked to us")})


def acted(*kinds: tuple[str, float]) -> LeadRecord:
    return LeadRecord("lead", day(1), interactions=[InteractionRecord(kind, day(when)) for kind, when in kinds for _ in range(20)])


def seen(dataset: Dataset, *moments: float, window: int = 30 * DAY) -> dict[str, list[str]]:
    """Of the one lead there is, on these days."""
    as_of = np.array([day(moment) for moment in moments])
    looks = Snapshots(np.zeros(len(as_of), np.int64), as_of, np.zeros(len(as_of), np.int8))
    return {words: [one.names[code] for code in one.codes] for words, one in signals_seen(dataset, looks, SETTINGS, window).items()}


def test_a_signal_is_seen_after_it_happened_and_as_long_as_the_window() -> None:
    dataset = dataset_of([acted(("call", 10))], [], 60)
    assert seen(dataset, 9, 10, 10.5, 17, 18, window=7 * DAY) == {"talked to us": [NOT_SEEN, NOT_SEEN, SEEN, SEEN, NOT_SEEN]}
    assert seen(dataset, 18, 45)["talked to us"] == [SEEN, NOT_SEEN]


def test_a_type_without_a_signal_stands_for_itself() -> None:
    dataset = dataset_of([acted(("call", 2), ("price_page", 10))], [], 60)
    assert seen(dataset, 5, 20) == {"price page": [NOT_SEEN, SEEN]}


def test_rates_are_held_against_the_rate_of_all(world: SmallWorld) -> None:
    looks = world.parts.train
    half = Grouping((looks.lead % 2).astype(np.int64), ("even", "odd"))
    slices = rates(looks, {"number": half})
    assert [one.value for one in slices] == ["even", "odd"]
    assert [one.expected for one in slices] == pytest.approx([looks.label.mean()] * 2)
    assert [one.rate for one in slices] == [looks.label[rows].mean() for rows in half.rows]
    assert {one.verdict for one in slices} == {"as expected"}


def test_what_is_followed_by_wins_stands_out(world: SmallWorld) -> None:
    looks = world.parts.train
    slices = rates(looks, signals_seen(world.dataset, looks, world.settings))
    verdicts = {one.by: one.verdict for one in slices if one.value == SEEN}
    assert verdicts["asked for a demo"] == "more won"
    assert verdicts["opted out"] != "more won"
