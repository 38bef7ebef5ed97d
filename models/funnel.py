"""The ``[funnel]`` table: which interactions are answers, meetings and opportunities, and by what the rates are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from features.contract import DAY, Duration, Strict

By = Literal["temperature", "industry", "size", "role"]
Range = tuple[float, float]
EXPECTED: Mapping[str, Mapping[str, Range]] = {
    "cold": {"response": (0.01, 0.03), "meeting": (0.10, 0.20), "opportunity": (0.20, 0.35)},
    "warm": {"response": (0.08, 0.20), "meeting": (0.30, 0.50), "opportunity": (0.35, 0.60)},
}
"""What sales practice expects of cold and warm leads (German sales handbooks; of hot ones they say nothing)."""


class FunnelSettings(Strict):
    """The ``[funnel]`` table. Patterns are shell patterns over interaction types, case sensitive.

    Attributes:
        asks: what wants an answer of ours; by default the inbound types of strong and medium signals.
        response: what answers a touch of ours.
        meeting: a meeting that took place.
        opportunity: what makes an opportunity, beside a win.
        response_within: how long a touch may wait for its response.
        meeting_within: how long a response may wait for a meeting.
        opportunity_within: how long a meeting may wait for an opportunity.
        industry: the attribute of the leads that holds it.
        role: likewise.
        size: likewise; a number, which ``sizes`` divide into classes, or a text as it is.
        sizes: the least number of each class.
    """

    asks: tuple[str, ...] = ()
    response: tuple[str, ...] = ("*repl[yi]*", "*call_back*", "*callback*", "*answer*")
    meeting: tuple[str, ...] = ("*meeting_held*", "*met_*", "*demo_held*", "*appointment_kept*")
    opportunity: tuple[str, ...] = ("*offer_request*", "*quote_request*", "*opportunity*")
    response_within: Duration = 14 * DAY
    meeting_within: Duration = 30 * DAY
    opportunity_within: Duration = 60 * DAY
    industry: str = "industry"
    role: str = "role"
    size: str = "employees"
    sizes: dict[str, float] = Field(default_factory=lambda: {"small": 0.0, "medium": 50.0, "large": 500.0})

    def size_of(self, value: object) -> str:
        """The class of a number; a text is its own."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return str(value)
        reached = [(least, name) for name, least in self.sizes.items() if value >= least]
        return max(reached)[1] if reached else "unknown"
