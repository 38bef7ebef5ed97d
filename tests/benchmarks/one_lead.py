"""One lead of 50 interactions in process: what a request costs besides HTTP."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.contract import DAY
from features.dataset import Dataset
from features.records import InteractionRecord, LeadRecord, history_of
from models.scorer import LeadScorer
from models.settings import read_settings
from training.learn import learn
from training.simulation.simulate import simulate
from training.split import split

INTERACTIONS = 50


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one call."""

    title: str
    median: float
    p99: float


def measure(leads: int, repeats: int) -> list[Latency]:
    """Train on a simulated world, then score one lead again and again.

    Raises:
        AssertionError: the same lead scores differently alone and in a batch.
    """
    scorer = _train(leads)
    lead, as_of = _lead(scorer)
    history, one, when = history_of([lead], scorer.schema), np.zeros(1, np.int64), np.array([0], np.int64) + as_of
    _agree(scorer, lead, as_of)
    calls: dict[str, Callable[[], object]] = {
        "features, model, calibration, bands, rules": lambda: scorer.numbers(history, one, when),
        "the same from records": lambda: scorer.numbers(history_of([lead], scorer.schema), one, when),
        "a whole Score without reasons": lambda: scorer.score(history, as_of, explain=False),
        "a whole Score with reasons": lambda: scorer.score(history, as_of),
    }
    return [Latency(title, *_time(call, repeats)) for title, call in calls.items()]


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


def _agree(scorer: LeadScorer, lead: LeadRecord, as_of: int) -> None:
    crowd = history_of([lead._replace(lead_id=str(number), interactions=lead.interactions[number:]) for number in range(20)], scorer.schema)
    together = scorer.numbers(crowd, np.arange(20), np.full(20, as_of), threads=2).probability
    alone = [scorer.score(crowd.slice(number, number + 1), as_of, explain=False).probability for number in range(20)]
    np.testing.assert_array_equal(together, np.array(alone))


def _time(call: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds; the first tenth of the calls warms up."""
    spent = []
    for _ in range(repeats + repeats // 10):
        started = time.perf_counter()
        call()
        spent.append((time.perf_counter() - started) * 1000)
    spent = spent[repeats // 10 :]
    return statistics.median(spent), statistics.quantiles(spent, n=100)[-1]
