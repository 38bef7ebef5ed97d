"""The unattended command: look at the champion, and leave it, recalibrate it or train anew, through the same gate as always.

=================================================================================  ====================================================
what is seen                                                                       what is done
=================================================================================  ====================================================
no champion                                                                        train
monitoring: features or scores have drifted, or types are unknown (``TRAIN_ON``)   train
enough new won leads (``[retrain]``), or the champion is older than ``max_age``    train
monitoring: the rates are not those stated (``RECALIBRATE_ON``)                    recalibrate; train where that is refused
anything else                                                                      leave the champion
=================================================================================  ====================================================

Where a training is refused and the rates are off as well, a recalibration is tried after it. Monitoring looks at the score log and at
what the champion would have said since its training, so that it sees as much where nothing was logged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from features.contract import DAY, LeadheatError, ModelError, format_duration, parse_moment
from features.dataset import Dataset
from models import home
from models.gate import Gate
from models.registry import CHAMPION, Registry
from models.retraining import RetrainSettings
from models.scorer import LeadScorer
from models.settings import Settings, Source
from models.version import Version
from training.monitoring.monitor import monitor_log, monitor_rescored
from training.monitoring.report import Alert
from training.recalibrate import champion_for, recalibrate
from training.split import Split, split
from training.train import train

logger = logging.getLogger("leadheat.training")

Attempt = Literal["recalibrated", "trained"]
Action = Literal["left", "recalibrated", "trained"]
TRAIN_ON = frozenset({"score_drift", "feature_drift", "feature_missing", "unknown_types"})
"""Alerts that say: the trees do not know the world any more."""
RECALIBRATE_ON = frozenset({"band_off", "calibration_off", "hot_inflation"})
"""Alerts that say: the ranking may be right, the rates are not."""
_MAKE = {"recalibrated": recalibrate, "trained": train}


@dataclass(frozen=True)
class Need:
    """What to try, in this order until one is promoted, and why; nothing to try where nothing is needed."""

    attempts: tuple[Attempt, ...]
    why: tuple[str, ...]


@dataclass(frozen=True)
class Retraining:
    """What was done and why.

    Attributes:
        action: what was made last, or ``left``.
        why: what was seen, and what went wrong.
        version: the one that was made, or else the champion; empty where there is neither.
        promoted: whether it became the champion.
        gates: the verdicts on it.
        ok: False where something was needed and nothing was promoted.
    """

    action: Action
    why: tuple[str, ...]
    version: str
    promoted: bool
    gates: tuple[Gate, ...]
    ok: bool

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat retrain --json`` prints."""
        gate = [verdict.to_dict() for verdict in self.gates]
        return {"action": self.action, "why": list(self.why), "version": self.version, "promoted": self.promoted, "gate": gate}


def retrain(source: Source, registry: Registry, *, if_needed: bool, allow: Sequence[str] = ()) -> Retraining:
    """Do what is needed, or train in any case; one at a time on this machine: another one waits, and then looks for itself.

    Args:
        source: read when it is this one's turn.
        registry: where the champion is.
        if_needed: look first, and leave the champion where nothing speaks against it.
        allow: codes of the audit's errors that shall not stop it.

    Raises:
        SettingsError: the settings are wrong. What is wrong with the data, or with the registry, is told in the result.
    """
    with _alone():
        why: list[str] = []
        try:
            settings = source.settings
            dataset = Dataset.read(settings.data, source.root)
            need = needed(dataset, settings, registry) if if_needed else Need(("trained",), ("a training was asked for",))
            why += need.why
            return _try(need, why, dataset, settings, registry, allow)
        except LeadheatError as error:
            if error.exit_code != 1:
                raise
            return Retraining("left", (*why, str(error)), _champion(registry), promoted=False, gates=(), ok=False)


@contextmanager
def _alone() -> Iterator[None]:
    file = home.home() / "retrain.lock"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    except OSError as error:
        raise ModelError(f"{file.parent} cannot be written: {error}.", "LEADHEAT_HOME says where leadheat keeps its state.") from error
    with home.locked(file):
        yield


def _try(need: Need, why: list[str], dataset: Dataset, settings: Settings, registry: Registry, allow: Sequence[str]) -> Retraining:
    """Attempt after attempt until one is promoted."""
    last = Retraining("left", (), _champion(registry), promoted=False, gates=(), ok=not need.attempts)
    for attempt in need.attempts:
        try:
            made = _MAKE[attempt](dataset, settings, registry, allow=allow)
        except LeadheatError as error:
            if error.exit_code != 1:
                raise
            why.append(f"not {attempt}: {error}")
            continue
        last = Retraining(attempt, (), made.version, made.promoted, tuple(made.gates), made.promoted)
        if made.promoted:
            break
        why.append(f"version {made.version}, {attempt}: {registry.version(made.version).reason}")
    return replace(last, why=tuple(why))


def needed(dataset: Dataset, settings: Settings, registry: Registry) -> Need:
    """What the champion needs.

    Raises:
        DataError: the data cannot be parted, or read by the champion.
        ModelError: the champion answers another question than these settings.
    """
    if not _champion(registry):
        return Need(("trained",), ("there is no champion yet",))
    scorer = champion_for(dataset, settings, registry)
    logger.info("looking at the champion, version %s", scorer.version)
    parts = split(dataset, settings.snapshots, settings.model.calibration_share)
    alerts = _alerts(dataset, settings, registry, scorer)
    return weigh(alerts, _news(scorer, registry.versions(), parts, dataset, settings.retrain))


def weigh(alerts: Iterable[Alert], news: Sequence[str]) -> Need:
    """What alerts of severity *error*, and news that are reason to train, ask for."""
    errors = [alert for alert in alerts if alert.severity == "error"]
    learn = [f"{alert.code}: {alert.detail}" for alert in errors if alert.code in TRAIN_ON]
    rates = [f"{alert.code}: {alert.detail}" for alert in errors if alert.code in RECALIBRATE_ON]
    others = [f"{alert.code}: {alert.detail}; no training mends that" for alert in errors if alert.code not in TRAIN_ON | RECALIBRATE_ON]
    why = tuple(dict.fromkeys([*learn, *news, *rates, *others]))
    if learn or news:
        return Need(("trained", "recalibrated") if rates else ("trained",), why)
    if rates:
        return Need(("recalibrated", "trained"), why)
    return Need((), why or ("monitoring says nothing against the champion, and too little is new to train",))


def _alerts(dataset: Dataset, settings: Settings, registry: Registry, scorer: LeadScorer) -> list[Alert]:
    """What the log, and the rows since the training, say of the champion."""
    logged = monitor_log(dataset, settings, registry, version=scorer.version)
    return [*logged.alerts, *monitor_rescored(dataset, settings, scorer).alerts]


def _news(scorer: LeadScorer, versions: Sequence[Version], parts: Split, dataset: Dataset, settings: RetrainSettings) -> list[str]:
    """What is new enough to train for it: counted from the last training, whether it was promoted or not."""
    trained = scorer.facts["train"]
    same = [version.figures for version in versions if version.figures.get("data") == dataset.name]
    last = max([trained["to"], *(figures["train"]["to"] for figures in same if "train" in figures)])
    new = parts.train.take(parts.train.as_of >= parse_moment(last) + DAY)
    enough = max(settings.min_new_wins, settings.min_new_share * trained["won_leads"])
    news = []
    if new.won_leads >= enough:
        news.append(f"{new.won_leads} won leads in {len(new)} snapshots have matured since the last training, {enough:g} are enough")
    age = dataset.observed_until - parse_moment(trained["to"])
    if settings.max_age is not None and age > settings.max_age:
        news.append(f"the data go on for {age // DAY} days after the champion's training, more than {format_duration(settings.max_age)}")
    return news


def _champion(registry: Registry) -> str:
    return next((version.version for version in registry.versions() if CHAMPION in version.aliases), "")
