"""A worker: scores what it is asked, and does beside the requests what has to be done."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from functools import partial
from typing import NamedTuple

from features.contract import now
from features.records import LeadRecord, NumberError
from models.request import View, record_of
from models.score import Score
from serving import metrics
from serving.champion import InService
from serving.desk import Desk
from serving.loops import Loop
from serving.numbers import refuse_texts
from serving.schemas import ScoreBatch, ScoreBatchRequest, ScoreRequest
from serving.together import Together
from serving.vigil import beat

CHUNK = 20
"""Leads of a batch that are scored between two looks at the clock and at other requests."""
GARBAGE = 20_000
"""Objects after which Python looks for circles among them; what a request makes is in none, and is gone without that."""
PARENT_EVERY = 1.0
"""Seconds between two looks at the process that keeps this worker."""


class Asked(NamedTuple):
    """A lead to be scored at a moment, microseconds UTC, with reasons or without."""

    lead: LeadRecord
    as_of: int
    explain: bool


class Worker:
    """What ``serving.service`` declares, done."""

    def __init__(self) -> None:
        self.desk = Desk()
        self._batch = asyncio.Semaphore(1)
        self._together = Together(self._score)

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

    async def score(self, request: ScoreRequest) -> Score:
        """The score of one lead."""
        try:
            return await self._together.ask(Asked(request.record(), _moment(request.as_of), request.explain))
        except NumberError:
            self._refuse_texts(request)
            raise

    async def score_batch(self, request: ScoreBatchRequest) -> ScoreBatch:
        """The scores of many leads, in their order, all by one model and at one moment."""
        in_service, as_of = self.desk.current, _moment(request.as_of)
        scores: list[Score] = []
        async with self._batch:
            for first in range(0, len(request.leads), CHUNK):
                some = request.leads[first : first + CHUNK]
                asked = [Asked(record_of(one["lead"], one.get("interactions", [])), as_of, request.explain) for one in some]
                try:
                    scores += await asyncio.to_thread(self._score_by, in_service, asked)
                except NumberError:
                    self._refuse_texts(request)
                    raise
        return {"scores": scores}

    def _refuse_texts(self, request: View) -> None:
        """Say where they are, unless another model, which knows them as texts, came into service meanwhile."""
        refuse_texts(dict(request), self.desk.current.scorer.schema)

    def _score(self, asked: list[Asked]) -> list[Score]:
        return self._score_by(self.desk.current, asked)

    def _score_by(self, in_service: InService, asked: list[Asked]) -> list[Score]:
        answers = in_service.scorer.answers(*zip(*asked, strict=True))
        self.desk.note(*answers)
        return [answer.score for answer in answers]


def end_without(parent: int) -> None:
    """End this worker once the process that keeps it is gone: it would hold the port, and nobody would start it anew."""
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _moment(as_of: int | None) -> int:
    return now() if as_of is None else as_of
