"""The report of a large test part: leads of a simulated world, looked at every day. Called as a process with the number of leads."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from features.contract import DAY
from features.dataset import Dataset
from models.settings import read_settings
from training.evaluate import evaluate
from training.examine import examine
from training.learn import learn
from training.report.evidence import Evidence
from training.report.html import report
from training.simulation.simulate import simulate
from training.split import split

Made = TypeVar("Made")


@dataclass(frozen=True)
class Step:
    """One step on the way to the report."""

    title: str
    seconds: float
    processor_seconds: float


@dataclass(frozen=True)
class Measured:
    """The steps, the rows of the test part, and the size of the page in bytes."""

    steps: tuple[Step, ...]
    rows: int
    size: int


def measure(leads: int) -> Measured:
    """Train on weekly looks at a simulated world, then judge and report the test part with daily looks."""
    with tempfile.TemporaryDirectory() as scratch:
        simulate(Path(scratch) / "world", leads, seed=1)
        source = read_settings(Path(scratch) / "world")
        dataset = Dataset.read(source.settings.data, source.root)
    looks = source.settings.snapshots
    test = looks.test and looks.test.model_copy(update={"every": DAY})
    settings = source.settings.model_copy(update={"snapshots": looks.model_copy(update={"test": test})})
    parts = split(dataset, settings.snapshots, settings.model.calibration_share)
    scorer = learn(dataset, parts, settings)
    steps: list[Step] = []
    evaluation = _timed(steps, "figures and intervals", lambda: evaluate(scorer, dataset, parts.test))
    examined = _timed(steps, "slices, stability, worth", lambda: examine(evaluation, scorer, dataset, settings))
    evidence = Evidence(scorer, dataset, settings, evaluation, dataset.findings, examination=examined)
    page = _timed(steps, "pictures and page", lambda: report(evidence))
    return Measured(tuple(steps), len(parts.test), len(page.encode()))


def _timed(steps: list[Step], title: str, make: Callable[[], Made]) -> Made:
    wall, processor = time.perf_counter(), time.process_time()
    made = make()
    steps.append(Step(title, time.perf_counter() - wall, time.process_time() - processor))
    return made


if __name__ == "__main__":
    print(json.dumps(asdict(measure(int(sys.argv[1])))))
