"""How far long work has come: who works says it, and the command line shows it where somebody is watching."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

Advance = Callable[[int], None]
"""Says that so many more steps are done."""
Bar = Callable[[str, int], AbstractContextManager[Advance]]
"""Shows work, named in words, of so many steps while its block lasts."""


@contextmanager
def _unseen(_words: str, _steps: int) -> Iterator[Advance]:
    yield lambda _: None


_bar: ContextVar[Bar] = ContextVar("bar", default=_unseen)


@contextmanager
def progress(words: str, steps: int) -> Iterator[Advance]:
    """Work of so many steps; progress inside of it is not shown.

    Example:
        >>> with progress("adding", 3) as advance:
        ...     for _ in range(3):
        ...         advance(1)
    """
    outer = _bar.get()
    token = _bar.set(_unseen)
    try:
        with outer(words, steps) as advance:
            yield advance
    finally:
        _bar.reset(token)


@contextmanager
def shown_by(bar: Bar) -> Iterator[None]:
    """Show the progress of what runs in the block."""
    token = _bar.set(bar)
    try:
        yield
    finally:
        _bar.reset(token)
