"""The bodies of the routes: what ``models.request`` takes, within the limits of the service."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from models import request
from models.request import Interaction, Lead, View
from models.score import Score
from serving.limits import LIMITS

Interactions = Annotated[list[Interaction], Field(max_length=LIMITS.max_interactions)]


class LeadHistory(TypedDict):
    """A lead and its interactions, in any order: time decides, then ``order``, then their content."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    lead: Lead
    interactions: NotRequired[Interactions]


class ScoreRequest(request.ScoreRequest):
    """The body of ``POST /score``."""

    interactions: Interactions = Field(default_factory=list)


class ScoreBatchRequest(View):
    """The body of ``POST /score_batch``."""

    leads: Annotated[list[LeadHistory], Field(min_length=1, max_length=LIMITS.max_leads)]


class ScoreBatch(TypedDict):
    """What ``POST /score_batch`` answers: one score a lead, in their order."""

    scores: list[Score]


def _keys(schema: type) -> tuple[str, ...]:
    return tuple(name for name in schema.__annotations__ if not name.startswith("_"))


KEYS = {
    "ScoreRequest": tuple(ScoreRequest.model_fields),
    "ScoreBatchRequest": tuple(ScoreBatchRequest.model_fields),
    "lead": _keys(Lead),
    "interactions": _keys(Interaction),
    "leads": _keys(LeadHistory),
}
"""The keys that may stand in each object, by the body or by the key that holds it."""
