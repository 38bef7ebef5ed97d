"""Counting the funnel in the store: the steps of a period, which an index keeps by type, direction and time, as trials and successes.

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

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, Select, Subquery, and_, bindparam, case, func, literal, null, select, union_all

from features.history import INBOUND, OUTBOUND, UNKNOWN
from features.signals import fit_signals
from features.store.schema import attributes, changes, interactions, outcomes
from models.funnel import By, FunnelSettings
from models.settings import ScoringSettings
from models.strength import strength_of

RATES = ("response", "meeting", "opportunity", "no_show")
FEW = ("response", "meeting", "missed", "opportunity")
"""The steps that are few beside touches and signals."""
Types = dict[str, list[str]]
"""The interaction types that are each kind of step."""


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


def types_of(connection: Connection, settings: ScoringSettings) -> Types:
    """The types in the store that are each kind of step: ``FEW``, ``asks``, and ``touch``, which is any outbound interaction."""
    known, funnel = list(_known(connection)), settings.funnel
    patterns = {"touch": ("*",), "response": funnel.response, "meeting": funnel.meeting, "missed": settings.qualification.missed}
    patterns |= {"opportunity": funnel.opportunity, "asks": funnel.asks}
    found = {step: [kind for kind in known if any(fnmatchcase(kind, one) for one in some)] for step, some in patterns.items()}
    if not funnel.asks:
        asking = [one for one in fit_signals(dict(settings.signals), known, ()) if strength_of(one) in ("medium", "strong")]
        found["asks"] = sorted({kind for one in asking for kind in one.types})
    return found


def _known(connection: Connection) -> Iterator[str]:
    """All types: one look into the index for each, where ``DISTINCT`` would read all interactions."""
    following = select(func.min(interactions.c.type)).where(interactions.c.type > bindparam("last"))
    last = ""
    while (last := connection.execute(following, {"last": last}).scalar_one()) is not None:
        yield last


def count(connection: Connection, settings: ScoringSettings, period: Period, by: By | None) -> tuple[list[Counted], list[Asked]]:
    """Count a period by group; the groups are None for leads without a value."""
    types, funnel = types_of(connection, settings), settings.funnel
    sums: dict[Any, dict[str, tuple[Any, ...]]] = {}
    for rates, trials in ((RATES[:1], _touches(types, funnel, period)), (RATES[1:], _others(types, funnel, period))):
        for group, *row in connection.execute(_summed(rates, trials, funnel, by)):
            width = len(Sums.__slots__)
            sums.setdefault(group, {}).update({rate: tuple(row[i * width : (i + 1) * width]) for i, rate in enumerate(rates)})
    nothing = (0,) * len(Sums.__slots__)
    counted = [Counted(group, [of.get(rate, nothing) for rate in RATES]) for group, of in sums.items()]
    return counted, _asked(connection, types, funnel, period, by)


def _step(types: Types, step: str, since: int, end: int) -> Select[Any]:
    """The lead and the moment of each step of a kind in ``[since, end)``."""
    happened = interactions.c.occurred_at
    inside = and_(interactions.c.type.in_(types[step]), _direction(step), happened >= since, happened < end)
    return select(interactions.c.lead_id, happened.label("at")).where(inside)


def _direction(step: str) -> ColumnElement[bool]:
    return interactions.c.direction.in_([OUTBOUND] if step == "touch" else [UNKNOWN, INBOUND])


def _touches(types: Types, funnel: FunnelSettings, period: Period) -> Subquery:
    """Each touch as a trial, and each that was answered, as the latest before a response, as a success."""
    within = funnel.response_within
    since, until = period.start - within, period.end - within
    touch = _step(types, "touch", since, period.end).subquery("touch")
    response = _step(types, "response", since, period.end).subquery("response")
    before = and_(touch.c.lead_id == response.c.lead_id, touch.c.at <= response.c.at, touch.c.at > response.c.at - within)
    latest = select(touch.c.lead_id, func.max(touch.c.at).label("at")).select_from(response.join(touch, before))
    answered = latest.group_by(touch.c.lead_id, response.c.at).subquery("answered")
    one, none = literal(1, Integer), literal(0, Integer)
    trials = _step(types, "touch", since, until).add_columns(one.label("n_response"), none.label("k_response"))
    successes = select(answered.c.lead_id, answered.c.at, none, one).where(answered.c.at < until).distinct()
    return union_all(trials, successes).subquery("touches")


def _others(types: Types, funnel: FunnelSettings, period: Period) -> Subquery:
    """The few other steps, with the next meeting and opportunity after each, as trials and successes of what they are."""
    since = period.start - max(funnel.meeting_within, funnel.opportunity_within)
    happened = union_all(_interactions(types, since, period.end), _wins(since, period.end)).subquery("happened")
    at, flags = happened.c.at, [happened.c[step] for step in FEW]
    later: dict[str, Any] = {"partition_by": happened.c.lead_id, "order_by": [at.desc(), *flags], "rows": (None, -1)}
    following = [func.min(case((happened.c[step] == 1, at))).over(**later).label(f"next_{step}") for step in ("meeting", "opportunity")]
    steps = select(happened.c.lead_id, at, *flags, *following).subquery("steps")

    def rate(step: str, then: str, within: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        trial = and_(steps.c[step] == 1, steps.c.at >= period.start - within, steps.c.at < period.end - within)
        return trial, and_(trial, steps.c[f"next_{then}"] < steps.c.at + within)

    appointment = and_(steps.c.meeting + steps.c.missed > 0, steps.c.at >= period.start, steps.c.at < period.end)
    trials = {
        "meeting": rate("response", "meeting", funnel.meeting_within),
        "opportunity": rate("meeting", "opportunity", funnel.opportunity_within),
        "no_show": (appointment, and_(appointment, steps.c.missed == 1)),
    }
    columns = [_flag(one).label(f"{part}_{name}") for name, pair in trials.items() for part, one in zip("nk", pair, strict=True)]
    return select(steps.c.lead_id, steps.c.at, *columns).subquery("others")


def _interactions(types: Types, since: int, end: int) -> Select[Any]:
    columns = [_flag(interactions.c.type.in_(types[step])).label(step) for step in FEW]
    every = {"few": sorted({kind for step in FEW for kind in types[step]})}
    return _step(every, "few", since, end).add_columns(*columns)


def _wins(since: int, end: int) -> Select[Any]:
    columns = [literal(int(step == "opportunity"), Integer).label(step) for step in FEW]
    return select(outcomes.c.lead_id, outcomes.c.closed_at.label("at"), *columns).where(
        outcomes.c.outcome == "won", outcomes.c.closed_at >= since, outcomes.c.closed_at < end
    )


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _summed(rates: Collection[str], trials: Subquery, funnel: FunnelSettings, by: By | None) -> Select[Any]:
    """Each group with the ``Sums`` of each rate over its leads."""
    banded = _banded(by, trials)
    numbers = [func.sum(banded.c[f"{part}_{rate}"]).label(f"{part}_{rate}") for rate in rates for part in "nk"]
    leads = select(banded.c.lead_id, banded.c.band, *numbers).group_by(banded.c.lead_id, banded.c.band).subquery("counted")
    value, source = _value(funnel, by, leads)
    sums = [part for rate in rates for part in _sums(leads.c[f"n_{rate}"], leads.c[f"k_{rate}"])]
    return select(value, *sums).select_from(source).group_by(value)


def _sums(n: ColumnElement[Any], k: ColumnElement[Any]) -> Collection[ColumnElement[Any]]:
    return [func.sum(one) for one in (case((n > 0, 1), else_=0), n, k, k * k, k * n, n * n)]


def _banded(by: By | None, steps: Subquery) -> Subquery:
    """The steps with the ``band`` that was shown when each happened, where that is asked for."""
    band: ColumnElement[Any] = null().cast(Integer)
    if by == "temperature":
        until_then = and_(changes.c.lead_id == steps.c.lead_id, changes.c.at <= steps.c.at)
        band = select(changes.c.temperature).where(until_then).order_by(changes.c.at.desc()).limit(1).scalar_subquery()
    return select(steps, band.label("band")).subquery("banded")


def _value(funnel: FunnelSettings, by: By | None, leads: Any) -> tuple[ColumnElement[Any], Any]:
    """What a lead is told apart by, and where it is read from."""
    if by in ("temperature", None):
        return leads.c.band, leads
    mine = and_(attributes.c.lead_id == leads.c.lead_id, attributes.c.name == getattr(funnel, by))
    return attributes.c.value, leads.outerjoin(attributes, mine)


def _asked(connection: Connection, types: Types, funnel: FunnelSettings, period: Period, by: By | None) -> list[Asked]:
    """Each lead's first ask of the period, and how long it waited for our next touch."""
    asks = _step(types, "asks", *period).subquery("asks")
    first = select(asks.c.lead_id, func.min(asks.c.at).label("at")).group_by(asks.c.lead_id).subquery("first")
    touch = _step(types, "touch", *period).subquery("touch")
    after = and_(touch.c.lead_id == first.c.lead_id, touch.c.at > first.c.at)
    wait = (func.min(touch.c.at) - first.c.at).label("wait")
    waits = select(first.c.lead_id, first.c.at, wait).select_from(first.outerjoin(touch, after)).group_by(first.c.lead_id, first.c.at)
    told = _banded(by, waits.subquery("waits"))
    value, source = _value(funnel, by, told)
    return [Asked(*row) for row in connection.execute(select(value, told.c.wait).select_from(source))]
