"""Exploration: a small random share of the cold and warm leads is worked as if it were hot, so that the score cannot prove itself right.

Sales works the leads that the score calls hot, and leads that are worked are won more often. Learnt from, such data confirm whatever
was said before: a lead that was called cold by mistake is left alone and is lost. The explored leads break the loop. Whether a lead is
among them is decided by lot and by nothing else, so what becomes of them, beside the others of their band, shows without bias what
working such leads brings (``leadheat monitor`` compares the two), and a later training sees what the loop would have hidden.

What it means for a band's rate: the stated rates are those of the band as it was treated in training. A share e that is treated
otherwise moves a band's rate by e times the effect of being worked; with a share of 2 % and an effect that doubles a rate of 3 %, by
0.06 percentage points, which is far below any interval. So the bands' rates are of all leads, explored ones included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from pydantic import Field

from features.contract import DAY, WEEK, Strict
from models.temperature import NAMES

_THURSDAY = 3 * DAY
"""1970 began on a Thursday; weeks begin on Mondays, UTC."""
_HOT = NAMES.index("hot")


class ExplorationSettings(Strict):
    """The ``[exploration]`` table.

    Attributes:
        share: of the cold and warm leads, drawn anew each week; 0.02 is a good start, 0 is none.
        seed: of the lot; another seed draws other leads.
    """

    share: float = Field(default=0.0, ge=0, le=0.5)
    seed: int = Field(default=0, ge=0)


def explored(
    settings: ExplorationSettings, lead_ids: Callable[[], Sequence[str]], as_of: npt.ArrayLike, temperature: npt.ArrayLike
) -> npt.NDArray[np.bool_]:
    """Which leads the lot has fallen on: the same for every look at a lead within a week, wherever it is looked at from.

    Args:
        settings: share and seed.
        lead_ids: gives the ids, [m]; it is not asked where nothing is explored, for to make a million texts takes a while.
        as_of: int64[m], microseconds UTC; the lot is drawn by the week, which begins on Monday, UTC.
        temperature: int8[m]; a hot lead is worked anyway and never explored.
    """
    eligible = np.asarray(temperature) < _HOT
    if settings.share == 0:
        return np.zeros(len(eligible), np.bool_)
    weeks = ((np.asarray(as_of) + _THURSDAY) // WEEK).tolist()
    drawn = [_lot(settings.seed, lead, week) < settings.share for lead, week in zip(lead_ids(), weeks, strict=True)]
    return eligible & np.array(drawn, np.bool_)


def _lot(seed: int, lead_id: str, week: int) -> float:
    """A number in [0, 1) that is uniform over leads, weeks and seeds."""
    drawn = blake2b(f"{seed}/{week}/{lead_id}".encode("utf-8", "surrogatepass"), digest_size=6)
    return int.from_bytes(drawn.digest(), "big") / 2**48
