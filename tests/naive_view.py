"""What a snapshot may look at, in plain records: the eyes of the oracle."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from features.catalogue import OTHER, Feature, FeatureSet
from features.columns import text
from features.contract import NEVER
from features.records import InteractionRecord, LeadRecord, number

DIRECTION_OF = {"inbound": 1, "outbound": 2}


def known_at(event: InteractionRecord) -> int:
    return event.occurred_at if event.recorded_at is None else max(event.occurred_at, event.recorded_at)


def newest_first(lead: LeadRecord, features: FeatureSet) -> list[InteractionRecord]:
    """A lead's interactions by time and, at one moment, by content, what is missing last; a repeated one once, as first known."""

    def content(event: InteractionRecord) -> tuple[object, ...]:
        numbers = [number_of(event, name) for name in features.numeric]
        texts = [text_of(event, name) for name in features.levels]
        values = [*((math.isnan(one), one) for one in numbers), *((one is None, one or "") for one in texts)]
        return event.occurred_at, event.order, event.type, event.direction or 3, *values, known_at(event)

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
