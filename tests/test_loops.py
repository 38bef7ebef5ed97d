"""Work beside the requests goes on, whatever one run of it meets."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import pytest

from features.contract import SettingsError
from serving.loops import Loop


def run(loop: Loop, seconds: float = 0.3) -> None:
    async def for_a_while() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(loop.run(), seconds)

    asyncio.run(for_a_while())


def test_a_failure_is_told_once_and_the_work_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    runs: list[int] = []

    def work() -> None:
        runs.append(len(runs))
        if len(runs) in (1, 2):
            raise SettingsError("The disk is full.")
        if len(runs) == 4:
            raise KeyError("x")

    with caplog.at_level(logging.INFO, "leadheat.serving"):
        run(Loop("sweep", 0.01, work))
    assert len(runs) > 5
    assert [one.getMessage() for one in caplog.records] == [
        "sweep failed and will be tried again: The disk is full.",
        "sweep works again",
        "sweep failed and will be tried again",
        "sweep works again",
    ]
