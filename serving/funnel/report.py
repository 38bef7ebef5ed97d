"""``GET /funnel``: rates of response, meetings, opportunities and no-shows, and how fast we answer, by group and over a period."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field
from starlette.requests import Request

from features.contract import DAY, MINUTE, Strict, iso, now
from models.funnel import EXPECTED, By, FunnelSettings, Range
from models.intervals import wilson
from models.request import Moment
from models.settings import ScoringSettings
from models.temperature import NAMES
from serving.desk import Desk
from serving.endpoints import Endpoint
from serving.errors import wrong
from serving.funnel.counting import RATES, Asked, Counted, Period, Sums, count
from serving.memory.memory import Memory

USUAL = 90 * DAY
MOST_GROUPS = 50
"""Groups that are told one by one, those with most touches; the others are one, ``other``."""


class FunnelQuery(Strict):
    """The period, ``from`` (90 days before its end by default) to ``to`` (now by default), and what the leads are told apart by."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    start: Moment | None = Field(default=None, alias="from", description="Where the period begins; 90 days before its end by default.")
    to: Moment | None = Field(default=None, description="Where the period ends; now by default.")
    by: By | None = Field(default=None, description="What the leads are told apart by; all together by default.")


@dataclass(slots=True)
class Rate:
    """``count`` of ``of``, with the 95 % Wilson interval from ``low`` to ``high``.

    The interval rests on the effective number of trials: those of one lead resemble each other. ``rate`` is None of nothing;
    ``expected`` is what sales practice expects.
    """

    count: int
    of: int
    rate: float | None
    low: float
    high: float
    expected: Range | None


@dataclass(slots=True)
class FirstResponse:
    """From each lead's first signal of the period that wants an answer to our first touch after it.

    Of ``asked`` leads ``answered`` were answered before the period ended; the others count as having waited longer than any, so that a
    quantile that lies among them is None.
    """

    asked: int
    answered: int
    median_minutes: float | None
    p90_minutes: float | None


@dataclass(slots=True)
class Group:
    """The rates of some leads; ``serving.funnel.counting`` says of what each is the share."""

    group: str
    response: Rate
    meeting: Rate
    opportunity: Rate
    no_show: Rate
    first_response: FirstResponse


@dataclass(slots=True)
class Funnel:
    """The funnel from ``start``, told as ``from``, until before ``to``, ISO 8601 in UTC.

    ``total`` is of all leads, ``groups`` where they are told apart.
    """

    start: Annotated[str, Field(alias="from")]
    to: str
    by: By | None
    total: Group
    groups: list[Group]


async def funnel(desk: Desk, _request: Request, asked: FunnelQuery) -> Funnel:
    """The funnel over a period.

    Raises:
        RequestError: 422 where it ends before it begins.
    """
    end = now() if asked.to is None else asked.to
    start = end - USUAL if asked.start is None else asked.start
    if start >= end:
        hint = "Let from lie before to, which is now by default."
        raise wrong("from", f"does not lie before the end of the period, {iso(end)}", hint, "query")
    return await desk.run(report, desk.memory, desk.settings, Period(start, end), asked.by)


def report(memory: Memory, settings: ScoringSettings, period: Period, by: By | None) -> Funnel:
    """Count and sum up; arguments as of ``count``."""
    with memory.reading() as connection:
        counted, asked = count(connection, settings, period, by)
    told = _groups(settings.funnel, by, counted, asked) if by else []
    total = _group("all", (one.sums for one in counted), [one.wait for one in asked])
    moments = [iso(one) for one in period]
    return Funnel(moments[0], moments[1], by, total, told)


def _groups(funnel: FunnelSettings, by: By, counted: list[Counted], asked: list[Asked]) -> list[Group]:
    """From cold to hot, or those with most touches first."""
    touches = {one.group: 0 for one in asked} | {one.group: int(one.sums[0][1]) for one in counted}
    names = _names(funnel, by, touches)
    groups: dict[str, tuple[list[Counted], list[int | None]]] = {name: ([], []) for name in names.values()}
    for one in counted:
        groups[names[one.group]][0].append(one)
    for ask in asked:
        groups[names[ask.group]][1].append(ask.wait)
    return [_group(name, (one.sums for one in some), waits) for name, (some, waits) in groups.items()]


def _names(funnel: FunnelSettings, by: By, touches: Mapping[Any, int]) -> dict[Any, str]:
    """The name of each group, in the order in which they are told."""
    if by == "temperature":
        order: list[int | None] = [*range(len(NAMES)), None]
        return {code: "unknown" if code is None else NAMES[code] for code in order if code in touches}
    named = {group: _name(funnel, by, group) for group in touches}
    size: Counter[str] = Counter()
    for group, many in touches.items():
        size[named[group]] += many
    rank = {name: place for place, name in enumerate(sorted(size, key=lambda name: (-size[name], name)))}
    ordered = sorted(named.items(), key=lambda pair: (rank[pair[1]], str(pair[0])))
    return {value: name if rank[name] < MOST_GROUPS else "other" for value, name in ordered}


def _name(funnel: FunnelSettings, by: By, value: Any) -> str:
    content = None if value is None else json.loads(value)
    if content is None:
        return "unknown"
    return funnel.size_of(content) if by == "size" else str(content)


def _group(name: str, sums: Iterable[list[tuple[Any, ...]]], waits: list[int | None]) -> Group:
    added = {rate: Sums() for rate in RATES}
    for some in sums:
        for rate, one in zip(RATES, some, strict=True):
            added[rate].add(one)
    rates = {rate: _rate(one, EXPECTED.get(name, {}).get(rate)) for rate, one in added.items()}
    return Group(name, **rates, first_response=_first_response(waits))


def _rate(sums: Sums, expected: Range | None) -> Rate:
    share = sums.k / sums.n if sums.n else 0.0
    low, high = wilson(share, effective(sums))
    return Rate(sums.k, sums.n, share if sums.n else None, float(low), float(high), expected)


def effective(sums: Sums) -> float:
    """How many independent trials the trials of some leads are worth: as the last of ``models.intervals.effective_rows``, from sums."""
    if not sums.n:
        return 0.0
    rate = sums.k / sums.n
    if 0 < rate < 1 and sums.leads > 1:
        between = (sums.kk - 2 * rate * sums.kn + rate * rate * sums.nn) * sums.leads / (sums.leads - 1)
        effect = between * (sums.n - 1) / sums.n / (sums.n * rate * (1 - rate))
    else:
        effect = sums.nn / sums.n
    return sums.n / max(effect, 1.0)


def _first_response(waits: list[int | None]) -> FirstResponse:
    minutes = np.array([np.inf if one is None else one / MINUTE for one in waits], np.float64)
    answered = int(np.count_nonzero(np.isfinite(minutes)))
    if not len(minutes):
        return FirstResponse(0, 0, None, None)
    quantiles = np.quantile(minutes, [0.5, 0.9], method="inverted_cdf").tolist()
    median, p90 = (one if np.isfinite(one) else None for one in quantiles)
    return FirstResponse(len(minutes), answered, median, p90)


FUNNEL = (
    Endpoint(
        "GET",
        "/funnel",
        funnel,
        None,
        Funnel,
        "read",
        "Rates of response, meetings, opportunities and no-shows, and how fast we answer, over a period and by group.",
        query=FunnelQuery,
    ),
)
