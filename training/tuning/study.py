"""The trials of a tuning: kept on disk, so that an interrupted tuning goes on and a finished one is not begun again.

Each trial's draw depends on the seed, its place, and the trials before it, and on nothing that an interruption could change: a tuning that
was interrupted and goes on gives the same trials as one that was not.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from features.progress import Advance
from models.home import home, locked
from training.tuning.space import rounded

BY_CHANCE = 8
"""So many trials are drawn at random before what was found guides the next (Bergstra et al. 2011, tree-structured Parzen estimator)."""
BEFORE_PRUNING = 4
"""So many trials run to their end before one that is worse than their median, after the same folds, is given up."""
KEPT = 10
"""How many studies stay on disk."""


class Trial(NamedTuple):
    """One setting that was tried.

    Attributes:
        number: from 1 on.
        values: of the search space.
        losses: mean log loss of each fold; fewer than there are folds where it was pruned.
        gain: mean over folds by which it is better than the settings as configured, None where it was pruned.
        error: standard error of the gain over leads.
        seconds: that it took.
    """

    number: int
    values: Mapping[str, Any]
    losses: tuple[float, ...]
    gain: float | None
    error: float | None
    seconds: float

    @property
    def log_loss(self) -> float:
        """Mean over the folds that were judged."""
        return sum(self.losses) / len(self.losses)


class Result(NamedTuple):
    """What a trial that ran to its end found."""

    gain: float
    error: float


Judge = Callable[[Mapping[str, Any], Callable[[float], bool]], Result | None]
"""Judges values fold by fold: tells the mean loss of each fold, stops with None where the answer is to give up."""


class Study:
    """The trials of one question: the same data, settings and space.

    Args:
        file: a database of SQLite that keeps them; trials that were interrupted count as failed.
        space: what is tried, by name.
        seed: of the proposals.
    """

    def __init__(self, file: Path, space: Mapping[str, BaseDistribution], seed: int) -> None:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
        pruner = optuna.pruners.MedianPruner(n_startup_trials=BEFORE_PRUNING)
        self._study = optuna.create_study(storage=storage, study_name="tuning", load_if_exists=True, pruner=pruner)
        self._space = dict(space)
        self._seed = seed
        for left in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(left.number, state=TrialState.FAIL)

    @property
    def trials(self) -> list[Trial]:
        """Those that ended, in order."""
        ended = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        return [_trial(number, one) for number, one in enumerate(ended, 1)]

    def search(self, count: int, judge: Judge, ended: Callable[[Trial], None], advance: Advance) -> None:
        """Try until ``count`` trials have ended; ``ended`` is told of each, ``advance`` of each fold that is judged or need not be."""
        for place in range(len(self.trials), count):
            self._study.sampler = optuna.samplers.TPESampler(n_startup_trials=BY_CHANCE, seed=self._seed + place)
            self._try(judge, advance)
            ended(self.trials[-1])

    def _try(self, judge: Judge, advance: Advance) -> None:
        trial = self._study.ask(self._space)
        began, losses = time.monotonic(), []

        def give_up(loss: float) -> bool:
            losses.append(loss)
            trial.report(sum(losses) / len(losses), len(losses))
            advance(1)
            return trial.should_prune()

        result = judge(rounded(trial.params), give_up)
        trial.set_user_attr("losses", losses)
        trial.set_user_attr("result", result)
        trial.set_user_attr("seconds", time.monotonic() - began)
        if result is None:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, sum(losses) / len(losses))


def _trial(number: int, one: FrozenTrial) -> Trial:
    known = one.user_attrs
    gain, error = known["result"] or (None, None)
    return Trial(number, rounded(one.params), tuple(known["losses"]), gain, error, known["seconds"])


@contextmanager
def opened(question: Mapping[str, Any], space: Mapping[str, BaseDistribution], seed: int) -> Iterator[Study]:
    """The study of a question (JSON-ready), begun or found again under ``LEADHEAT_HOME/tuning``; one process at a time works at it."""
    text = json.dumps({**question, "space": {name: repr(one) for name, one in space.items()}, "seed": seed}, sort_keys=True)
    folder = home() / "tuning"
    file = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.db"
    with locked(file.with_suffix(".lock")), _quiet():
        yield Study(file, space, seed)
        _prune(folder)


def _prune(folder: Path) -> None:
    newest = sorted(folder.glob("*.db"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in newest[KEPT:]:
        file.unlink(missing_ok=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna's own log is ours to tell."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
