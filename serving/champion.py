"""The scorer in service: the champion of this machine, watched and swapped without a pause; the rules alone while there is none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from models.scorer import LeadScorer, Score

from features.columns import Schema
from features.contract import DAY, LeadheatError
from features.history import History
from features.records import InteractionRecord, LeadRecord, history_of
from models import home
from serving import metrics

EVERY = 2.0
"""Seconds between two looks at the champion's link: a promotion is in service within twice that, in every worker."""

logger = logging.getLogger("leadheat.serving")


class Scorer(Protocol):
    """What scores a lead."""

    @property
    def schema(self) -> Schema: ...  # noqa: D102
    def score(self, history: History, as_of: int, previous: str | None = None, *, explain: bool = True) -> Score: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class InService:
    """A scorer and where it came from. A request takes it once, so that no answer mixes two versions.

    Attributes:
        version: the champion's, or None where the rules score.
        problem: why there is no model, or why a newer one was refused; empty when all is well.
    """

    scorer: Scorer
    version: str | None = None
    folder: Path | None = None
    problem: str = ""

    @property
    def kind(self) -> str:
        """What scores: ``model`` or ``rules``."""
        return "rules" if self.version is None else "model"

    def describe(self) -> dict[str, Any]:
        """What ``/model`` says."""
        return {"name": "leadheat", "version": self.version}

    def readiness(self) -> dict[str, Any]:
        """What ``/readyz`` says."""
        return {"ready": True, "scoring_by": self.kind, "version": self.version, "problem": self.problem}


class ChampionWatch:
    """Keeps ``current`` what ``models.home`` names as the champion.

    A champion that cannot be loaded, or cannot score, is refused and the one in service stays.

    Args:
        rules: what scores while there is no champion.
        load: reads a champion's folder.
    """

    def __init__(self, rules: Scorer, load: Callable[[Path], Scorer] = LeadScorer.load) -> None:
        self._load = load
        self._refused: Path | None = None
        self.current = InService(rules, problem="No champion was promoted yet; leads are scored by the rules alone.")

    def look(self) -> None:
        """Take the champion into service if it is another one than before."""
        champion = home.champion()
        if champion is None or champion.folder in (self.current.folder, self._refused):
            return
        try:
            scorer = self._load(champion.folder)
            try_out(scorer)
        except Exception as error:  # noqa: BLE001 - whatever a folder holds, the service goes on with what it has
            self._refuse(champion, error)
            return
        self._refused = None
        self.current = InService(scorer, champion.version, champion.folder)
        metrics.count_swap("loaded")
        metrics.set_model_in_use(True)
        logger.info("version %s is in service", champion.version)

    def _refuse(self, champion: home.Champion, error: Exception) -> None:
        """Remember why, and not to try the same folder again: a version's folder never changes."""
        why = str(error) if isinstance(error, LeadheatError) else f"{type(error).__name__}: {error}"
        stays = "the rules alone score" if self.current.version is None else f"version {self.current.version} stays"
        problem = f"Version {champion.version} cannot be used, {stays}: {why}"
        if not isinstance(error, OSError):
            self._refused = champion.folder
        if problem != self.current.problem:
            logger.error(problem)
            metrics.count_swap("refused")
        self.current = InService(self.current.scorer, self.current.version, self.current.folder, problem)

    async def watch(self) -> None:
        """Look again and again, beside the requests, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await asyncio.to_thread(self.look)
            except OSError:
                logger.exception("the champion's link cannot be read")


def try_out(scorer: Scorer) -> None:
    """Score a lead without and one with a history, so that whatever is compiled or lazily loaded is there before a request."""
    visit = InteractionRecord("page_view", 0)
    for lead in (LeadRecord("nobody"), LeadRecord("somebody", 0, None, [visit])):
        for explain in (False, True):
            scorer.score(history_of([lead], scorer.schema), DAY, explain=explain)


def rules_alone() -> Scorer:
    """The rules as a scorer."""
    from models.scorer import rules_only

    return rules_only()
