"""Counting the funnel in the store: one pass over the interactions of a period, with each lead's next step beside each of its steps.

========================  ========================================================================================================
rate                      share of what, and what counts
========================  ========================================================================================================
response                  of our touches (outbound interactions): a response follows within ``response_within``, before our next touch
meeting                   of the responses: a meeting that took place follows within ``meeting_within``
opportunity               of the meetings that took place: an opportunity, or a win, follows within ``opportunity_within``
no_show                   of the appointments, kept or missed: missed
========================  ========================================================================================================

The first three count in the period in which their time ends, so that each has had all of it: with 30 days for a meeting, a report on June
tells what became of the responses from 2 May to 1 June. Appointments count when they are. Nothing at or after the end of the period is
read. A step's temperature is the one that was shown when it happened; ``unknown`` before the lead was first scored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from sqlalchemy import CTE, ColumnElement, Connection, Integer, and_, case, func, literal, null, select, union_all
from sqlalchemy.types import BigInteger

from features.contract import NEVER
from features.history import OUTBOUND
from features.signals import fit_signals
from features.store.schema import attributes, changes, interactions, outcomes
from models.funnel import By, FunnelSettings
from models.settings import ScoringSettings
from models.strength import strength_of

RATES = ("response", "meeting", "opportunity", "no_show")
STEPS = ("touch", "response", "meeting", "missed", "opportunity", "asks")


class Period(NamedTuple):
    """A half-open interval of moments in microseconds UTC."""

    start: int
    end: int


@dataclass(slots=True)
class Sums:
    """Of one rate: ``n`` trials of ``leads`` leads, of which ``k`` succeeded, and the sums over leads of k², kn and n²."""

    leads: int = 0
    n: int = 0
    k: int = 0
    kk: int = 0
    kn: int = 0
    nn: int = 0

    def add(self, other: Iterable[Any]) -> None:
        """Add those of other leads."""
        for name, value in zip(self.__slots__, other, strict=True):
            setattr(self, name, getattr(self, name) + int(value or 0))


class Counted(NamedTuple):
    """What a group, by its JSON value or the code of its temperature, holds: the sums of each rate in the order of ``RATES``."""

    group: Any
    sums: list[tuple[Any, ...]]


class Asked(NamedTuple):
    """A lead's first signal of a period that wants an answer: ``wait`` in microseconds, None while there is none."""

    group: Any
    wait: int | None


def types_of(connection: Connection, settings: ScoringSettings) -> dict[str, list[str]]:
    """The types in the store that are each of ``STEPS`` but touch, which is any outbound interaction."""
    funnel = settings.funnel
    known = sorted(connection.execute(select(interactions.c.type).distinct()).scalars())
    patterns = {"response": funnel.response, "meeting": funnel.meeting, "missed": settings.qualification.missed}
    patterns |= {"opportunity": funnel.opportunity, "asks": funnel.asks}
    found = {step: [kind for kind in known if any(fnmatchcase(kind, one) for one in some)] for step, some in patterns.items()}
    if not funnel.asks:
        asking = [one for one in fit_signals(dict(settings.signals), known, ()) if strength_of(one) in ("medium", "strong")]
        found["asks"] = sorted({kind for one in asking for kind in one.types})
    return found


def count(connection: Connection, settings: ScoringSettings, period: Period, by: By | None) -> tuple[list[Counted], list[Asked]]:
    """Count a period by group; the groups are None for leads without a value."""
    steps = _steps(connection, settings, period)
    group = _group(by, steps)
    trials = _trials(settings.funnel, period, steps)
    numbers = [func.sum(one).label(f"{part}_{name}") for name, pair in trials.items() for part, one in zip("nk", pair, strict=True)]
    leads = select(steps.c.lead_id, group.label("band"), *numbers).group_by(steps.c.lead_id, group).cte("counted")
    value, source = _value(settings.funnel, by, leads)
    sums = [part for name in RATES for part in _sums(leads.c[f"n_{name}"], leads.c[f"k_{name}"])]
    rows = connection.execute(select(value, *sums).select_from(source).group_by(value)).all()
    width = len(Sums.__slots__)
    counted = [Counted(row[0], [tuple(row[1 + i * width : 1 + (i + 1) * width]) for i in range(len(RATES))]) for row in rows]
    return counted, _asked(connection, settings.funnel, period, by, steps)


def _steps(connection: Connection, settings: ScoringSettings, period: Period) -> CTE:
    """Every step of every lead, with the next touch, response, meeting and opportunity after it, and the temperature then."""
    kinds, funnel = types_of(connection, settings), settings.funnel
    since = period.start - max(funnel.response_within, funnel.meeting_within, funnel.opportunity_within)
    happened = union_all(_interactions(kinds, since, period.end), _wins(since, period.end), _bands(period.end)).subquery("happened")
    at, order = happened.c.at, [happened.c[step] for step in STEPS]
    later: dict[str, Any] = {"partition_by": happened.c.lead_id, "order_by": [at.desc(), *order], "rows": (None, -1)}
    until: dict[str, Any] = {"partition_by": happened.c.lead_id, "order_by": [at, happened.c.band.desc()], "rows": (None, 0)}
    following = [
        func.min(case((happened.c[step] == 1, at))).over(**later).label(f"next_{step}")
        for step in ("touch", "response", "meeting", "opportunity")
    ]
    band = (func.max(case((happened.c.band >= 0, at * 4 + happened.c.band))).over(**until) % 4).label("band")
    return select(happened.c.lead_id, at, *order, *following, band).cte("steps")


def _interactions(kinds: dict[str, list[str]], since: int, end: int) -> Any:
    own = interactions.c.direction != OUTBOUND
    flags = {step: and_(own, interactions.c.type.in_(kinds[step])) for step in STEPS if step != "touch"}
    flags["touch"] = interactions.c.direction == OUTBOUND
    columns = [case((flags[step], 1), else_=0).label(step) for step in STEPS]
    wanted = {kind for some in kinds.values() for kind in some}
    telling = (interactions.c.direction == OUTBOUND) | interactions.c.type.in_(sorted(wanted))
    return select(interactions.c.lead_id, interactions.c.occurred_at.label("at"), *columns, literal(-1, Integer).label("band")).where(
        interactions.c.occurred_at >= since, interactions.c.occurred_at < end, telling
    )


def _wins(since: int, end: int) -> Any:
    columns = [literal(int(step == "opportunity"), Integer).label(step) for step in STEPS]
    return select(outcomes.c.lead_id, outcomes.c.closed_at.label("at"), *columns, literal(-1, Integer).label("band")).where(
        outcomes.c.outcome == "won", outcomes.c.closed_at >= since, outcomes.c.closed_at < end
    )


def _bands(end: int) -> Any:
    columns = [literal(0, Integer).label(step) for step in STEPS]
    return select(changes.c.lead_id, changes.c.at, *columns, changes.c.temperature.label("band")).where(changes.c.at < end)


def _trials(funnel: FunnelSettings, period: Period, steps: CTE) -> dict[str, tuple[ColumnElement[int], ColumnElement[int]]]:
    """For each rate, whether a step is a trial and whether it succeeded, as 1 or 0."""

    def rate(step: str, then: str, within: int, *further: ColumnElement[bool]) -> tuple[ColumnElement[int], ColumnElement[int]]:
        trial = and_(steps.c[step] == 1, steps.c.at >= period.start - within, steps.c.at < period.end - within)
        return _one(trial), _one(trial, steps.c[f"next_{then}"] < steps.c.at + within, *further)

    before_next = steps.c.next_response < func.coalesce(steps.c.next_touch, NEVER)
    appointment = and_(steps.c.meeting + steps.c.missed > 0, steps.c.at >= period.start, steps.c.at < period.end)
    return {
        "response": rate("touch", "response", funnel.response_within, before_next),
        "meeting": rate("response", "meeting", funnel.meeting_within),
        "opportunity": rate("meeting", "opportunity", funnel.opportunity_within),
        "no_show": (_one(appointment), _one(appointment, steps.c.missed == 1)),
    }


def _one(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return case((and_(*conditions), 1), else_=0)


def _group(by: By | None, steps: CTE) -> ColumnElement[Any]:
    return steps.c.band if by == "temperature" else literal(0, Integer)


def _value(funnel: FunnelSettings, by: By | None, leads: Any) -> tuple[ColumnElement[Any], Any]:
    """What a lead is told apart by, and where it is read from."""
    if by == "temperature":
        return leads.c.band, leads
    if by is None:
        return null().cast(BigInteger), leads
    mine = and_(attributes.c.lead_id == leads.c.lead_id, attributes.c.name == getattr(funnel, by))
    return attributes.c.value, leads.outerjoin(attributes, mine)


def _sums(n: ColumnElement[Any], k: ColumnElement[Any]) -> Collection[ColumnElement[Any]]:
    return [func.sum(one) for one in (case((n > 0, 1), else_=0), n, k, k * k, k * n, n * n)]


def _asked(connection: Connection, funnel: FunnelSettings, period: Period, by: By | None, steps: CTE) -> list[Asked]:
    """Each lead's first ask of the period."""
    inside = (steps.c.asks == 1, steps.c.at >= period.start, steps.c.at < period.end)
    number = func.row_number().over(partition_by=steps.c.lead_id, order_by=[steps.c.at, steps.c.next_touch]).label("number")
    wait = (steps.c.next_touch - steps.c.at).label("wait")
    asks = select(steps.c.lead_id, steps.c.band, wait, number).where(*inside).cte("asked")
    value, source = _value(funnel, by, asks)
    return [Asked(*row) for row in connection.execute(select(value, asks.c.wait).select_from(source).where(asks.c.number == 1))]
