"""What ``leadheat evaluate`` tells besides the figures, how it is shown, and how versions are compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console, Group
from rich.table import Table

from features.contract import DAY, ModelError
from models.intervals import wilson
from models.temperature import TemperatureSettings
from tests.small_world import SmallWorld
from training.evaluate import Evaluation, evaluate
from training.examine import Examination, against, examine
from training.show.judged import judged


@pytest.fixture(scope="module")
def evaluation(world: SmallWorld) -> Evaluation:
    return evaluate(world.scorer, world.dataset, world.parts.test)


@pytest.fixture(scope="module")
def examined(evaluation: Evaluation, world: SmallWorld) -> Examination:
    return examine(evaluation, world.scorer, world.dataset, world.settings)


def tables(shown: Group, title: str = "") -> list[Table]:
    """The tables of a group whose titles begin so."""
    return [one for one in shown.renderables if isinstance(one, Table) and str(one.title).startswith(title)]


def result_of(examined: Examination, **more: Any) -> dict[str, Any]:
    """What the command prints with ``--json``."""
    return {"version": "12", "against": None} | examined.to_dict() | more


def test_all_of_it_is_json(examined: Examination) -> None:
    told = json.loads(json.dumps(examined.to_dict(), allow_nan=False))
    assert told["test"]["rows"] == sum(one["rows"] for one in told["reliability"]["model"])
    assert told["against_rules"].keys() == told["test"]["intervals"].keys() - {"brier_uncertainty"}
    assert told["stability"].keys() == told["reliability"].keys() == {"model", "rules"}
    for one in told["reliability"]["rules"]:
        assert one["low"] <= one["rate"] + 1e-12
        assert one["high"] <= wilson(one["rate"], 1)[1]


def test_sales_own_number_of_calls_is_among_the_capacities(evaluation: Evaluation, world: SmallWorld) -> None:
    table = TemperatureSettings(policy="capacity", hot_per_day=3)
    settings = world.settings.model_copy(update={"temperature": table})
    told = examine(evaluation, world.scorer, world.dataset, settings, ["month"]).decision
    assert [one.per_day for one in told][:4] == [1, 2, 3, 5]


def test_every_table_fits_into_80_columns(examined: Examination) -> None:
    other = {"version": "11", "differences": examined.to_dict()["against_rules"]}
    long = [replace(one, rows=1_234_567, value="an industry with a long name", verdict="more won") for one in examined.slices]
    told = result_of(replace(examined, slices=long), against=other)
    console = Console(width=300)
    for one in tables(judged(told, by=True)):
        assert console.measure(one).maximum <= 80, one.title


def test_slices_that_stand_out_are_shown_and_marked(examined: Examination) -> None:
    quiet = [replace(one, verdict="as expected") for one in examined.slices]
    assert not tables(judged(result_of(replace(examined, slices=quiet)), by=False), "By")
    told = result_of(replace(examined, slices=[replace(quiet[0], verdict="fewer won"), *quiet[1:]]))
    (shown,) = tables(judged(told, by=False), "By month")
    assert [str(cell).endswith("*[/]") for cell in shown.columns[3].cells] == [True]
    assert len(tables(judged(told, by=True), "By")) == len({one.by for one in quiet})


def test_of_many_slices_that_stand_out_the_furthest_off_are_shown(examined: Examination) -> None:
    many = [
        replace(one, verdict="more won", rows=1_000, expected=0.1, rate=0.1 * (1 + number / 10))
        for number, one in enumerate(examined.slices, 1)
    ]
    group = judged(result_of(replace(examined, slices=many)), by=False)
    shown = [str(cell) for one in tables(group, "By") for cell in one.columns[0].cells]
    assert [name[:13] for name in shown] == [one.value[:13] for one in many[-10:]]
    assert any(f"In {len(many)} of {len(many)} slices" in str(one) for one in group.renderables)


def test_a_reliability_that_does_not_hold_is_marked(examined: Examination) -> None:
    told = result_of(examined)
    bins: list[Mapping[str, Any]] = [{"rows": 10, "expected": 0.2, "rate": 0.5, "low": low, "high": 0.9} for low in (0.1, 0.3)]
    (shown,) = tables(judged(told | {"reliability": {"model": bins}}, by=True), "Reliability")
    assert ["outside" in str(cell) for cell in shown.columns[2].cells] == [False, True]


def test_a_version_less_itself_is_a_tie_and_less_a_worse_one_better(evaluation: Evaluation, world: SmallWorld) -> None:
    same = against(evaluation, world.scorer, world.dataset, world.scorer.horizon)
    assert {(one.difference, one.low, one.high, one.verdict) for one in same.values()} == {(0, 0, 0, "tie")}
    boasting = replace(world.scorer, calibration=world.scorer.calibration.shifted(2.0), version="7")
    told = against(evaluation, boasting, world.dataset, world.scorer.horizon)
    assert told["auc"].verdict == "tie"
    assert told["log_loss"].verdict == told["brier_reliability"].verdict == "better"
    with pytest.raises(ModelError, match="Version 7 looks another time ahead"):
        against(evaluation, replace(boasting, horizon=boasting.horizon + DAY), world.dataset, world.scorer.horizon)


def test_one_pass_over_the_resamples_is_what_versions_are_paired_on(evaluation: Evaluation) -> None:
    assert evaluation.against(evaluation.rules_probability) == evaluation.against_rules
    assert np.array_equal(evaluation.predictions["model"].p, np.sort(evaluation.probability)[::-1])
