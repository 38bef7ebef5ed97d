"""The oracle: every feature straight from its definition in ``features/catalogue.py``, in three plain loops over records.

It shares nothing with the kernel but the catalogue's names, and it is kept for ever; ``compute`` must equal it with ``==``.
Sums of floats run oldest first, as the kernel's do, and a value is rounded to float32 at its very end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from features.catalogue import Feature, FeatureSet
from features.columns import text
from features.contract import DAY, HOUR
from features.records import InteractionRecord, LeadRecord, number
from tests.naive_view import View, code, known_at, newest_first

MISSING = math.nan
THURSDAY = 3  # the weekday of 1970-01-01


def naive(features: FeatureSet, leads: Sequence[LeadRecord], snapshots: Iterable[tuple[int, int]]) -> np.ndarray:
    """float32[m, F] of snapshots, each the position of a lead in ``leads`` and a moment."""
    rows = []
    for position, as_of in snapshots:
        seen = [event for event in newest_first(leads[position], features) if event.occurred_at < as_of and known_at(event) < as_of]
        view = View(features, leads[position], as_of, seen)
        rows.append([MEASURES[feature.measure](view, feature) for feature in features.features])
    return np.array(rows, np.float64).reshape(-1, len(features.features)).astype(np.float32)


def count(view: View, feature: Feature) -> float:
    return len(view.within(view.members[feature.group], feature.window))


def days_since_last(view: View, feature: Feature) -> float:
    return min(view.ages(feature.group), default=MISSING) / DAY


def days_since_first(view: View, feature: Feature) -> float:
    return max(view.ages(feature.group), default=MISSING) / DAY


def decayed(view: View, feature: Feature) -> float:
    """In units of the weight of the oldest interaction, or of one 512 half-lives later, as the catalogue says."""
    total, unit = 0.0, view.as_of
    for event in reversed(view.seen):
        if event is view.seen[-1]:
            unit = event.occurred_at
        elif event.occurred_at - unit > 512 * feature.half_life:
            total *= math.exp2(-(event.occurred_at - unit) / feature.half_life)
            unit = event.occurred_at
        total += math.exp2((event.occurred_at - unit) / feature.half_life) if view.belongs(event, feature.group) else 0.0
    return total * math.exp2(-(view.as_of - unit) / feature.half_life)


def in_turn(values: Iterable[float]) -> float:
    """A plain sum, one after the other (``sum`` compensates from Python 3.12 on)."""
    total = 0.0
    for value in values:
        total += value
    return total


def active_days(view: View, feature: Feature) -> float:
    return len({event.occurred_at // DAY for event in view.within(view.members[feature.group], feature.window)})


def sessions(view: View, feature: Feature) -> float:
    events = view.members[feature.group]
    ends = events[:1] + [older for newer, older in pairwise(events) if gap(newer, older) > view.features.session_gap]
    return len(view.within(ends, feature.window))


def gap(newer: InteractionRecord, older: InteractionRecord) -> int:
    return newer.occurred_at - older.occurred_at


def trend(view: View, feature: Feature) -> float:
    events = view.members[feature.group]
    recent = len(view.within(events, feature.window))
    before = len(view.within(events, 2 * feature.window)) - recent
    return (recent - before) / (recent + before) if recent + before else MISSING


def gaps(view: View, feature: Feature) -> list[int]:
    events = view.members[feature.group]
    return [gap(newer, older) for newer, older in pairwise(events)]


def last_gap(view: View, feature: Feature) -> float:
    return next(iter(gaps(view, feature)), MISSING) / DAY


def mean_gap(view: View, feature: Feature) -> float:
    some = gaps(view, feature)
    return sum(some) / DAY / len(some) if some else MISSING


def spread_gap(view: View, feature: Feature) -> float:
    """The standard deviation, by way of the differences from the first gap, which keeps digits and makes equal gaps exactly 0."""
    some = gaps(view, feature)[::-1]
    if not some:
        return MISSING
    differences = [one - some[0] for one in some]
    mean = sum(differences) / DAY / len(some)
    squares = in_turn((one / DAY) * (one / DAY) for one in differences)
    return math.sqrt(max(0.0, squares / len(some) - mean * mean))


def inbound_share(view: View, feature: Feature) -> float:
    inbound, outbound = (len(view.within(view.members[stream], feature.window)) for stream in ("inbound", "outbound"))
    return inbound / (inbound + outbound) if inbound + outbound else MISSING


def outbound_since_inbound(view: View, _: Feature) -> float:
    directions = [event.direction for event in view.seen]
    return directions[: directions.index(1) if 1 in directions else None].count(2)


def response_hours(view: View, _: Feature) -> float:
    oldest_first = iter(reversed(view.seen))
    asked = next((event for event in oldest_first if event.direction == 1), None)
    answer = next((event for event in oldest_first if event.direction == 2), None)
    return MISSING if asked is None or answer is None else gap(answer, asked) / HOUR


def last_type(view: View, feature: Feature) -> float:
    return nth((code(event.type, view.features.types) for event in view.seen), feature.rank)


def first_type(view: View, _: Feature) -> float:
    return nth((code(event.type, view.features.types) for event in reversed(view.seen)), 1)


def nth(values: Iterable[float], rank: int) -> float:
    return dict(enumerate(values, 1)).get(rank, MISSING)


def distinct_types(view: View, _: Feature) -> float:
    return len({code(event.type, view.features.types) for event in view.seen})


def total(view: View, feature: Feature) -> float:
    return in_turn(reversed(view.values(feature)))


def mean(view: View, feature: Feature) -> float:
    values = view.values(feature)
    return in_turn(reversed(values)) / len(values) if values else MISSING


def highest(view: View, feature: Feature) -> float:
    return max(view.values(feature), default=MISSING)


def last_value(view: View, feature: Feature) -> float:
    return nth(view.values(feature), 1)


def last(view: View, feature: Feature) -> float:
    return nth(view.codes(feature), 1)


def first(view: View, feature: Feature) -> float:
    return nth(reversed(view.codes(feature)), 1)


def distinct(view: View, feature: Feature) -> float:
    return len(set(view.codes(feature)))


def created(view: View) -> list[int]:
    """When the lead was created, if that is known and past."""
    moment = view.lead.created_at
    return [] if moment is None or moment >= view.as_of else [moment]


def latest(view: View) -> list[int]:
    """When the latest interaction took place, if there is one."""
    return [event.occurred_at for event in view.seen[:1]]


def own(view: View, feature: Feature) -> float:
    value = (view.lead.attributes or {}).get(feature.attribute)
    if feature.levels is None:
        return number(value, feature.attribute)
    level = text(value)
    return MISSING if level is None else code(level, feature.levels[:-1])


MEASURES: dict[str, Callable[[View, Feature], float]] = {
    "count": count, "days_since_last": days_since_last, "days_since_first": days_since_first, "decayed": decayed,
    "active_days": active_days, "sessions": sessions, "trend": trend, "last_gap": last_gap, "mean_gap": mean_gap, "spread_gap": spread_gap,
    "inbound_share": inbound_share, "outbound_since_inbound": outbound_since_inbound, "response_hours": response_hours,
    "last_type": last_type, "first_type": first_type, "distinct_types": distinct_types,
    "sum": total, "mean": mean, "max": highest, "last_value": last_value, "last": last, "first": first, "distinct": distinct,
    "age_days": lambda view, _: nth(((view.as_of - moment) / DAY for moment in created(view)), 1),
    "created_hour": lambda view, _: nth((moment // HOUR % 24 for moment in created(view)), 1),
    "created_weekday": lambda view, _: nth(((moment // DAY + THURSDAY) % 7 for moment in created(view)), 1),
    "last_hour": lambda view, _: nth((moment // HOUR % 24 for moment in latest(view)), 1),
    "last_weekday": lambda view, _: nth(((moment // DAY + THURSDAY) % 7 for moment in latest(view)), 1),
    "lead": own,
}  # fmt: skip
