"""The slices of an evaluation: what belongs where, that nothing is lost, and when a slice is called off."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from features.columns import Attributes, Categorical
from features.contract import SettingsError
from features.dataset import Dataset
from features.records import LeadRecord
from features.snapshots import Snapshots
from models.scorer import Scored
from tests.small_data import dataset_of, day, lead
from tests.small_world import SmallWorld
from training.bootstrap import bootstrap, paired
from training.breakdown import RESAMPLES, breakdown, groupings, stands_out
from training.evaluate import Evaluation, evaluate
from training.groups import LEVELS, Grouping, known_by
from training.metrics import Predictions


def looks(*pairs: tuple[int, float]) -> Snapshots:
    """Snapshots of leads on days."""
    return Snapshots(np.array([number for number, _ in pairs]), np.array([day(when) for _, when in pairs]), np.zeros(len(pairs), np.int8))


def named(grouping: Grouping) -> list[str]:
    return [grouping.names[code] for code in grouping.codes]


def with_attributes(dataset: Dataset, texts: dict[str, Sequence[str | None]], numbers: dict[str, Sequence[float]] | None = None) -> Dataset:
    """The data set with these attributes of its leads."""
    numeric = {name: np.array(values, dtype=np.float64) for name, values in (numbers or {}).items()}
    attributes = Attributes(
        numeric, {name: Categorical.of_arrow(pa.chunked_array([values], pa.string())) for name, values in texts.items()}
    )
    return replace(dataset, history=replace(dataset.history, lead_attributes=attributes))


def judged(snapshots: Snapshots, p: np.ndarray, q: np.ndarray | None = None) -> Evaluation:
    """An evaluation of given probabilities, of the model and of the rules."""
    nothing = np.zeros(len(p))
    scored = Scored(
        nothing[:, None].astype(np.float32), nothing, nothing, p, nothing, nothing.astype(np.int8), nothing, nothing.astype(np.int8)
    )
    return Evaluation(snapshots, scored, p if q is None else q, {}, {}, {})


def many(rates: list[float], each: int = 600, seed: int = 0) -> tuple[Dataset, Snapshots]:
    """Leads in groups "group 0", ... of so many, each looked at once and won at the group's rate."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(rates)), each)
    dataset = with_attributes(
        dataset_of([lead(1, name=f"{i:05}") for i in range(len(group))], [], 40), {"team": [f"group {i}" for i in group]}
    )
    label = (rng.random(len(group)) < np.array(rates)[group]).astype(np.int8)
    return dataset, Snapshots(np.arange(len(group)), np.full(len(group), day(5)), label)


def test_ages_are_counted_from_the_creation_or_else_from_the_first_interaction() -> None:
    dataset = dataset_of([lead(1), lead(None, (1, 2), name="b"), LeadRecord("c", None)], [], 300)
    snapshots = looks((0, 1.5), (0, 2), (0, 8.9), (0, 9), (0, 32), (0, 91.9), (0, 92), (1, 2.5), (1, 3), (2, 9))
    words = ["under a day", "1 to 7 days", "1 to 7 days", "8 to 30 days", "31 to 90 days", "31 to 90 days", "over 90 days"]
    assert named(groupings(dataset, snapshots)["age"]) == [*words, "under a day", "1 to 7 days", "unknown"]


def test_a_history_is_as_long_as_it_was_known() -> None:
    dataset = dataset_of([lead(1, (2, 9), 3, 4), lead(1, *range(2, 40), name="b"), lead(1, name="c")], [], 60)
    snapshots = looks((0, 3), (0, 5), (0, 9), (0, 9.1), (1, 8), (1, 23), (1, 50), (2, 50))
    assert known_by(dataset.history, snapshots).tolist() == [0, 2, 2, 3, 6, 21, 38, 0]
    words = ["none", "1 to 2", "1 to 2", "3 to 5", "6 to 20", "over 20", "over 20", "none"]
    assert named(groupings(dataset, snapshots)["history"]) == words


def test_months_are_of_utc_and_in_order() -> None:
    months = groupings(dataset_of([lead(1)], [], 99), looks((0, 31.99), (0, 32), (0, 61)))["month"]
    assert months.names == ("2026-01", "2026-02", "2026-03")
    assert named(months) == ["2026-01", "2026-02", "2026-03"]


def test_levels_stand_by_their_number_and_the_rest_together() -> None:
    texts: list[str | None] = [None, *(f"level {i:02}" for i in range(12) for _ in range(12 - i)), "a", "a", "b"]
    dataset = with_attributes(
        dataset_of([lead(1, name=f"{i:03}") for i in range(len(texts))], [], 9), {"team": texts}, {"age": [1.0] * len(texts)}
    )
    found = groupings(dataset, looks(*((i, 2) for i in range(len(texts)))))
    assert found["team"].names == (*(f"level {i:02}" for i in range(LEVELS)), "other", "not stated")
    assert named(found["team"]).count("other") == 4 + 3 + 2 + 1 + 3
    assert named(found["lead.age"]) == ["1"] * len(texts)
    few = looks((1, 2), (13, 2), (12 + 11 + 1, 2))
    assert groupings(dataset, few)["team"].names == ("level 00", "level 01", "level 02")


def test_numbers_are_parted_by_quartiles_of_the_snapshots_or_value_by_value() -> None:
    values = [float(value) for value in range(1, 101)] + [np.nan] * 4
    people = [lead(1, name=f"{i:03}") for i in range(104)]
    dataset = with_attributes(dataset_of(people, [], 9), {}, {"size": values, "stars": [value % 3 for value in values]})
    found = groupings(dataset, looks(*((i, 2) for i in range(104))))
    assert found["size"].names == ("up to 25", "26 to 50", "51 to 75", "above 75", "not stated")
    assert np.bincount(found["size"].codes).tolist() == [25, 25, 25, 25, 4]
    assert found["stars"].names == ("0", "1", "2", "not stated")


def test_quartiles_that_hold_one_value_are_called_by_it() -> None:
    values = [0.0] * 50 + [1.0] * 30 + [2.5, 3.0, 4.0, 5.0, 6.0, 7.0] * 3
    dataset = with_attributes(
        dataset_of([lead(1, name=f"{i:03}") for i in range(98)], [], 9), {}, {"calls": values, "top": [-v for v in values]}
    )
    found = groupings(dataset, looks(*((i, 2) for i in range(98))))
    assert found["calls"].names == ("0", "1", "above 1")
    assert np.bincount(found["calls"].codes).tolist() == [50, 30, 18]
    assert found["top"].names == ("up to -1", "0")
    assert np.bincount(found["top"].codes).tolist() == [48, 50]


def test_slices_add_up_to_the_whole(world: SmallWorld) -> None:
    evaluation = evaluate(world.scorer, world.dataset, world.parts.test)
    slices = breakdown(evaluation, world.dataset)
    assert {"month", "age", "history", "industry", "employees"} <= {one.by for one in slices}
    for by in {one.by for one in slices}:
        parts = [one for one in slices if one.by == by]
        assert sum(one.rows for one in parts) == evaluation.model["rows"]
        assert sum(one.positives for one in parts) == evaluation.model["positives"]
        assert sum(one.rows * one.expected for one in parts) == pytest.approx(evaluation.probability.sum())
        assert all(one.rate_low <= one.rate + 1e-12 and one.rate <= one.rate_high + 1e-12 for one in parts)
    assert any(one.auc is not None for one in slices)
    assert any(one.auc is None for one in slices)
    json.dumps([one.to_dict() for one in slices], allow_nan=False)


def test_a_slice_is_the_evaluation_of_its_rows(world: SmallWorld) -> None:
    evaluation = evaluate(world.scorer, world.dataset, world.parts.test)
    one = max(breakdown(evaluation, world.dataset, ["month"]), key=lambda one: one.positives)
    rows = groupings(world.dataset, evaluation.snapshots)["month"].codes == 2
    y, lead = evaluation.snapshots.label[rows], evaluation.snapshots.lead[rows]
    p, q = evaluation.probability[rows], evaluation.rules_probability[rows]
    assert one.value == "2025-02"
    assert (one.rows, one.leads) == (rows.sum(), len(np.unique(lead)))
    assert one.auc == Predictions(y, p).figures().auc
    assert (one.auc_low, one.auc_high) == bootstrap(y, p, lead, RESAMPLES)["auc"]
    assert one.difference == paired(y, p, q, lead, RESAMPLES)["auc"]


def test_a_slice_that_is_off_is_called_so_and_which_way() -> None:
    dataset, snapshots = many([0.1, 0.2, 0.02, 0.1], seed=2)
    slices = {one.value: one for one in breakdown(judged(snapshots, np.full(2_400, 0.1)), dataset, ["team"])}
    verdicts = {value: one.verdict for value, one in slices.items()}
    assert verdicts == {"group 0": "as expected", "group 1": "more won", "group 2": "fewer won", "group 3": "as expected"}
    assert [one.value for one in stands_out(slices.values())] == ["group 2", "group 1"]
    assert slices["group 1"].rate_low > slices["group 1"].expected == pytest.approx(0.1)


def test_chance_alone_seldom_calls_any_slice_off() -> None:
    """Of 40 worlds with 20 slices each that are all as expected, at most a few have a slice outside; single intervals would call most."""
    false, naive = 0, 0
    for seed in range(40):
        dataset, snapshots = many([0.05] * 20, each=40, seed=seed)
        slices = breakdown(judged(snapshots, np.full(800, 0.05)), dataset, ["team"])
        false += bool(stands_out(slices))
        naive += any(not one.rate_low <= one.expected <= one.rate_high for one in slices)
    assert false <= 4
    assert naive > 10


def test_repeated_looks_at_a_lead_are_no_further_evidence() -> None:
    dataset, snapshots = many([0.1, 0.17], each=200, seed=1)
    often = Snapshots(np.repeat(snapshots.lead, 8), np.repeat(snapshots.as_of, 8), np.repeat(snapshots.label, 8))
    once, again = (breakdown(judged(some, np.full(len(some), 0.1)), dataset, ["team"]) for some in (snapshots, often))
    for one, same in zip(again, once, strict=True):
        assert (one.rate, one.leads, one.verdict) == (same.rate, same.leads, same.verdict)
        assert (one.rate_low, one.rate_high) == pytest.approx((same.rate_low, same.rate_high), rel=0.01)


def test_the_order_of_rows_changes_nothing(world: SmallWorld) -> None:
    evaluation = evaluate(world.scorer, world.dataset, world.parts.test)
    order = np.random.default_rng(0).permutation(len(evaluation.snapshots))
    shuffled = judged(evaluation.snapshots.take(order), evaluation.probability[order], evaluation.rules_probability[order])
    first, again = (breakdown(one, world.dataset, ["month", "role"]) for one in (evaluation, shuffled))
    assert [one.to_dict() | {"expected": 0} for one in again] == [one.to_dict() | {"expected": 0} for one in first]
    assert [one.expected for one in again] == pytest.approx([one.expected for one in first])


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    dataset, snapshots = many([0.5], each=5)
    with pytest.raises(SettingsError, match='Did you mean "month"') as refused:
        breakdown(judged(snapshots, np.full(5, 0.5)), dataset, ["mnoth"])
    assert refused.value.exit_code == 2
