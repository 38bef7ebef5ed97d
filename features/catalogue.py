"""The catalogue: what every feature is. It knows names, windows and words, and no data.

The order of ``FeatureSet.features`` is the order of the matrix's columns and the order in which ``kernel_columns.py`` writes them. All
windows are half-open, ``[as_of - w, as_of)``; ``ever`` is the whole past. Counts and sums of nothing are 0; every other measure of nothing
is missing (NaN).

=====================  =====================================================================================================
measure                meaning, for a lead looked at at ``as_of``
=====================  =====================================================================================================
count(G, w)            interactions of group G in the window
days_since_last(G)     days since the latest, ``days_since_first(G)`` since the earliest interaction of G
decayed(G, h)          sum of 2^(-age / h) over all interactions of G: each loses half its weight in every half-life h; an interaction's
                       weight is 2^(t / h), t since the first (or a later one: ``kernel.RENEWED``), in a unit that halves with age
active_days(S, w)      distinct UTC days with an interaction of stream S; S is all, inbound or outbound
sessions(S, w)         runs of interactions without a pause longer than the session gap, by their latest interaction
trend(S, w)            (c1 - c2) / (c1 + c2): count c1 of the window against count c2 of the one before, [as_of - 2w, as_of - w)
last_gap, mean_gap,    days between the latest two interactions of S, mean, and standard deviation (population) of all gaps, by way of
spread_gap(S)          the differences d from the first gap: sqrt(mean(d^2) - mean(d)^2), so that equal gaps give exactly 0
inbound_share(w)       inbound / (inbound + outbound)
outbound_since_inbound outbound touches after the latest inbound interaction
response_hours         hours from the first inbound interaction to our first answer after it
last_type_k            the k-th latest type, ``first_type`` the first-touch one
distinct_types         different types ever, those beyond the vocabulary counting as one
sum, mean, max(A, w)   of the numeric attribute A; ``last(A)`` its latest value
last(A), first(A)      of the categorical attribute A (the first is the first-touch channel); ``distinct(A)`` different levels ever
age_days               age of the lead; ``created_hour``, ``created_weekday``, ``last_hour``, ``last_weekday`` in UTC, Monday = 0
lead.A                 the lead's own attribute
=====================  =====================================================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from pydantic import Field

from features.consent import ConsentRule
from features.contract import DAY, MINUTE, NEVER, Duration, SettingsError, Strict, format_duration
from features.schema import Schema, Vocabulary
from features.signals import Signal

CATALOGUE_VERSION = 1
STREAMS = ("all", "inbound", "outbound")
OTHER = "other"
"""The group of interactions whose type is beyond the vocabulary, and the level of attribute values beyond theirs."""


class FeatureSettings(Strict):
    """The ``[features]`` table.

    Attributes:
        windows: how far the windowed measures look back; ``ever`` is always there besides.
        half_lives: of the decayed counts.
        max_types: size of the vocabulary of interaction types; rarer ones count as ``other``.
        max_levels: number of levels kept of a categorical attribute.
        min_count: a type or level must occur so often in training to be kept.
        session_gap: a longer pause begins a new session.
        last_types: how many of the latest types are features.
    """

    windows: tuple[Duration, ...] = (1 * DAY, 7 * DAY, 30 * DAY, 90 * DAY)
    half_lives: tuple[Duration, ...] = (7 * DAY, 30 * DAY)
    max_types: int = Field(40, ge=1, le=1000)
    max_levels: int = Field(50, ge=1, le=10_000)
    min_count: int = Field(20, ge=1)
    session_gap: Duration = 30 * MINUTE
    last_types: int = Field(3, ge=1, le=10)


@dataclass(frozen=True, slots=True)
class Feature:
    """One column: ``name``, the ``signal`` whose reason it belongs to, and for a categorical one the ``levels`` of its codes."""

    name: str
    measure: str
    signal: str
    group: str = ""
    attribute: str = ""
    window: int = 0
    half_life: int = 0
    rank: int = 0
    levels: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """The catalogue fitted to a data set. Two are the same when their fingerprints are.

    Attributes:
        types: vocabulary of interaction types, sorted.
        signals: the declared ones, then each remaining type as its own.
        windows: ascending, microseconds.
        half_lives: ascending, microseconds.
        session_gap: microseconds.
        last_types: how many latest types are features.
        levels: of each categorical attribute of the interactions, sorted; ``other`` follows as the last code.
        numeric: numeric attributes of the interactions.
        lead_levels: of each categorical attribute of the leads.
        lead_numeric: numeric attributes of the leads.
        excluded: shell patterns of types that must never be seen, because they are the outcome itself.
        consent: the rules by which interactions count only with consent.
    """

    types: tuple[str, ...]
    signals: tuple[Signal, ...]
    windows: tuple[int, ...]
    half_lives: tuple[int, ...]
    session_gap: int
    last_types: int
    numeric: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    lead_numeric: tuple[str, ...]
    lead_levels: Mapping[str, tuple[str, ...]]
    excluded: tuple[str, ...] = ()
    consent: tuple[ConsentRule, ...] = ()

    @cached_property
    def schema(self) -> Schema:
        """The attributes that a history must carry, and the types that it must not."""
        known = Vocabulary(self.types, tuple(self.levels.values()), tuple(self.lead_levels.values()))
        return Schema(self.numeric, tuple(self.levels), self.lead_numeric, tuple(self.lead_levels), self.excluded, self.consent, known)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """What interactions are counted by: the streams, ``other``, every signal, and each type that no signal equals."""
        names = [*STREAMS, OTHER, *(signal.name for signal in self.signals)]
        return (*names, *(f"type:{kind}" for kind in self.apart))

    @cached_property
    def apart(self) -> tuple[str, ...]:
        """The types that are counted beside their signals, because those hold further types or only one direction."""
        equalled = {signal.types[0] for signal in self.signals if len(signal.types) == 1 and signal.direction is None}
        return tuple(dict.fromkeys(kind for signal in self.signals for kind in signal.types if kind not in equalled))

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """Every column, in order."""
        return tuple(_features(self))

    @cached_property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [feature.name for feature in self.features]

    @cached_property
    def _position(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def categorical_columns(self) -> list[int]:
        """Positions of the columns whose numbers are codes of levels."""
        return [i for i, feature in enumerate(self.features) if feature.levels is not None]

    def column(self, name: str) -> int:
        """The position of a column.

        Raises:
            SettingsError: there is none of that name.
        """
        try:
            return self._position[name]
        except KeyError:
            raise SettingsError(f"There is no feature {name!r}.", "FeatureSet.names lists them all.") from None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the definition: equal fingerprints mean equal columns of equal meaning."""
        text = json.dumps({"catalogue": CATALOGUE_VERSION, **self.to_dict()}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The definition as JSON-ready values; consent is spoken of only where it is asked for."""
        plain = {**asdict(self), "levels": dict(self.levels), "lead_levels": dict(self.lead_levels)}
        del plain["consent"]
        return plain | ({"consent": [rule.model_dump(mode="json") for rule in self.consent]} if self.consent else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FeatureSet:
        """What ``to_dict`` gave, also after a journey through JSON."""
        plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        plain["signals"] = tuple(Signal(**{**one, "types": tuple(one["types"])}) for one in values["signals"])
        plain["consent"] = tuple(ConsentRule.model_validate(one) for one in values.get("consent", ()))
        for key in ("levels", "lead_levels"):
            plain[key] = {name: tuple(levels) for name, levels in values[key].items()}
        return cls(**plain)


def window_name(window: int) -> str:
    """``7d``, or ``ever``."""
    return "ever" if window == NEVER else format_duration(window)


def _features(known: FeatureSet) -> Iterator[Feature]:
    """The blocks in the order in which the kernel writes them."""
    signal_of = {f"type:{kind}": signal.name for signal in reversed(known.signals) for kind in signal.types}
    windows = (*known.windows, NEVER)
    for group in known.groups:
        signal = signal_of.get(group, "activity" if group in STREAMS else group)
        for window in windows:
            yield Feature(f"count({group}, {window_name(window)})", "count", signal, group, window=window)
        yield Feature(f"days_since_last({group})", "days_since_last", signal, group)
        yield Feature(f"days_since_first({group})", "days_since_first", signal, group)
        for half_life in known.half_lives:
            yield Feature(f"decayed({group}, {window_name(half_life)})", "decayed", signal, group, half_life=half_life)
    for stream in STREAMS:
        yield from _stream_features(stream, known.windows, windows)
    for window in windows:
        yield Feature(f"inbound_share({window_name(window)})", "inbound_share", "activity", window=window)
    for measure in ("outbound_since_inbound", "response_hours"):
        yield Feature(measure, measure, "activity")
    kinds = (*known.types, OTHER)
    for rank in range(1, known.last_types + 1):
        yield Feature(f"last_type_{rank}", "last_type", "latest steps", rank=rank, levels=kinds)
    yield Feature("first_type", "first_type", "first touch", levels=kinds)
    yield Feature("distinct_types", "distinct_types", "activity")
    yield from _attribute_features(known, windows)
    for measure in ("age_days", "created_hour", "created_weekday", "last_hour", "last_weekday"):
        yield Feature(measure, measure, "time")
    for attribute in known.lead_numeric:
        yield Feature(f"lead.{attribute}", "lead", f"lead.{attribute}", attribute=attribute)
    for attribute, levels in known.lead_levels.items():
        yield Feature(f"lead.{attribute}", "lead", f"lead.{attribute}", attribute=attribute, levels=(*levels, OTHER))


def _stream_features(stream: str, finite: tuple[int, ...], windows: tuple[int, ...]) -> Iterator[Feature]:
    for measure in ("active_days", "sessions"):
        for window in windows:
            yield Feature(f"{measure}({stream}, {window_name(window)})", measure, "activity", stream, window=window)
    for window in finite:
        yield Feature(f"trend({stream}, {window_name(window)})", "trend", "activity", stream, window=window)
    for measure in ("last_gap", "mean_gap", "spread_gap"):
        yield Feature(f"{measure}({stream})", measure, "activity", stream)


def _attribute_features(known: FeatureSet, windows: tuple[int, ...]) -> Iterator[Feature]:
    for attribute in known.numeric:
        for measure in ("sum", "mean", "max"):
            for window in windows:
                yield Feature(f"{measure}({attribute}, {window_name(window)})", measure, attribute, attribute=attribute, window=window)
        yield Feature(f"last({attribute})", "last_value", attribute, attribute=attribute)
    for attribute, levels in known.levels.items():
        for measure in ("last", "first"):
            yield Feature(f"{measure}({attribute})", measure, attribute, attribute=attribute, levels=(*levels, OTHER))
        yield Feature(f"distinct({attribute})", "distinct", attribute, attribute=attribute)
