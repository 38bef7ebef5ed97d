"""What the store's routes give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from models.score import Score
from models.temperature import Temperature


@dataclass(slots=True)
class Taken:
    """What became of a request that stores something.

    Attributes:
        stored: how many of its parts are new.
        duplicates: how many were there already; the first that came is kept.
        scores: one of each lead, in the order in which the request names them.
    """

    stored: int
    duplicates: int
    scores: list[Score]


@dataclass(slots=True)
class Merged:
    """What became of a merge.

    Attributes:
        lead_id: the lead that both ids mean now.
        merged: whether anything was moved; not where both meant one lead already.
        score: of the one lead.
    """

    lead_id: str
    merged: bool
    score: Score


@dataclass(slots=True)
class CurvePoint:
    """A look at a lead by the present model; ``probability`` is None where the rules score alone."""

    at: str
    probability: float | None
    temperature: Temperature


@dataclass(slots=True)
class Moved:
    """What became known at one moment, and by how much it changed the log-odds, or the rules' points."""

    at: str
    types: list[str]
    change: float


class StoredScore:
    """A ``Score`` as it was written down, which is described as one and never made one again."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(TypeAdapter(Score).core_schema)


@dataclass(slots=True)
class AttributeView:
    """An attribute of a lead and where it came from; moments in ISO 8601."""

    name: str
    value: Any
    origin: str
    set_at: str


@dataclass(slots=True)
class InteractionView:
    """A stored interaction; it counts from ``recorded_at``, the store had it at ``received_at``."""

    type: str
    occurred_at: str
    recorded_at: str
    received_at: str
    direction: Literal["inbound", "outbound"] | None
    order: int
    interaction_id: str | None
    attributes: dict[str, Any]
    origin: str


@dataclass(slots=True)
class OutcomeView:
    """A stored outcome."""

    outcome: Literal["won", "lost"]
    closed_at: str
    origin: str


@dataclass(slots=True)
class ChangeView:
    """A step of the path of the temperature: band, stage or version became another."""

    at: str
    cause: str
    temperature: Temperature
    stage: str
    probability: float | None
    version: str | None


@dataclass(slots=True)
class OverrideView:
    """What a person decided instead of the model."""

    field: str
    value: str
    reason: str
    by: str
    created_at: str
    expires_at: str


@dataclass(slots=True)
class LeadView:
    """All about one lead.

    Attributes:
        lead_id: the lead that answers: of one that was merged into another, the other.
        merged_from: leads whose histories are part of this one.
        interactions: the latest first, at most ``INTERACTIONS_SHOWN``; ``interactions_stored`` says how many there are.
        score: as of now.
        changes: the path of the temperature as it was told, the latest first.
        curve: the temperature over time as the present model sees it, the earliest first.
        moved: what moved it most, the greatest first.
    """

    lead_id: str
    created_at: str | None
    merged_from: list[str]
    attributes: list[AttributeView]
    interactions_stored: int
    interactions: list[InteractionView]
    outcomes: list[OutcomeView]
    score: Score
    changes: list[ChangeView]
    curve: list[CurvePoint]
    moved: list[Moved]
    overrides: list[OverrideView]


@dataclass(slots=True)
class WorklistEntry:
    """One lead of the worklist.

    Attributes:
        due: when an answer is due, None where nothing waits for one.
        changed_at: when band or stage last changed.
        handed_over_at: when the lead was handed to sales.
        attributes: of the lead, by name.
        score: the latest, as it was at its ``as_of``.
    """

    lead_id: str
    due: str | None
    changed_at: str
    handed_over_at: str | None
    attributes: dict[str, Any]
    score: Annotated[dict[str, Any], StoredScore]


@dataclass(slots=True)
class WorklistPage:
    """A page of the worklist: what to do first comes first.

    Attributes:
        counts: how many leads of each temperature the filters let through, on all pages.
        next: the cursor of the next page; None on the last one.
    """

    leads: list[WorklistEntry]
    counts: dict[Temperature, int]
    next: str | None
