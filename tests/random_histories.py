"""Random data sets for the exact properties: small, quick to draw, and full of corners."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from features.catalogue import FeatureSet, FeatureSettings
from features.compute import compute
from features.contract import DAY, HOUR, MINUTE, WEEK
from features.history import History
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from features.signals import SignalSettings
from features.sources import Tables
from features.vocabulary import fit_features

TYPES = ("visit", "mail/open", "mail/click", "demo", "call", "all", "other", "type:demo", "asked")
SIGNALS = {
    "asked": SignalSettings(types=("demo", "never_seen"), direction="inbound"),
    "mail": SignalSettings(types=("mail/*",)),
    "touch": SignalSettings(types=("call", "mail/*", "demo"), direction="outbound"),
    "nothing": SignalSettings(types=("no such type*",)),
}
ATTRIBUTES = Schema(("amount", "minutes"), ("channel",), ("employees",), ("industry", "source"))
SETTINGS = (
    FeatureSettings(min_count=1, max_types=3, max_levels=2),
    FeatureSettings(windows=(MINUTE, HOUR, 2 * HOUR, 7 * HOUR), half_lives=(HOUR,), session_gap=HOUR, min_count=4),
    FeatureSettings(windows=(), half_lives=(), min_count=2),
    FeatureSettings(windows=(3 * DAY,), half_lives=(DAY, WEEK, 400 * DAY), session_gap=2 * DAY, min_count=1, last_types=5),
)
DICE = st.randoms(use_true_random=True)
ORIGINS = (-30 * 365 * DAY - 5 * HOUR, 0, 20_000 * DAY)


@dataclass(frozen=True)
class World:
    """A data set as records, a feature set fitted to it, and snapshots: positions in ``leads`` and moments, [m] each."""

    leads: list[LeadRecord]
    features: FeatureSet
    lead: np.ndarray
    as_of: np.ndarray

    @property
    def history(self) -> History:
        return history_of(self.leads, self.features.schema)

    @property
    def snapshots(self) -> list[tuple[int, int]]:
        return list(zip(self.lead.tolist(), self.as_of.tolist(), strict=True))


@dataclass(frozen=True)
class Shape:
    """How a random data set looks: ``grain`` and ``span`` of its times in microseconds, how many interactions a lead has at most."""

    origin: int
    grain: int
    span: int
    longest: int
    late: bool
    schema: Schema
    settings: FeatureSettings
    signals: Mapping[str, SignalSettings]


@st.composite
def worlds(draw: st.DrawFn, leads: int = 30) -> World:
    """Data sets of ``leads`` leads; Hypothesis draws the shape and the seed of the dice that draw the rest."""
    grain, span = draw(st.sampled_from([(1, 3 * DAY), (MINUTE, 200 * DAY), (HOUR, 10 * DAY), (DAY, 60 * DAY), (DAY, 3 * DAY)]))
    shape = Shape(
        origin=draw(st.sampled_from(ORIGINS)),
        grain=grain,
        span=span,
        longest=draw(st.sampled_from([1, 6, 25])),
        late=draw(st.booleans()),
        schema=draw(st.sampled_from([ATTRIBUTES, Schema()])),
        settings=draw(st.sampled_from(SETTINGS)),
        signals=draw(st.sampled_from([SIGNALS, {}])),
    )
    return random_world(draw(DICE), shape, leads)


def random_world(dice: random.Random, shape: Shape, leads: int) -> World:
    """A data set of random leads after one without anything, one with all at one moment, and one created after it was looked at."""
    moment = shape.origin
    plain = [LeadRecord("empty"), LeadRecord("at once", moment, {}, [_interaction(dice, shape, moment) for _ in range(shape.longest)])]
    late = LeadRecord("created late", moment + 3 * shape.span, {}, [_interaction(dice, shape, moment + k * DAY) for k in range(3)])
    drawn = [*plain, late, *(_lead(dice, shape, number) for number in range(leads - 3))]
    history = history_of(drawn, shape.schema)
    features = fit_features(history, shape.settings, shape.signals, until=moment + shape.span // 2)
    pairs = [(position, as_of) for position, lead in enumerate(drawn) for as_of in _moments(dice, shape, lead)]
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return World(drawn, features, table[:, 0], table[:, 1])


def _lead(dice: random.Random, shape: Shape, number: int) -> LeadRecord:
    moments = [shape.origin + dice.randrange(shape.span) // shape.grain * shape.grain for _ in range(dice.randint(0, shape.longest))]
    created = shape.origin + dice.randrange(shape.span) if dice.random() < 0.8 else None
    return LeadRecord(f"lead {number}", created, _lead_attributes(dice), [_interaction(dice, shape, moment) for moment in moments])


def _interaction(dice: random.Random, shape: Shape, moment: int) -> InteractionRecord:
    kind = TYPES[min(dice.randrange(len(TYPES)), dice.randrange(len(TYPES)))]
    recorded = moment + dice.choice([-1, 0, 1, shape.grain, HOUR, 20 * DAY]) if shape.late and dice.random() < 0.4 else None
    return InteractionRecord(kind, moment, recorded, dice.randrange(3), dice.randrange(2), attributes=_attributes(dice))


def _attributes(dice: random.Random) -> dict[str, Any]:
    values = {"amount": dice.choice([None, 0.1, -3.7e5, 1e-7, dice.gauss(0, 1)]), "minutes": dice.choice([3, 12.5, None, float("nan")])}
    return {**values, "channel": dice.choice(["web", "fair", "", None, "mail", "phone"]), "not in the schema": 1}


def _lead_attributes(dice: random.Random) -> dict[str, Any] | None:
    values = {"employees": dice.choice([None, 7, 0.25]), "industry": dice.choice(["steel", "trade", None, "other"])}
    return dice.choice([None, {}, values, {**values, "source": dice.choice(["fair", "list"])}])


def _moments(dice: random.Random, shape: Shape, lead: LeadRecord) -> list[int]:
    """Moments that sit on an edge (of an interaction, of when it was known, of a window it is about to leave), and others."""
    edges = [0, 1, *shape.settings.windows, *(2 * window for window in shape.settings.windows)]
    marks = [moment for event in lead.interactions for moment in (event.occurred_at, event.recorded_at) if moment is not None]
    marks = [shape.origin, shape.origin + shape.span, *marks]
    return [dice.choice(marks) + dice.choice(edges) + dice.choice([-1, 0, 0, 1]) for _ in range(3)]


def tables_of(leads: Sequence[LeadRecord], schema: Schema, dice: random.Random, *, order: bool) -> Tables:
    """The records as ``features.sources`` would hand them on, with the rows in random order."""
    rows = [(lead.lead_id, event) for lead in leads for event in lead.interactions]
    dice.shuffle(rows)
    events = [event for _, event in rows]
    columns = {
        "lead_id": pa.array([lead_id for lead_id, _ in rows], pa.string()),
        "occurred_at": moments([event.occurred_at for event in events]),
        "type": pa.array([event.type for event in events], pa.string()),
        "direction": pa.array([(None, "inbound", "outbound")[event.direction] for event in events], pa.string()),
        **_columns([event.attributes or {} for event in events], schema.numeric, schema.categorical),
    }
    if any(event.recorded_at is not None for event in events):
        columns["recorded_at"] = moments([event.recorded_at for event in events])
    if order:
        columns["order"] = pa.array([event.order for event in events], pa.int64())
    own = _columns([lead.attributes or {} for lead in leads], schema.lead_numeric, schema.lead_categorical)
    lead_ids = pa.array([lead.lead_id for lead in leads], pa.string())
    people = {"lead_id": lead_ids, "created_at": moments([lead.created_at for lead in leads]), **own}
    return Tables(pa.table(columns), pa.table(people), pa.table({"lead_id": lead_ids[:0]}), 0, (), "")


def moments(values: Sequence[int | None]) -> pa.Array:
    return pa.array(values, pa.int64()).cast(pa.timestamp("us", "UTC"))


def _columns(rows: Sequence[Mapping[str, Any]], numeric: Sequence[str], categorical: Sequence[str]) -> dict[str, pa.Array]:
    numbers = {name: pa.array([row.get(name) for row in rows], pa.float64()) for name in numeric}
    return numbers | {name: pa.array([row.get(name) or None for row in rows], pa.string()) for name in categorical}


def shifted(lead: LeadRecord, by: int) -> LeadRecord:
    """The same lead, everything of it ``by`` microseconds later."""
    return lead._replace(
        created_at=None if lead.created_at is None else lead.created_at + by,
        interactions=[
            event._replace(occurred_at=event.occurred_at + by, recorded_at=None if event.recorded_at is None else event.recorded_at + by)
            for event in lead.interactions
        ],
    )


def same(actual: np.ndarray, expected: np.ndarray, names: Sequence[str]) -> None:
    """Assert equality to the last bit, NaN being equal to NaN, and name the columns that differ."""
    assert actual.dtype == expected.dtype == np.float32
    assert actual.shape == expected.shape
    differ = ~((actual == expected) | (np.isnan(actual) & np.isnan(expected)))
    places = [(names[column], int(row), actual[row, column], expected[row, column]) for row, column in np.argwhere(differ)[:5]]
    assert not places


def matrix(world: World, leads: Sequence[LeadRecord]) -> np.ndarray:
    """The features of the world's snapshots, had its leads been ``leads``."""
    return compute(world.features, history_of(leads, world.features.schema), world.lead, world.as_of)
