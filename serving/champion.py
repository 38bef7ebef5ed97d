"""The scorer in service: the champion of this machine, watched and swapped without a pause; the rules alone while there is none."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from features.contract import DAY, LeadheatError, parse_moment
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from models import home
from models.fallback import RulesScorer
from models.scorer import LeadScorer
from models.settings import Settings, read_settings
from serving import metrics

EVERY = 2.0
"""Seconds between two looks at the champion's link: a promotion is in service within twice that, in every worker."""
REST = 60.0
"""Seconds until a champion that was refused is tried again."""

Scorer = LeadScorer | RulesScorer
logger = logging.getLogger("leadheat.serving")


@dataclass(frozen=True, slots=True)
class InService:
    """A scorer and where it came from. A request takes it once, so that no answer mixes two versions.

    Attributes:
        folder: the champion's, or None where the rules score.
        problem: why there is no model, or why a newer one was refused; empty when all is well.
    """

    scorer: Scorer
    folder: Path | None = None
    problem: str = ""

    @property
    def kind(self) -> str:
        """What scores: ``model`` or ``rules``."""
        return "rules" if self.folder is None else "model"

    @property
    def version(self) -> str | None:
        """The champion's version."""
        return self.scorer.version if isinstance(self.scorer, LeadScorer) else None

    def describe(self) -> dict[str, Any]:
        """What ``/model`` says."""
        scorer = self.scorer
        if isinstance(scorer, RulesScorer):
            return {"name": "rules", "version": None, "problem": self.problem}
        return {
            "name": "leadheat",
            "version": scorer.version,
            "fingerprint": scorer.fingerprint,
            "horizon_days": scorer.horizon / DAY,
            "bands": None if scorer.bands is None else scorer.bands.to_dict(),
            "signals": [{"name": one.name, "words": one.words} for one in scorer.features.signals],
            **scorer.facts,
        }

    def readiness(self) -> dict[str, Any]:
        """What ``/readyz`` says."""
        return {"ready": True, "scoring_by": self.kind, "version": self.version, "problem": self.problem}


class ChampionWatch:
    """Keeps ``current`` what ``models.home`` names as the champion.

    A champion that cannot be loaded, or cannot score, is refused and the one in service stays.

    Args:
        rules: what scores while there is no champion.
    """

    def __init__(self, rules: RulesScorer) -> None:
        self._refused: Path | None = None
        self._again_at = 0.0
        self.current = InService(rules, problem="No champion was promoted yet; leads are scored by the rules alone.")

    def look(self) -> None:
        """Take the champion into service if it is another one than before."""
        champion = home.champion()
        if champion is None or self._rests(champion):
            return
        self._refused = None
        if champion.folder == self.current.folder:
            self.current = replace(self.current, problem="") if self.current.problem else self.current
            return
        try:
            scorer = LeadScorer.load(champion.folder, champion.version)
            try_out(scorer)
        except Exception as error:  # noqa: BLE001 - whatever a folder holds, the service goes on with what it has
            self._refuse(champion, error)
            return
        before, self.current = self.current.version, InService(scorer, champion.folder)
        metrics.count_swap("loaded")
        metrics.set_champion(champion.version, _data_until(scorer), before)
        logger.info("version %s is in service", champion.version)

    def _rests(self, champion: home.Champion) -> bool:
        return champion.folder == self._refused and monotonic() < self._again_at

    def _refuse(self, champion: home.Champion, error: Exception) -> None:
        """Say why, and let the folder rest: a version's folder never changes, though a failing disk may recover."""
        self._refused, self._again_at = champion.folder, monotonic() + REST
        why = str(error) if isinstance(error, LeadheatError) else f"{type(error).__name__}: {error}"
        stays = f"version {self.current.version} stays" if self.current.version else "the rules alone score"
        problem = f"Version {champion.version} cannot be used, {stays}: {why}"
        if problem != self.current.problem:
            logger.error(problem)
            metrics.count_swap("refused")
        self.current = replace(self.current, problem=problem)


def _data_until(scorer: LeadScorer) -> float:
    """The end of the training data in seconds since 1970, or 0."""
    stated = scorer.facts.get("train", {}).get("to")
    return 0.0 if stated is None else parse_moment(stated) / 1e6


def try_out(scorer: Scorer) -> None:
    """Score a lead without and one with a history, so that whatever is compiled or lazily made is there before a request."""
    visit = InteractionRecord("page_view", 0)
    for lead in (LeadRecord("nobody"), LeadRecord("somebody", 0, None, [visit])):
        for explain in (False, True):
            scorer.score(history_of([lead], scorer.schema), DAY, explain=explain)


def rules_alone() -> RulesScorer:
    """The rules of the ``leadheat.toml`` that ``LEADHEAT_SETTINGS`` names, else the default ones, as a scorer.

    Raises:
        SettingsError: the file is not there, or says something it must not.
    """
    settings = named_settings()
    scorer = RulesScorer(settings.scoring, settings.snapshots.horizon, settings.data.consent) if settings else RulesScorer()
    try_out(scorer)
    return scorer


def named_settings() -> Settings | None:
    """The ``leadheat.toml`` that ``LEADHEAT_SETTINGS`` names; None where it names none.

    Raises:
        SettingsError: the file is not there, or says something it must not.
    """
    named = os.environ.get("LEADHEAT_SETTINGS")
    return read_settings(Path(named)).settings if named else None
