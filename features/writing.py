"""What a disk that cannot be written to says, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.contract import LeadheatError


@contextmanager
def writing(what: str, place: Path, hint: str = "Make room, or write elsewhere.") -> Iterator[None]:
    """Say of an ``OSError`` in the block what could not be written where, why, and what to do.

    Args:
        what: what was to be written: "The scores".
        place: the file or folder that people know of.
        hint: what to do.

    Raises:
        LeadheatError: the disk is full, or fails, or may not be written to.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error  # Arrow's own words are long, and a few of its errors have no number
        raise LeadheatError(f"{what} cannot be written to {place}: {reason}.", hint) from error
