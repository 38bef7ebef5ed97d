"""``leadheat train --tune N``: better settings, found on folds of the training part and taken only where they are clearly better."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm

from features.catalogue import CATALOGUE_VERSION
from features.dataset import Dataset
from features.progress import Advance, progress
from models.calibration import Floats
from models.learning import regularised
from models.run import TrainingRun
from models.settings import Settings
from training.split import Split
from training.tuning.folds import rolling_origin
from training.tuning.objective import Objective
from training.tuning.space import snippet, space, tried
from training.tuning.study import Judge, Result, Study, Trial, opened

logger = logging.getLogger("leadheat.training")

_ASKED = ("data", "snapshots", "features", "signals", "model", "rules", "consent", "tuning")
"""The parts of the settings that the trials depend on."""


@dataclass(frozen=True, eq=False)
class Tuned:
    """The settings to train with, and how they were found.

    Attributes:
        settings: the best trial's where that is clearly better, else as they were.
        trials: all of them, in order.
        best: the one with the lowest log loss of those that ran to their end.
        taken: whether its gain over the settings as configured is larger than the gain's standard error over leads.
        folds: how many there were.
        toml: the tables of ``leadheat.toml`` that say what was taken; empty where nothing was.
    """

    settings: Settings
    trials: tuple[Trial, ...]
    best: Trial
    taken: bool
    folds: int
    toml: str

    @property
    def words(self) -> str:
        """What was chosen and why."""
        count = f"{len(self.trials)} trials" if len(self.trials) > 1 else "1 trial"
        gain = f"gains {self.best.gain:+.4f} in log loss on later folds (standard error {self.best.error:.4f})"
        if self.taken:
            return f"Tuned: the best of {count} {gain}, so its settings are taken."
        return f"Tuned: the best of {count} {gain}, not clearly better, so the settings stay as configured."

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, for the facts of a scorer."""
        pruned = sum(trial.gain is None for trial in self.trials)
        best = {"number": self.best.number, "values": dict(self.best.values), "log_loss": self.best.log_loss, "losses": [*self.best.losses]}
        found = {"gain": self.best.gain, "standard_error": self.best.error, "taken": self.taken, "toml": self.toml, "words": self.words}
        return {"trials": len(self.trials), "pruned": pruned, "folds": self.folds, "best": best, **found}


def tune(dataset: Dataset, parts: Split, settings: Settings, trials: int, run: TrainingRun | None = None) -> Tuned:
    """Try settings on rolling-origin folds of the training part; the test part is not looked at.

    The study is kept under ``LEADHEAT_HOME/tuning``, by the data's fingerprint, the settings and the search space: the same call goes on
    where an interrupted one stopped, and has nothing left to do after one that ended. With more trials it goes on from those there are.

    Args:
        dataset: what was observed.
        parts: its split; ``parts.train`` is folded.
        settings: what is tried against.
        trials: how many shall have ended, pruned ones included.
        run: gets a nested run for each trial, those that an earlier call left included.

    Raises:
        DataError: the training part has too few won leads to be folded.
        ModelError: it has too few to learn from.
    """
    won = parts.learn.won_leads
    kind = regularised(settings.model, won).kind
    folds = rolling_origin(parts.train, settings.snapshots.horizon, settings.tuning.folds)
    objective = Objective(dataset, folds, settings, won)
    asked = settings.model_dump(mode="json", by_alias=True, include=set(_ASKED))
    question = {"fingerprint": dataset.fingerprint, "settings": asked, "versions": [CATALOGUE_VERSION, lightgbm.__version__]}
    with opened(question, space(kind), settings.model.seed) as study:
        _track(run, study.trials)
        _search(study, objective, settings, trials, run)
        return _chosen(study.trials[:trials], settings, kind, len(folds))


def _search(study: Study, objective: Objective, settings: Settings, trials: int, run: TrainingRun | None) -> None:
    found, folds = len(study.trials), len(objective.folds)
    if found:
        logger.info("trials of this tuning that were found: %d", min(found, trials))
    if found >= trials:
        return
    logger.info("tuning: %d trials on %d folds", trials - found, folds)
    with progress("tuning", (1 + trials - found) * folds) as advance:
        try:
            study.search(trials, _judge(objective, settings, advance), lambda trial: _track(run, [trial]), advance)
        except KeyboardInterrupt:
            logger.info("trials that are kept: %d; the same command goes on from there", len(study.trials))
            raise


def _judge(objective: Objective, settings: Settings, advance: Advance) -> Judge:
    """Compares values with the settings as configured, fold by fold."""
    numbers = range(len(objective.folds))
    standing: list[Floats] = []
    for fold in numbers:
        standing.append(objective.loss(settings, fold))
        advance(1)

    def judge(values: Mapping[str, Any], give_up: Callable[[float], bool]) -> Result | None:
        losses = []
        for fold in numbers:
            losses.append(objective.loss(tried(settings, values), fold))
            if give_up(float(losses[-1].mean())):
                advance(len(numbers) - len(losses))
                return None
        return Result(*objective.gain(standing, losses))

    return judge


def _chosen(trials: list[Trial], settings: Settings, kind: str, folds: int) -> Tuned:
    best = min((trial for trial in trials if trial.gain is not None), key=lambda trial: trial.log_loss)
    taken = best.gain is not None and best.error is not None and best.gain > best.error
    chosen = tried(settings, best.values) if taken else settings
    return Tuned(chosen, tuple(trials), best, taken, folds, snippet(chosen, kind) if taken else "")


def _track(run: TrainingRun | None, trials: list[Trial]) -> None:
    """A nested run for each trial."""
    if run is None:
        return
    for trial in trials:
        with run.child(f"trial {trial.number}") as nested:
            nested.log_params(trial.values)
            folds = {f"fold_{number}": loss for number, loss in enumerate(trial.losses, 1)}
            nested.log_figures({"log_loss": trial.log_loss, "gain": trial.gain, "standard_error": trial.error, **folds})
            nested.log_tags({"state": "pruned" if trial.gain is None else "complete", "seconds": f"{trial.seconds:.1f}"})
