"""How many requests a second a caller may make: token buckets, of which only so many are kept."""

from __future__ import annotations

import math
from collections import OrderedDict
from time import monotonic

from serving.errors import RequestError
from serving.keys import Scope
from serving.limits import Limits

MOST = 10_000
"""Callers that are remembered; whoever was quiet for longest is forgotten, which gives him a full bucket again."""
BURST = 2.0
"""Seconds' worth of requests that may come at once after a pause."""


class Rates:
    """Counts by caller and scope. Each worker counts for itself.

    Args:
        limits: requests a second by scope; 0 for no limit.
    """

    def __init__(self, limits: Limits) -> None:
        self._rates: dict[Scope, float] = {
            "read": limits.rate_read,
            "score": limits.rate_score,
            "write": limits.rate_write,
            "erase": limits.rate_erase,
        }
        self._buckets: OrderedDict[tuple[str, Scope], tuple[float, float]] = OrderedDict()

    def take(self, caller: str, scope: Scope, now: float | None = None) -> None:
        """Count one request.

        Raises:
            RequestError: 429, it is one too many.
        """
        rate = self._rates[scope]
        if not rate:
            return
        now = monotonic() if now is None else now
        most = max(1.0, BURST * rate)
        tokens, since = self._buckets.pop((caller, scope), (most, now))
        tokens = min(most, tokens + (now - since) * rate)
        self._buckets[caller, scope] = (tokens - 1 if tokens >= 1 else tokens, now)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        if tokens < 1:
            wait = str(math.ceil((1 - tokens) / rate))
            hint = f"Ask again in {wait} s; at most {rate:g} requests a second are taken."
            raise RequestError(429, "Too many requests.", hint, headers={"Retry-After": wait})
