"""The oracle: every feature straight from its definition in ``features/catalogue.py``, in three plain loops over records.

It shares nothing with the kernel but the catalogue's names, and it is kept for ever; ``compute`` must equal it with ``==``.
Sums of floats run newest first, as the kernel's do, and a value is rounded to float32 at its very end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from features.catalogue import OTHER, Feature, FeatureSet
from features.contract import DAY, HOUR, NEVER
from features.records import InteractionRecord, LeadRecord, number, text

MISSING = math.nan
THURSDAY = 3  # the weekday of 1970-01-01
DIRECTION_OF = {"inbound": 1, "outbound": 2}


def naive(features: FeatureSet, leads: Sequence[LeadRecord], snapshots: Iterable[tuple[int, int]]) -> np.ndarray:
    """float32[m, F] of snapshots, each the position of a lead in ``leads`` and a moment."""
    rows = []
    for position, as_of in snapshots:
        seen = [event for event in newest_first(leads[position], features) if event.occurred_at < as_of and known_at(event) < as_of]
        view = View(features, leads[position], as_of, seen)
        rows.append([MEASURES[feature.measure](view, feature) for feature in features.features])
    return np.array(rows, np.float64).reshape(-1, len(features.features)).astype(np.float32)


def known_at(event: InteractionRecord) -> int:
    return event.occurred_at if event.recorded_at is None else max(event.occurred_at, event.recorded_at)


def newest_first(lead: LeadRecord, features: FeatureSet) -> list[InteractionRecord]:
    """A lead's interactions by time and, at one moment, by content, what is missing last; a repeated one once, as first known."""

    def content(event: InteractionRecord) -> tuple[object, ...]:
        numbers = [number_of(event, name) for name in features.numeric]
        texts = [text_of(event, name) for name in features.levels]
        values = [*((math.isnan(one), one) for one in numbers), *((one is None, one or "") for one in texts)]
        return event.occurred_at, event.order, event.type, event.direction or 3, known_at(event), *values

    once: dict[object, InteractionRecord] = {}
    for place, event in enumerate(sorted(lead.interactions, key=lambda event: (known_at(event), *content(event)))):
        once.setdefault(place if event.interaction_id is None else event.interaction_id, event)
    return sorted(once.values(), key=content, reverse=True)


def number_of(event: InteractionRecord, name: str) -> float:
    return number((event.attributes or {}).get(name), name)


def text_of(event: InteractionRecord, name: str) -> str | None:
    return text((event.attributes or {}).get(name))


@dataclass(frozen=True)
class View:
    """What one snapshot may look at; ``seen`` is newest first."""

    features: FeatureSet
    lead: LeadRecord
    as_of: int
    seen: list[InteractionRecord]

    def ages(self, group: str) -> list[int]:
        return [self.as_of - event.occurred_at for event in self.members[group]]

    def within(self, events: Iterable[InteractionRecord], window: int) -> list[InteractionRecord]:
        """The events of [as_of - window, as_of)."""
        return [event for event in events if window == NEVER or event.occurred_at >= self.as_of - window]

    @cached_property
    def members(self) -> dict[str, list[InteractionRecord]]:
        """The events of each group."""
        return {name: [event for event in self.seen if self.belongs(event, name)] for name in self.features.groups}

    def belongs(self, event: InteractionRecord, group: str) -> bool:
        if group == "all":
            return True
        if group in DIRECTION_OF:
            return event.direction == DIRECTION_OF[group]
        if group == OTHER:
            return event.type not in self.features.types
        for signal in self.features.signals:
            if signal.name == group:
                return event.type in signal.types and signal.direction in {None, ("", "inbound", "outbound")[event.direction]}
        return group == f"type:{event.type}"

    def values(self, feature: Feature) -> list[float]:
        """The values of a numeric attribute in the window, newest first."""
        events = self.within(self.seen, feature.window) if feature.window else self.seen
        return [value for event in events if not math.isnan(value := number_of(event, feature.attribute))]

    def codes(self, feature: Feature) -> list[int]:
        """The codes of a categorical attribute, newest first."""
        known = self.features.levels[feature.attribute]
        texts = [text_of(event, feature.attribute) for event in self.seen]
        return [code(one, known) for one in texts if one is not None]


def code(value: str, known: Sequence[str]) -> int:
    return list(known).index(value) if value in known else len(known)


def count(view: View, feature: Feature) -> float:
    return len(view.within(view.members[feature.group], feature.window))


def days_since_last(view: View, feature: Feature) -> float:
    return min(view.ages(feature.group), default=MISSING) / DAY


def days_since_first(view: View, feature: Feature) -> float:
    return max(view.ages(feature.group), default=MISSING) / DAY


def decayed(view: View, feature: Feature) -> float:
    """Step by step, from the moment back to each older interaction, as the catalogue says."""
    total, weight, moment = 0.0, 1.0, view.as_of
    for event in view.seen:
        weight *= math.exp2(-(moment - event.occurred_at) / feature.half_life)
        moment = event.occurred_at
        total += weight if view.belongs(event, feature.group) else 0.0
    return total


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
    """The standard deviation, by way of the differences from the last gap, which keeps digits and makes equal gaps exactly 0."""
    some = gaps(view, feature)
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
    return in_turn(view.values(feature))


def mean(view: View, feature: Feature) -> float:
    values = view.values(feature)
    return in_turn(values) / len(values) if values else MISSING


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
