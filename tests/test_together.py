"""What is asked in turns of the event loop that follow each other is answered by one call, and each gets what is his."""

from __future__ import annotations

import asyncio

import pytest

from serving import together as module
from serving.together import Round, Together


class Halves:
    """Halves even numbers below ten, and remembers what it was asked at a time."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def begin(self) -> Round[int, int]:
        """The next call."""
        self.calls.append([])
        return _Halving(self.calls[-1])


class _Halving(Round[int, int]):
    def __init__(self, numbers: list[int]) -> None:
        self.numbers = numbers

    def add(self, number: int) -> None:
        if number > 9:
            raise OverflowError(f"{number} is too large")
        self.numbers.append(number)

    def replies(self) -> list[int]:
        return list(map(self.reply, range(len(self.numbers))))

    def reply(self, number: int) -> int:
        if self.numbers[number] % 2:
            raise ValueError(f"{self.numbers[number]} is odd")
        return self.numbers[number] // 2


async def one(together: Together[int, int], number: int) -> int:
    return await together.ask(number)


async def asked(together: Together[int, int], numbers: list[int]) -> list[int | BaseException]:
    return await asyncio.gather(*(one(together, number) for number in numbers), return_exceptions=True)


def test_what_comes_together_is_answered_by_one_call() -> None:
    halves = Halves()
    assert asyncio.run(asked(Together(halves.begin), [2, 6, 4])) == [1, 3, 2]
    assert halves.calls == [[2, 6, 4]]


async def in_turns(together: Together[int, int], numbers: list[int]) -> list[int]:
    """Ask once in every turn."""
    waiting = []
    for number in numbers:
        waiting.append(asyncio.create_task(one(together, number)))
        await asyncio.sleep(0)
    return await asyncio.gather(*waiting)


def test_what_comes_in_the_next_turns_is_answered_by_one_call() -> None:
    halves = Halves()
    assert asyncio.run(in_turns(Together(halves.begin), [2, 6, 4, 8])) == [1, 3, 2, 4]
    assert halves.calls == [[2, 6, 4, 8]]


def test_the_first_does_not_wait_for_all_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    halves = Halves()
    assert asyncio.run(in_turns(Together(halves.begin), [2] * 10)) == [1] * 10
    assert max(map(len, halves.calls)) == 3


def test_what_comes_later_is_answered_by_another() -> None:
    async def one_by_one() -> list[int]:
        return [await together.ask(number) for number in (2, 6)]

    halves = Halves()
    together = Together(halves.begin)
    assert asyncio.run(one_by_one()) == [1, 3]
    assert halves.calls == [[2], [6]]


def test_only_whose_fault_it_is_gets_the_error() -> None:
    even, odd, other = asyncio.run(asked(Together(Halves().begin), [2, 3, 8]))
    assert (even, other) == (1, 4)
    with pytest.raises(ValueError, match="3 is odd"):
        raise odd if isinstance(odd, BaseException) else AssertionError(odd)


def test_what_is_not_taken_in_is_refused_and_the_others_are_answered_together() -> None:
    halves = Halves()
    large, even, larger, other = asyncio.run(asked(Together(halves.begin), [10, 2, 12, 8]))
    assert (even, other, halves.calls) == (1, 4, [[2, 8]])
    for error, number in ((large, 10), (larger, 12)):
        with pytest.raises(OverflowError, match=f"{number} is too large"):
            raise error if isinstance(error, BaseException) else AssertionError(error)


def test_nobody_is_answered_where_nobody_was_taken_in() -> None:
    assert all(isinstance(error, OverflowError) for error in asyncio.run(asked(Together(Halves().begin), [10, 12])))


def test_who_has_gone_keeps_nobody_from_an_answer() -> None:
    async def one_goes() -> int:
        gone = asyncio.create_task(one(together, 2))
        stays = asyncio.create_task(one(together, 4))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    halves = Halves()
    together = Together(halves.begin)
    assert asyncio.run(one_goes()) == 2
