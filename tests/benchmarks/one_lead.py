"""One lead of 50 interactions in process: what a request costs besides HTTP, and the floor that no wrapping could go below.

Called as a process with the number of leads to train on and how often each call is repeated.
"""

from __future__ import annotations

import ctypes
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from features.compute import _plan, compute, encode
from features.contract import DAY
from features.dataset import Dataset
from features.history import History
from features.intake import history_of
from features.native import calling
from features.records import InteractionRecord, LeadRecord
from models.margin import BoosterMargin
from models.scorer import LeadScorer
from models.settings import read_settings
from training.learn import learn
from training.simulation.simulate import simulate
from training.split import split

INTERACTIONS = 50
_RAW_SCORE, _FLOAT32 = 1, 0


def measure(leads: int, repeats: int) -> list[dict[str, Any]]:
    """Train on a simulated world, then score one lead again and again.

    Returns:
        For each call its title, median and 99th percentile in microseconds.

    Raises:
        AssertionError: the same lead scores differently alone, in a batch, or at the floor.
    """
    scorer = _train(leads)
    lead, as_of = _lead(scorer)
    history, one, when = history_of([lead], scorer.schema), np.zeros(1, np.int64), np.array([as_of], np.int64)
    floor = _floor(scorer, history, as_of)
    _agree(scorer, lead, as_of)
    np.testing.assert_array_equal(floor(), scorer.numbers(history, one, when).margin[0])

    def given() -> History:
        return history_of([lead], scorer.schema)

    calls: dict[str, Callable[[], object]] = {
        "the floor: the kernel's loop and LightGBM's fastest call for one row": floor,
        "features, from records": lambda: compute(scorer.features, given(), one, when),
        "features, model, calibration, bands, rules, from records": lambda: scorer.numbers(given(), one, when),
        "a whole score without reasons, from records": lambda: scorer.score(given(), as_of, explain=False),
        "a whole score with reasons and projection, from records": lambda: scorer.score(given(), as_of),
    }
    return [{"title": title, **_time(call, repeats)} for title, call in calls.items()]


def _train(leads: int) -> LeadScorer:
    with tempfile.TemporaryDirectory() as folder:
        source = read_settings(simulate(Path(folder) / "world", leads).path)
        dataset = Dataset.read(source.settings.data, source.root)
        return learn(dataset, split(dataset, source.settings.snapshots, source.settings.model.calibration_share), source.settings)


def _lead(scorer: LeadScorer) -> tuple[LeadRecord, int]:
    """A lead with an interaction a day, of all types that the model knows, and the moment after the last."""
    kinds = scorer.features.types
    rows = [InteractionRecord(kinds[day % len(kinds)], day * DAY, direction=1 + day % 2) for day in range(INTERACTIONS)]
    return LeadRecord("one", 0, {}, rows), INTERACTIONS * DAY


def _floor(scorer: LeadScorer, history: History, as_of: int) -> Callable[[], float]:
    """Features of arrays that are there already, and the margin of that one row; nothing is checked, made or freed."""
    assert isinstance(scorer.margin, BoosterMargin)
    booster = lightgbm.Booster(model_str=scorer.margin.text)
    plan, events = _plan(scorer.features), encode(scorer.features, history)
    lead, when, order = np.zeros(1, np.int64), np.array([as_of], np.int64), np.zeros(1, np.int64)
    row, margin, length, fast = (
        np.empty((1, len(scorer.features.names)), np.float32),
        ctypes.c_double(),
        ctypes.c_int64(),
        ctypes.c_void_p(),
    )
    library: Any = lightgbm.basic._LIB  # type: ignore[attr-defined]
    width, options = ctypes.c_int32(row.shape[1]), ctypes.c_char_p(b"num_threads=1")
    handle: Any = booster._handle
    library.LGBM_BoosterPredictForMatSingleRowFastInit(handle, _RAW_SCORE, 0, -1, _FLOAT32, width, options, ctypes.byref(fast))
    predict, address = library.LGBM_BoosterPredictForMatSingleRowFast, ctypes.c_void_p(row.ctypes.data)
    told, result = ctypes.byref(length), ctypes.byref(margin)

    def floor() -> float:
        calling.fill(plan, events, lead, when, order, row)
        predict(fast, address, told, result)
        return margin.value

    floor.booster = booster  # type: ignore[attr-defined]  # it must live as long as its handle is used
    return floor


def _agree(scorer: LeadScorer, lead: LeadRecord, as_of: int) -> None:
    crowd = history_of([lead._replace(lead_id=str(number), interactions=lead.interactions[number:]) for number in range(20)], scorer.schema)
    together = scorer.numbers(crowd, np.arange(20), np.full(20, as_of), threads=2).probability
    alone = [scorer.score(crowd.slice(number, number + 1), as_of, explain=False).probability for number in range(20)]
    np.testing.assert_array_equal(together, np.array(alone))


def _time(call: Callable[[], object], repeats: int) -> dict[str, float]:
    """Median and 99th percentile; the first tenth of the calls warms up."""
    spent = []
    for _ in range(repeats + repeats // 10):
        started = time.perf_counter()
        call()
        spent.append((time.perf_counter() - started) * 1e6)
    spent = spent[repeats // 10 :]
    return {"median_us": statistics.median(spent), "p99_us": statistics.quantiles(spent, n=100)[-1]}


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
