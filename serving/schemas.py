"""The bodies of the routes: what ``models.request`` takes, within the limits of the service."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

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


class Readiness(TypedDict):
    """What ``GET /readyz`` answers; ``problem`` is empty when all is well."""

    ready: bool
    scoring_by: Literal["model", "rules"]
    version: str | None
    problem: str
