"""Work beside the requests that is done again and again, whatever happens to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from features.contract import LeadheatError
from serving import metrics

logger = logging.getLogger("leadheat.serving")


@dataclass(frozen=True, slots=True)
class Loop:
    """One piece of such work.

    Attributes:
        name: for the log and the metrics.
        every: seconds between the end of one run and the begin of the next.
        work: is called in a thread.
    """

    name: str
    every: float
    work: Callable[[], Any]

    async def run(self) -> None:
        """Work until cancelled. A failure is counted each time, and told once until the work succeeds again."""
        failing = False
        while True:
            await asyncio.sleep(self.every)
            try:
                await asyncio.to_thread(self.work)
            except Exception as error:  # noqa: BLE001 - the next run may succeed
                metrics.count_run(self.name, "failed")
                if not failing:
                    _tell(self.name, error)
                failing = True
            else:
                metrics.count_run(self.name, "done")
                if failing:
                    logger.info("%s works again", self.name)
                failing = False


def _tell(name: str, error: Exception) -> None:
    if isinstance(error, LeadheatError):
        logger.error("%s failed and will be tried again: %s", name, error)
    else:
        logger.error("%s failed and will be tried again", name, exc_info=error)
