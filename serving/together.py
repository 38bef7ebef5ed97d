"""Answering together what was asked together."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

MOST = 32
"""How many are answered by one call, about: the first of them would wait too long for more."""

Question = TypeVar("Question")
Reply = TypeVar("Reply")


class Round(ABC, Generic[Question, Reply]):
    """Questions that are answered by one call."""

    @abstractmethod
    def add(self, question: Question) -> None:
        """Take one in; one that raises is none of them."""

    @abstractmethod
    def replies(self) -> list[Reply]:
        """The reply to each, in their order."""

    @abstractmethod
    def reply(self, number: int) -> Reply:
        """The reply to one alone."""


class Together(Generic[Question, Reply]):
    """Answers by one call whatever was asked in turns of the event loop that follow each other: what a call costs is shared.

    Nobody waits for others who may come. The first turn of the loop that brings nobody is the last, so a request that comes alone is
    answered alone, and at once; under load the turns bring the requests of many connections, ``MOST`` at most.

    Args:
        begin: makes a round. When its ``replies`` raise, each question is answered alone: only those whose fault it is get the error.
    """

    def __init__(self, begin: Callable[[], Round[Question, Reply]]) -> None:
        self._begin = begin
        self._round: Round[Question, Reply] | None = None
        self._futures: list[asyncio.Future[Reply]] = []

    def ask(self, question: Question) -> asyncio.Future[Reply]:
        """The reply to come; raises at once what the round raises on taking the question in."""
        loop = asyncio.get_running_loop()
        if self._round is None:
            self._round = self._begin()
            loop.call_soon(self._turn, 0)
        self._round.add(question)
        future: asyncio.Future[Reply] = loop.create_future()
        self._futures.append(future)
        return future

    def _turn(self, before: int) -> None:
        """Reply, unless somebody came since the last turn: then there may be others whose requests are being read."""
        if before < len(self._futures) < MOST:
            asyncio.get_running_loop().call_soon(self._turn, len(self._futures))
            return
        asked, futures, self._round, self._futures = self._round, self._futures, None, []
        if asked is not None and not all(future.done() for future in futures):
            _settle(asked, futures)


def _settle(asked: Round[Question, Reply], futures: list[asyncio.Future[Reply]]) -> None:
    try:
        replies = asked.replies()
    except Exception:  # noqa: BLE001 - whose fault it is gets it
        for number, future in enumerate(futures):
            if not future.done():
                _settle_alone(asked, number, future)
        return
    for future, reply in zip(futures, replies, strict=True):
        if not future.done():
            future.set_result(reply)


def _settle_alone(asked: Round[Question, Reply], number: int, future: asyncio.Future[Reply]) -> None:
    try:
        future.set_result(asked.reply(number))
    except Exception as error:  # noqa: BLE001 - its own
        future.set_exception(error)
