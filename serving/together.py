"""Answering together what was asked together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Question = TypeVar("Question")
Reply = TypeVar("Reply")


class Together(Generic[Question, Reply]):
    """Answers by one call whatever was asked in one turn of the event loop: what a call costs, however little it is about, is shared.

    Nobody waits for others to come. Under load a turn brings the requests of many connections; a request that comes alone is answered
    alone, and at once.

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
            loop.call_soon(self._reply_all)
        future: asyncio.Future[Reply] = loop.create_future()
        self._asked.append((question, future))
        return await future

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
