"""What the store's routes take."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from features.contract import DAY, format_duration, iso, now
from models.request import Flag, Moment, Name, Order, Value, Values
from serving.limits import LIMITS

AHEAD = DAY
"""How far ahead of this machine's clock a moment may lie at which something happened: senders' clocks differ by minutes, and times whose
zone was mistaken by up to 14 hours."""
_CLOSED = ConfigDict(extra="forbid")


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold the character NUL, which no database keeps")
    return text


without_nul = AfterValidator(_without_nul)
Text = Annotated[Name, without_nul]
"""A text that the store keeps as it is."""
StoredValues = Annotated[dict[Text, Value], Field(max_length=1_000)]


def _happened(moment: int) -> int:
    clock = now()
    if moment > clock + AHEAD:
        raise PydanticCustomError("ahead", f"lies more than {format_duration(AHEAD)} ahead of this service's clock, {iso(clock)}")
    return moment


Happened = Annotated[Moment, AfterValidator(_happened)]
"""A moment at which something did happen, or within ``AHEAD``: then it counts from that moment on.

What lies further ahead is refused. It would be stored and count for nothing until its day comes, perhaps in years, and nobody would see
that a year was mistyped; were it left out and the rest of the request stored, a sender who does not read the whole answer would take it for
stored. Nothing of a request that is refused is acknowledged, so nothing is lost: it can be mended and sent again as a whole.
"""


class InteractionOf(TypedDict):
    """One event between a lead and us."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]

    lead_id: Text
    type: Text
    occurred_at: Happened
    recorded_at: NotRequired[Happened | None]
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
    created_at: NotRequired[Happened | None]
    attributes: NotRequired[StoredValues | None]
    origins: NotRequired[Annotated[dict[Text, Text], Field(max_length=1_000)]]


class OutcomeOf(TypedDict):
    """What became of a lead."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]

    lead_id: Text
    outcome: Literal["won", "lost"]
    closed_at: Happened


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


class MergeRequest(TypedDict):
    """The body of ``POST /leads/{lead_id}/merge``: the lead that takes the other's history over."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]

    into: Text
