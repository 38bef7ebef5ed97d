"""Answering together what was asked together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

MOST = 32
"""How many are answered by one call, about: the first of them would wait too long for more."""

Question = TypeVar("Question")
Reply = TypeVar("Reply")


class Together(Generic[Question, Reply]):
    """Answers by one call whatever was asked in turns of the event loop that follow each other: what a call costs is shared.

    Nobody waits for others who may come. The first turn of the loop that brings nobody is the last, so a request that comes alone is
    answered alone, and at once; under load the turns bring the requests of many connections, ``MOST`` at most.

    Args:
        reply: answers several questions, in their order. When it raises, each question is answered alone, so that only those whose
            fault it is get the error.
    """

    def __init__(self, reply: Callable[[list[Question]], list[Reply]]) -> None:
        self._reply = reply
        self._asked: list[tuple[Question, asyncio.Future[Reply]]] = []

    async def ask(self, question: Question) -> Reply:
        """The reply; raises what ``reply`` raises on this question."""
        loop = asyncio.get_running_loop()
        if not self._asked:
            loop.call_soon(self._turn, 0)
        future: asyncio.Future[Reply] = loop.create_future()
        self._asked.append((question, future))
        return await future

    def _turn(self, before: int) -> None:
        """Reply, unless somebody came since the last turn: then there may be others whose requests are being read."""
        if before < len(self._asked) < MOST:
            asyncio.get_running_loop().call_soon(self._turn, len(self._asked))
        else:
            self._reply_all()

    def _reply_all(self) -> None:
        asked = [(question, future) for question, future in self._asked if not future.done()]
        self._asked = []
        self._settle(asked)

    def _settle(self, asked: list[tuple[Question, asyncio.Future[Reply]]]) -> None:
        try:
            replies = self._reply([question for question, _ in asked])
        except Exception as error:  # noqa: BLE001 - whose fault it is gets it
            if len(asked) > 1:
                for one in asked:
                    self._settle([one])
            elif asked:
                asked[0][1].set_exception(error)
            return
        for (_, future), reply in zip(asked, replies, strict=True):
            future.set_result(reply)
