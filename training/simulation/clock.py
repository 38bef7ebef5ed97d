"""The simulated world's clock: it runs fast in office hours and busy seasons, slow at night, on weekends and around Christmas.

The world lives in *world days*, in which nothing depends on the hour or the season; a strictly increasing map turns them into
moments. So weekday, hour and season shape everything that is observed, and the world's equations stay free of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from features.contract import HOUR, to_micros

Floats = npt.NDArray[np.float64]
Moments = npt.NDArray[np.int64]

_SEASON = (0.97, 1.02, 1.08, 1.02, 1.0, 1.03, 0.93, 0.88, 1.06, 1.1, 1.06, 0.85)
"""How busy the middle of each month is, January first."""
_WORKDAY = np.array([0.04] * 6 + [0.15, 0.4] + [1.0] * 10 + [0.45, 0.35, 0.25, 0.2, 0.1, 0.06])
_WEEK = np.concatenate([_WORKDAY] * 5 + [_WORKDAY * 0.25, _WORKDAY * 0.2])
_WEEK /= _WEEK.mean()
_YEAR = 365.25 * 24


@dataclass(frozen=True, eq=False)
class Clock:
    """A strictly increasing, piecewise linear map between world days since the start and moments.

    Attributes:
        moments: int64[H], the hours of the calendar, microseconds UTC.
        world_days: float64[H], world days since the first of them.
    """

    moments: Moments
    world_days: Floats

    @classmethod
    def starting(cls, midnight: datetime, days: int) -> Clock:
        """The clock of ``days`` days from a midnight UTC."""
        hours = np.arange(days * 24)
        january = (midnight - datetime(midnight.year, 1, 1, tzinfo=UTC)) / timedelta(hours=1)
        since_monday = hours + 24 * midnight.weekday()
        middles = (np.arange(12) + 0.5) * _YEAR / 12
        pace = np.interp(hours + january, middles, _SEASON, period=_YEAR) * _WEEK[since_monday % _WEEK.size] / 24
        return cls(to_micros(midnight) + np.arange(days * 24 + 1) * HOUR, np.concatenate([[0.0], np.cumsum(pace)]))

    def to_world_days(self, moments: Moments) -> Floats:
        """World days since the start, float64, of moments within the calendar."""
        return np.interp(moments, self.moments, self.world_days)

    def to_moments(self, world_days: Floats) -> Moments:
        """Moments, int64 microseconds UTC on the full second before, of world days since the start."""
        micros = np.interp(world_days, self.world_days, (self.moments - self.moments[0]).astype(np.float64))
        return np.asarray(self.moments[0] + (micros // 1e6).astype(np.int64) * 1_000_000)
