"""What the store's routes take and give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Field
from typing_extensions import TypedDict

from models.request import Flag, Moment, Name, Order, Value, Values
from models.score import Score
from models.temperature import Temperature
from serving.limits import LIMITS

_CLOSED = ConfigDict(extra="forbid")


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold the character NUL, which no database keeps")
    return text


without_nul = AfterValidator(_without_nul)
Text = Annotated[Name, without_nul]
"""A text that the store keeps as it is."""
StoredValues = Annotated[dict[Text, Value], Field(max_length=1_000)]


class InteractionOf(TypedDict):
    """One event between a lead and us."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]

    lead_id: Text
    type: Text
    occurred_at: Moment
    recorded_at: NotRequired[Moment | None]
    order: NotRequired[Order | None]
    interaction_id: NotRequired[Text | None]
    direction: NotRequired[Literal["inbound", "outbound"] | None]
    attributes: NotRequired[Values | None]


class LeadAttributes(TypedDict):
    """A lead and what is known of it; an attribute that is null is removed, one that is not named stays.

    ``origins`` says of single attributes where they come from, by name; ``origin`` of the request holds for the others. The latest
    that comes in holds, with its origin.
    """

    __pydantic_config__ = _CLOSED  # type: ignore[misc]

    lead_id: Text
    created_at: NotRequired[Moment | None]
    attributes: NotRequired[StoredValues | None]
    origins: NotRequired[Annotated[dict[Text, Text], Field(max_length=1_000)]]


class OutcomeOf(TypedDict):
    """What became of a lead."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]

    lead_id: Text
    outcome: Literal["won", "lost"]
    closed_at: Moment


class InteractionsRequest(TypedDict):
    """The body of ``POST /interactions``: all of it is stored, or nothing."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]

    interactions: Annotated[list[InteractionOf], Field(min_length=1, max_length=LIMITS.max_interactions)]
    origin: NotRequired[Text]
    explain: NotRequired[Flag]


class LeadsRequest(TypedDict):
    """The body of ``POST /leads``: all of it is stored, or nothing."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]

    leads: Annotated[list[LeadAttributes], Field(min_length=1, max_length=LIMITS.max_leads)]
    origin: NotRequired[Text]
    explain: NotRequired[Flag]


class OutcomesRequest(TypedDict):
    """The body of ``POST /outcomes``: all of it is stored, or nothing."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]

    outcomes: Annotated[list[OutcomeOf], Field(min_length=1, max_length=LIMITS.max_leads)]
    origin: NotRequired[Text]
    explain: NotRequired[Flag]


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


class MergeRequest(TypedDict):
    """The body of ``POST /leads/{lead_id}/merge``: the lead that takes the other's history over."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]

    into: Text


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
    score: dict[str, Any]


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
