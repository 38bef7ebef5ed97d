"""How the supervisor knows that a worker hangs, or cannot start: it looks at them once a second and counts its looks.

A worker touches a file again and again from its event loop, so that one whose loop stands still shows. No clock is asked: clocks jump, and
a machine that was asleep would find all its workers silent.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

BEAT_EVERY = 1.0
"""Seconds between two signs of life."""
HEALTHY = 60
"""A worker that was seen so often has started well."""
LONGEST_PAUSE = 30
"""Looks between two starts, at most."""


def sign(folder: str, worker: int) -> Path:
    """The file by which a worker, by its process id, shows that it lives."""
    return Path(folder) / f"alive-{worker}"


async def beat() -> None:
    """Show that this process lives, until cancelled; where nobody supervises it, nothing is written."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    while folder is not None:
        sign(folder, os.getpid()).touch()
        await asyncio.sleep(BEAT_EVERY)


def last_beat(folder: str, worker: int) -> int | None:
    """Something that changes with each sign of life; None before the first, while the worker starts."""
    try:
        return sign(folder, worker).stat().st_mtime_ns
    except FileNotFoundError:
        return None


@dataclass(slots=True)
class _Seen:
    """Of one worker: how often it was seen, its last beat, and how often in a row that was seen."""

    looks: int = 0
    beat: int | None = None
    still: int = 0


class Vigil:
    """What the looks at the workers tell.

    Args:
        silence: so many looks without a new sign of life mean that a worker hangs.
    """

    def __init__(self, silence: float) -> None:
        self.pause = 0
        self._silence = silence
        self._seen: dict[int, _Seen] = {}
        self._failures = 0
        self._calm = 0

    def look(self, beats: Mapping[int, int | None], started: Iterable[int] = ()) -> list[int]:
        """Take in the last beats of the workers that run, by process id, and which were ``started`` since the last look, gone or not.

        After it ``pause`` says how many looks to wait before another is started: none after a first death or that of a worker that had
        started well, then 1, 2, 4 and so on, until for ``HEALTHY`` looks no worker has died young.

        Returns:
            Those that hang.
        """
        self._seen |= {worker: _Seen() for worker in started if worker not in self._seen}
        young = any(one.looks < HEALTHY for worker, one in self._seen.items() if worker not in beats)
        if young:
            self.pause = min(2 ** (self._failures - 1), LONGEST_PAUSE) if self._failures else 0
            self._failures, self._calm = self._failures + 1, 0
        elif self.pause:
            self.pause -= 1
        else:
            self._calm += 1
            self._failures = 0 if self._calm >= HEALTHY else self._failures
        self._seen = {worker: self._seen.get(worker, _Seen()) for worker in beats}
        return [worker for worker, beat in beats.items() if self._hangs(self._seen[worker], beat)]

    def _hangs(self, one: _Seen, beat: int | None) -> bool:
        one.looks += 1
        one.still = one.still + 1 if beat is not None and beat == one.beat else 0
        one.beat = beat
        return one.still >= self._silence
