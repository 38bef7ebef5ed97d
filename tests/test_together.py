"""What is asked in turns of the event loop that follow each other is answered by one call, and each gets what is his."""

from __future__ import annotations

import asyncio

import pytest

from serving import together as module
from serving.together import Together


class Halves:
    """Halves even numbers, and remembers what it was asked at a time."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def __call__(self, numbers: list[int]) -> list[int]:
        self.calls.append(numbers)
        for number in numbers:
            if number % 2:
                raise ValueError(f"{number} is odd")
        return [number // 2 for number in numbers]


async def asked(together: Together[int, int], numbers: list[int]) -> list[int | BaseException]:
    return await asyncio.gather(*(together.ask(number) for number in numbers), return_exceptions=True)


def test_what_comes_together_is_answered_by_one_call() -> None:
    halves = Halves()
    assert asyncio.run(asked(Together(halves), [2, 6, 4])) == [1, 3, 2]
    assert halves.calls == [[2, 6, 4]]


async def in_turns(together: Together[int, int], numbers: list[int]) -> list[int]:
    """Ask once in every turn."""
    waiting = []
    for number in numbers:
        waiting.append(asyncio.create_task(together.ask(number)))
        await asyncio.sleep(0)
    return await asyncio.gather(*waiting)


def test_what_comes_in_the_next_turns_is_answered_by_one_call() -> None:
    halves = Halves()
    assert asyncio.run(in_turns(Together(halves), [2, 6, 4, 8])) == [1, 3, 2, 4]
    assert halves.calls == [[2, 6, 4, 8]]


def test_the_first_does_not_wait_for_all_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    halves = Halves()
    assert asyncio.run(in_turns(Together(halves), [2] * 10)) == [1] * 10
    assert max(map(len, halves.calls)) == 3


def test_what_comes_later_is_answered_by_another() -> None:
    async def one_by_one() -> list[int]:
        return [await together.ask(number) for number in (2, 6)]

    halves = Halves()
    together = Together(halves)
    assert asyncio.run(one_by_one()) == [1, 3]
    assert halves.calls == [[2], [6]]


def test_only_whose_fault_it_is_gets_the_error() -> None:
    even, odd, other = asyncio.run(asked(Together(Halves()), [2, 3, 8]))
    assert (even, other) == (1, 4)
    with pytest.raises(ValueError, match="3 is odd"):
        raise odd if isinstance(odd, BaseException) else AssertionError(odd)


def test_who_has_gone_is_not_answered() -> None:
    async def one_goes() -> int:
        gone = asyncio.create_task(together.ask(2))
        stays = asyncio.create_task(together.ask(4))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    halves = Halves()
    together = Together(halves)
    assert asyncio.run(one_goes()) == 2
    assert halves.calls in ([[4]], [[2, 4]])
