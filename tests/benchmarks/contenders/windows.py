"""What is counted: interactions of 6 types in 4 windows before a moment, ``[as_of - window, as_of)``."""

from __future__ import annotations

from features.contract import DAY
from tests.benchmarks.world import KINDS, WINDOW_DAYS

COUNTS = [f"count({kind}, {days}d)" for kind in KINDS for days in WINDOW_DAYS]
"""The 24 columns, in their order."""
LONGEST = max(WINDOW_DAYS) * DAY
STRIDE = 2**45
"""More microseconds than a year has: a lead's number times this, plus a moment, sorts by lead, then by time."""
