"""One lead as JSON, as ``POST /score`` takes it: how MLflow's users hand a history in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, ValidationError

from features.contract import DataError, Strict, to_micros
from features.history import DIRECTIONS, UNKNOWN
from features.records import InteractionRecord, LeadRecord

Values = dict[str, Annotated[float | str | bool | None, Field(union_mode="smart")]]


class _Interaction(Strict):
    type: str = Field(min_length=1)
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime | None = None
    order: int | None = Field(default=None, strict=True, ge=-(2**63), lt=2**63)
    interaction_id: str | None = None
    direction: Literal["inbound", "outbound"] | None = None
    attributes: Values | None = None

    def record(self) -> InteractionRecord:
        recorded_at = None if self.recorded_at is None else to_micros(self.recorded_at)
        direction = UNKNOWN if self.direction is None else DIRECTIONS[self.direction]
        occurred_at = to_micros(self.occurred_at)
        return InteractionRecord(self.type, occurred_at, recorded_at, direction, self.order or 0, self.interaction_id, self.attributes)


class _Lead(Strict):
    lead_id: str = Field(min_length=1)
    created_at: AwareDatetime | None = None
    attributes: Values | None = None


class ScoreRequest(Strict):
    """The body of ``POST /score``; ``as_of`` is None where it states none."""

    lead: _Lead
    interactions: tuple[_Interaction, ...] = ()
    as_of: AwareDatetime | None = None
    explain: bool = True

    def record(self) -> LeadRecord:
        """The lead as ``features.records.history_of`` takes it."""
        created_at = None if self.lead.created_at is None else to_micros(self.lead.created_at)
        return LeadRecord(self.lead.lead_id, created_at, self.lead.attributes, [one.record() for one in self.interactions])


def read_request(body: str | bytes) -> ScoreRequest:
    """Read and check a body.

    Raises:
        DataError: it is no JSON, or not what ``POST /score`` takes; the message says where and what.
    """
    try:
        return ScoreRequest.model_validate_json(body)
    except ValidationError as error:
        raise DataError("; ".join(_in_words(problem) for problem in error.errors()[:3]) + ".") from error


def _in_words(problem: Any) -> str:
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
