"""Training end to end: seconds and quality of ``learn`` and of others on the same matrices, each in a process of its own.

A process is told what to do: ``make FOLDER DATASET`` (or the number of leads to simulate), ``learn FOLDER`` for leadheat,
``fit FOLDER TRAINER`` for another, ``judge FOLDER NAME...`` for all that have come to their end.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from features.compute import compute
from features.dataset import Dataset
from models.feature_set import fit_feature_set
from models.learning import regularised
from models.settings import Settings, read_settings
from tests.benchmarks.contenders.trainers import TRAINERS, Matrices
from tests.benchmarks.limits import THREADS, Limits, limited, peak_memory
from training.bootstrap import bootstrap, paired
from training.learn import learn
from training.learner import HELD_OUT, shuffled
from training.metrics import Predictions
from training.simulation.simulate import simulate
from training.split import Split, split, weights

OURS = "leadheat"
TITLES = {OURS: "leadheat: features, trees, calibration, bands", **{name: title for name, (title, _) in TRAINERS.items()}}
SHOWN = ("auc", "log_loss")


def measure(dataset: str, most: Limits, extra: dict[str, str]) -> dict[str, Any]:
    """Let all learn from a data set (a path, or how many leads to simulate), and judge them on its later snapshots.

    Returns:
        What was learnt from, and a row for each: seconds, processor seconds, peak memory, trees, figures with their 95 % intervals by lead
        and, for the others, the difference from leadheat's; a row that failed has a ``failure``.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = limited(__name__, "make", folder, dataset, limits=most)
        if made.failure:
            return {"failure": made.failure, "rows": []}
        rows: dict[str, dict[str, Any]] = {}
        for name, title in TITLES.items():
            outcome = limited(__name__, *(["learn", folder] if name == OURS else ["fit", folder, name]), limits=most, extra=extra)
            rows[name] = {"contender": name, "title": title, **(outcome.answers[-1] if outcome.answers else {}), "failure": outcome.failure}
        done = [name for name, row in rows.items() if row["failure"] is None]
        judged = limited(__name__, "judge", folder, *done, limits=most)
        for name, figures in (judged.answers[-1] if judged.answers else {}).items():
            rows[name] |= figures
        return {**made.answers[-1], "rows": list(rows.values()), "failure": judged.failure}


def _make(folder: Path, dataset: str) -> dict[str, Any]:
    if dataset.isdigit():
        simulate(folder / "world", int(dataset), seed=1)
    (folder / "source").write_text(str(folder / "world") if dataset.isdigit() else str(Path(dataset).resolve()))
    data, parts, settings = _read(folder)
    matrices = made_for(data, parts, settings)
    matrices.write(folder / "matrices.npz")
    return {
        "name": data.name,
        "train": len(parts.train),
        "test": len(parts.test),
        "won": int(parts.train.label.sum()),
        "columns": matrices.X.shape[1],
        "interactions": len(data.history.occurred_at),
    }


def _read(folder: Path) -> tuple[Dataset, Split, Settings]:
    source = read_settings(Path((folder / "source").read_text()))
    data = Dataset.read(source.settings.data, source.root)
    return data, split(data, source.settings.snapshots, source.settings.model.calibration_share), source.settings


def made_for(data: Dataset, parts: Split, settings: Settings) -> Matrices:
    """The matrices that ``learn`` works on, and the rows on which it stops."""
    features = fit_feature_set(
        data.history, settings.scoring, int(parts.train.as_of.max()), settings.data.exclude_types, settings.data.consent
    )
    train, test = parts.train, parts.test
    X, X_test = (compute(features, data.history, part.lead, part.as_of, THREADS) for part in (train, test))
    early = train.as_of <= parts.learn.as_of.max()
    held_out = shuffled(train.lead) % HELD_OUT == 0
    weight = weights(train, settings.snapshots.weight)
    return Matrices(
        X=X,
        y=train.label.astype(np.float64),
        weight=np.ones(len(train)) if weight is None else weight,
        held_out=held_out | ~early,  # the latest snapshots say nothing about the number of trees
        later=held_out & early & (train.as_of >= np.median(train.as_of[early])),
        X_test=X_test,
        y_test=test.label.astype(np.int64),
        lead_test=test.lead,
        categorical=np.array(features.categorical_columns, np.int64),
        learning=np.array(regularised(settings.model, parts.learn.won_leads).model_dump_json()),
    )


def _learn(folder: Path) -> dict[str, Any]:
    data, parts, settings = _read(folder)
    scorer, spent = _timed(lambda: learn(data, parts, settings))
    probability = scorer.numbers(data.history.with_schema(scorer.schema), parts.test.lead, parts.test.as_of, THREADS).probability
    np.save(folder / f"{OURS}.npy", probability)
    return spent | {"rounds": scorer.facts["trees"]}


def _fit(folder: Path, name: str) -> dict[str, Any]:
    given = Matrices.read(folder / "matrices.npz")
    learnt, spent = _timed(lambda: TRAINERS[name][1](given))
    np.save(folder / f"{name}.npy", learnt.probability)
    return spent | {"rounds": learnt.rounds}


def _timed(run: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    started, used = time.perf_counter(), time.process_time()
    made = run()
    return made, {
        "seconds": time.perf_counter() - started,
        "processor_seconds": time.process_time() - used,
        "peak_gb": peak_memory(),
    }


def judge(given: Matrices, probabilities: dict[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Figures with intervals, and how each differs from leadheat on the same resamples."""
    y, lead = given.y_test, given.lead_test
    judged: dict[str, dict[str, Any]] = {}
    for name, p in probabilities.items():
        figures, intervals = Predictions(y, p, lead).figures(), bootstrap(y, p, lead)
        judged[name] = {figure: [getattr(figures, figure), *intervals[figure]] for figure in SHOWN}
        if name != OURS and OURS in probabilities:
            differences = paired(y, p, probabilities[OURS], lead)
            judged[name] |= {f"{figure}_than_ours": differences[figure].verdict for figure in SHOWN}
    return judged


def _main(action: str, where: str, *arguments: str) -> None:
    folder = Path(where)
    if action == "make":
        answer: dict[str, Any] = _make(folder, arguments[0])
    elif action == "learn":
        answer = _learn(folder)
    elif action == "fit":
        answer = _fit(folder, arguments[0])
    else:
        answer = judge(Matrices.read(folder / "matrices.npz"), {name: np.load(folder / f"{name}.npy") for name in arguments})
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
