"""What ``POST /score`` takes: JSON in, a record for the scorer out. The service and MLflow's users hand the same bodies in.

A body is validated in one go from its bytes. Interactions stay plain dictionaries, because fifty objects would cost more than the
score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import ErrorDetails, PydanticKnownError, SchemaValidator, core_schema
from typing_extensions import TypedDict

from features.contract import DataError, Strict, to_micros
from features.records import LeadRecord

_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Moments outside of these are placeholders (0001-01-01, 9999-12-31) and no facts."""
_FACTS = range(to_micros(_FIRST), to_micros(_LAST))
MOMENTS = ("as_of", "created_at", "occurred_at", "recorded_at", "closed_at", "expires_at", "changed_since", "from", "to")
"""The keys that hold a moment."""
MOMENT_HINT = 'Write the moment in ISO 8601 with its time zone, such as "2026-01-31T08:00:00Z".'
_MOMENTS = SchemaValidator(core_schema.datetime_schema(ge=_FIRST, lt=_LAST, tz_constraint="aware"))
_SHOWN = 3


class _Moment:
    """A text in ISO 8601 with a time zone; bare numbers are not read as seconds, for they might be milliseconds or a date."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(_moment_of, core_schema.str_schema(pattern=r"^\d{4}-", max_length=40))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "date-time", "maxLength": 40}


def _moment_of(text: str) -> int:
    """Microseconds UTC of what pydantic reads in a text; the standard library's time zones, where it can read them, cost a third."""
    try:
        moment = to_micros(datetime.fromisoformat(text))
    except ValueError:
        return _by_pydantic(text)
    return moment if moment in _FACTS else _by_pydantic(text)


def _by_pydantic(text: str) -> int:
    try:
        return to_micros(_MOMENTS.validate_python(text))
    except ValidationError as error:
        problem = error.errors()[0]
        raise PydanticKnownError(problem["type"], problem.get("ctx")) from error  # type: ignore[arg-type]


class _Value:
    """A number, a text, true, false or null."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.union_schema(
            [
                core_schema.float_schema(allow_inf_nan=False, strict=True),
                core_schema.str_schema(max_length=1_000, strict=True),
                core_schema.bool_schema(strict=True),
                core_schema.none_schema(),
            ],
            custom_error_type="attribute",
            custom_error_message="must be a finite number, a text of at most 1,000 characters, true, false or null",
        )


Moment = Annotated[int, _Moment]
"""Microseconds UTC of a text in ISO 8601 with its time zone."""
Value = Annotated[float | str | bool | None, _Value]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Order = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
"""Which of the interactions at one moment came first, as the data set's order column has it; 0 where nothing is said."""
Flag = Annotated[bool, Field(strict=True)]
Values = Annotated[dict[Name, Value], Field(max_length=1_000)]


class Interaction(TypedDict):
    """One event between a lead and us."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    type: Name
    occurred_at: Moment
    recorded_at: NotRequired[Moment | None]
    order: NotRequired[Order | None]
    interaction_id: NotRequired[Name | None]
    direction: NotRequired[Literal["inbound", "outbound"] | None]
    attributes: NotRequired[Values | None]


class Lead(TypedDict):
    """Who is scored."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    lead_id: Name
    created_at: NotRequired[Moment | None]
    attributes: NotRequired[Values | None]


class View(Strict):
    """How to look at the leads of a body, whether one or many."""

    as_of: Moment | None = None
    """The moment at which to look; now by default."""
    explain: Flag = True
    """Whether the answer gives reasons; without them it is several times faster."""


class ScoreRequest(View):
    """The body of ``POST /score``; how many interactions it may hold is up to who reads it."""

    lead: Lead
    interactions: list[Interaction] = Field(default_factory=list)

    def record(self) -> LeadRecord:
        """The lead as ``features.intake.history_of`` takes it."""
        return record_of(self.lead, self.interactions)


def read_request(body: str | bytes) -> ScoreRequest:
    """Read and check a body.

    Raises:
        DataError: it is no JSON, or not what ``POST /score`` takes; the message says where and what.
    """
    try:
        return ScoreRequest.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)[:_SHOWN]
        hint = MOMENT_HINT if any(problem["loc"][-1:] and problem["loc"][-1] in MOMENTS for problem in problems) else ""
        raise DataError("; ".join(map(_in_words, problems)) + ".", hint) from error


def _in_words(problem: ErrorDetails) -> str:
    what = "Input is no moment" if problem["type"] == "string_pattern_mismatch" else problem["msg"]
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {what}" if place else what


def record_of(lead: Mapping[str, Any], interactions: Sequence[Interaction]) -> LeadRecord:
    """A validated lead as the scorer takes it."""
    return LeadRecord(lead["lead_id"], lead.get("created_at"), lead.get("attributes"), interactions)
