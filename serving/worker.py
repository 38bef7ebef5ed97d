"""A worker: scores what it is asked, and does beside the requests what has to be done."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from functools import partial

from features.contract import now
from features.records import NumberError
from models.answer import Answer
from models.request import record_of
from models.score import Score
from serving import metrics
from serving.champion import Scorer
from serving.desk import Desk
from serving.loops import Loop
from serving.numbers import placed
from serving.schemas import LeadHistory, ScoreBatch, ScoreBatchRequest, ScoreRequest
from serving.together import Round, Together
from serving.vigil import beat

CHUNK = 20
"""Leads of a batch that are scored between two looks at the clock and at other requests."""
GARBAGE = 20_000
"""Objects after which Python looks for circles among them; what a request makes is in none, and is gone without that."""
PARENT_EVERY = 1.0
"""Seconds between two looks at the process that keeps this worker."""


class Requests(Round[ScoreRequest, Score]):
    """Requests that are answered by one call and by one scorer, whatever comes into service meanwhile."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._scorer = desk, desk.current.scorer
        self._asked = self._scorer.asked()

    def add(self, request: ScoreRequest) -> None:
        """Read a request: it need not be kept.

        Raises:
            RequestError: some of its numeric attributes are no numbers.
        """
        try:
            self._asked.add(request.record(), _moment(request.as_of), request.explain)
        except NumberError as error:
            raise placed(error, request, self._scorer.schema) from None

    def replies(self) -> list[Score]:
        """The scores of all."""
        return noted(self._desk, self._asked.answers())

    def reply(self, number: int) -> Score:
        """The score of one."""
        return noted(self._desk, [self._asked.answer(number)])[0]


class Worker:
    """What ``serving.service`` declares, done."""

    def __init__(self) -> None:
        self.desk = Desk()
        self._batch = asyncio.Semaphore(1)
        self._together = Together(partial(Requests, self.desk))

    async def start(self) -> None:
        """Load the champion, keep what is loaded out of every later garbage collection, and begin what is done beside the requests."""
        metrics.worker_started()
        self.desk.watch.look()
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE)
        self.desk.recorder.start()
        loops = [*self.desk.loops(), Loop("parent", PARENT_EVERY, partial(end_without, os.getppid()))]
        self._loops = [asyncio.create_task(beat()), *(asyncio.create_task(loop.run(), name=loop.name) for loop in loops)]

    async def stop(self) -> None:
        """End the loops, what the threads have begun, and the score log."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.to_thread(self.desk.close)

    def score(self, request: ScoreRequest) -> asyncio.Future[Score]:
        """The score of one lead; the request is read at once. Errors as of ``Requests.add``."""
        return self._together.ask(request)

    async def score_batch(self, request: ScoreBatchRequest) -> ScoreBatch:
        """The scores of many leads, in their order, all by one model and at one moment."""
        scorer, as_of = self.desk.current.scorer, _moment(request.as_of)
        scores: list[Score] = []
        async with self._batch:
            for first in range(0, len(request.leads), CHUNK):
                some = request.leads[first : first + CHUNK]
                try:
                    scores += await asyncio.to_thread(self._score, scorer, some, as_of, request.explain)
                except NumberError as error:
                    raise placed(error, request, scorer.schema) from None
        return {"scores": scores}

    def _score(self, scorer: Scorer, leads: list[LeadHistory], as_of: int, explain: bool) -> list[Score]:  # noqa: FBT001
        asked = scorer.asked()
        for one in leads:
            asked.add(record_of(one["lead"], one.get("interactions", [])), as_of, explain)
        return noted(self.desk, asked.answers())


def noted(desk: Desk, answers: list[Answer]) -> list[Score]:
    """The scores of answers, which are counted and logged."""
    desk.note(*answers)
    return [answer.score for answer in answers]


def end_without(parent: int) -> None:
    """End this worker once the process that keeps it is gone: it would hold the port, and nobody would start it anew."""
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _moment(as_of: int | None) -> int:
    return now() if as_of is None else as_of
