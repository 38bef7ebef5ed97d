"""When a worker counts as hanging, and how long to wait before another is started."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from serving.vigil import HEALTHY, LONGEST_PAUSE, Vigil, beat, last_beat, sign


def test_a_worker_hangs_whose_beat_stands_still() -> None:
    vigil = Vigil(silence=3)
    beats = [None] * 9 + [1, 2, 2, 2, 3, 3, 3, 3]
    assert [vigil.look({7: one, 8: number}) for number, one in enumerate(beats)] == [[]] * 16 + [[7]]


def died_young(vigil: Vigil, worker: int) -> int:
    """A worker is started and gone at the next look; how many looks it takes until another is started."""
    vigil.look({1: -worker}, [worker, 1])
    waited = 0
    while vigil.pause:
        vigil.look({1: waited})
        waited += 1
    return waited


def test_pauses_grow_until_all_is_calm() -> None:
    vigil = Vigil(silence=60)
    assert [died_young(vigil, worker) for worker in range(10, 18)] == [0, 1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE]
    for number in range(HEALTHY - 2):
        vigil.look({1: number})
    assert died_young(vigil, 18) == LONGEST_PAUSE
    for number in range(HEALTHY):
        vigil.look({1: number})
    assert died_young(vigil, 19) == 0


def test_one_that_started_well_is_replaced_at_once() -> None:
    vigil = Vigil(silence=60)
    for number in range(HEALTHY):
        vigil.look({1: number, 2: number})
    vigil.look({1: HEALTHY})
    assert vigil.pause == 0
    assert [died_young(vigil, worker) for worker in (3, 4)] == [0, 1]


def test_a_process_shows_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def a_moment() -> None:
        beating = asyncio.create_task(beat())
        await asyncio.sleep(0)
        beating.cancel()

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert last_beat(str(tmp_path), os.getpid()) is None
    asyncio.run(a_moment())
    assert last_beat(str(tmp_path), os.getpid()) is not None
    assert list(tmp_path.iterdir()) == [sign(str(tmp_path), os.getpid())]
