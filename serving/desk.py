"""What a worker has at hand when it answers: the scorer in service, the score log, the store, and threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

from features.store.engine import StoreError, address, open_store
from models import score_log
from models.answer import Answer
from models.settings import ScoringSettings
from serving import champion, erasure, metrics
from serving.champion import ChampionWatch, InService, named_settings, rules_alone
from serving.erasure import Sweeper
from serving.handover import delivery
from serving.handover.delivery import Delivery, Webhook
from serving.limits import LIMITS
from serving.loops import Loop
from serving.memory.memory import Memory
from serving.recorder import Recorder

T = TypeVar("T")


REFRESH_EVERY = 1.0
"""Seconds between two looks at whose score has to be refreshed."""


class Desk:
    """One per worker; every handler of ``serving.routes`` gets it.

    Attributes:
        watch: keeps the champion of this machine in service.
        recorder: writes the score log.
        delivery: sends the hand-overs that wait in the store.
        memory: the store; what needs it raises a ``StoreError`` while it cannot be reached.
    """

    def __init__(self) -> None:
        self.watch = ChampionWatch(rules_alone())
        self.recorder = Recorder(score_log.folder())
        self.memory = Memory(open_store(address()), lambda: self.current.scorer, self.note, repeatable=_repeatable())
        self.delivery = Delivery(self.memory.writing, self.memory.reading, Webhook.from_environment())
        self._sweeper = Sweeper(self.memory.engine)
        self._threads = ThreadPoolExecutor(LIMITS.threads, "desk")

    @property
    def current(self) -> InService:
        """What scores now; a request takes it once."""
        return self.watch.current

    @property
    def settings(self) -> ScoringSettings:
        """What the scorer in service was trained, or is to score, by."""
        return self.current.scorer.settings

    def note(self, *answers: Answer) -> None:
        """Count scores, and have them logged."""
        for answer in answers:
            metrics.count_score(answer.score)
        self.recorder.note(*answers)

    async def run(self, function: Callable[..., T], *args: Any, **options: Any) -> T:
        """Have what takes time, such as the database, done in one of this worker's threads.

        A request that is given up while it waits for a thread is never begun; one that has begun ends unseen.
        """
        began = perf_counter()
        try:
            done = await asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *args, **options))
        except StoreError:
            metrics.set_store(up=False)
            raise
        finally:
            metrics.observe_stage("store", perf_counter() - began)
        metrics.set_store(up=True)
        return done

    def loops(self) -> list[Loop]:
        """What is done beside the requests."""
        return [
            Loop("champion", champion.EVERY, self.watch.look),
            Loop("hand-overs", delivery.EVERY, self.delivery.work),
            Loop("refresh", REFRESH_EVERY, self.memory.keep_up),
            Loop("erasures", erasure.EVERY, self._sweep),
        ]

    def _sweep(self) -> None:
        self.memory.open()
        self._sweeper.sweep()

    def close(self) -> None:
        """Wait for what the threads have begun, and write what the score log has not."""
        self._threads.shutdown(cancel_futures=True)
        self.memory.close()
        self.recorder.close()


def _repeatable() -> bool:
    """Whether a lead stays open when it is won, as the data set has it that ``LEADHEAT_SETTINGS`` names."""
    settings = named_settings()
    return settings is not None and settings.data.repeatable
