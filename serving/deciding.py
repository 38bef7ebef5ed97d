"""The routes by which a person decides instead of the model; see ``serving.overrides``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NotRequired, cast

from pydantic import ConfigDict, Field
from sqlalchemy import Connection
from starlette.requests import Request
from typing_extensions import TypedDict

from features.contract import DAY, from_micros, now
from features.nearest import did_you_mean
from features.store.engine import locked_lead
from models.request import Moment
from models.score import OverriddenField, Score
from serving.access import caller_of
from serving.desk import Desk
from serving.endpoints import Endpoint
from serving.errors import RequestError, no_lead, wrong
from serving.memory.memory import Memory
from serving.memory.requests import Text, without_nul
from serving.overrides import FIELDS, VALUES, Override, put_override, remove_override

Words = Annotated[str, Field(min_length=1, max_length=500), without_nul]


class Decision(TypedDict):
    """What a person decides.

    Attributes:
        value: ``cold``, ``warm`` or ``hot``; ``unqualified``, ``mql``, ``sql`` or ``pql``; or what to do next, in words.
        reason: why, in words.
        by: who; the name of the API key by default.
        expires_at: until when it holds.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    value: Words
    reason: Words
    by: NotRequired[Text]
    expires_at: Moment


async def decide(desk: Desk, request: Request, asked: Decision) -> Score:
    """Let a decision hold, in place of an earlier one on the same field; the answer is the score with it."""
    field, moment, until = _field(request), now(), asked["expires_at"]
    latest = moment + desk.settings.qualification.longest_override
    known = VALUES.get(field)
    if known is not None and asked["value"] not in known:
        raise wrong("value", f"is no {field}", f"{did_you_mean(asked['value'], known)} It is one of {', '.join(known)}.".strip())
    if until <= moment:
        raise wrong("expires_at", "lies in the past", "Say until when the decision holds.")
    if until > latest:
        days = (latest - moment) // DAY
        raise wrong("expires_at", f"lies more than {days} days ahead", f"Say {from_micros(latest).date()} at most, and decide anew then.")
    by = asked.get("by") or caller_of(request) or "a person"
    override = Override(field, asked["value"], asked["reason"], by, moment, until)

    def change(connection: Connection, lead_id: str) -> None:
        put_override(connection, lead_id, override)

    return await desk.run(changed, desk.memory, request.path_params["lead_id"], change)


async def take_back(desk: Desk, request: Request, _asked: None) -> Score:
    """Take a decision back; the answer is the score without it.

    Raises:
        RequestError: 404 where nobody has decided.
    """
    field = _field(request)

    def change(connection: Connection, lead_id: str) -> None:
        if not remove_override(connection, lead_id, field):
            raise RequestError(404, f"Nobody has decided on the {field} of this lead.", "GET /leads/{lead_id} lists what was decided.")

    return await desk.run(changed, desk.memory, request.path_params["lead_id"], change)


def changed(memory: Memory, lead_id: str, change: Callable[[Connection, str], None]) -> Score:
    """Change what was decided on a lead, or on the one that it was merged into, and score it anew.

    Raises:
        RequestError: there is no such lead.
        StoreError: the store cannot be reached; nothing is changed.
    """
    with memory.writing() as connection:
        row = locked_lead(connection, lead_id)
        if row is not None and row["merged_into"] is not None:
            row = locked_lead(connection, row["merged_into"])
        if row is None:
            raise no_lead()
        change(connection, row["lead_id"])
        score = memory.rescore(connection, row["lead_id"], "override")
        assert score is not None  # noqa: S101 - the lead is locked, and so it is there
        return score


def _field(request: Request) -> OverriddenField:
    field = request.path_params["field"]
    if field not in FIELDS:
        hint = f"{did_you_mean(field, FIELDS)} A person may decide on {', '.join(FIELDS)}.".strip()
        raise RequestError(404, "This cannot be decided.", hint)
    return cast("OverriddenField", field)


_PATH = "/leads/{lead_id}/overrides/{field}"
DECIDING = (
    Endpoint(
        "PUT",
        _PATH,
        decide,
        Decision,
        Score,
        "write",
        "Decide on temperature, stage or next_step of a lead instead of the model, for a reason and a time. The stage sql hands it over.",
    ),
    Endpoint("DELETE", _PATH, take_back, None, Score, "write", "Take a decision back."),
)
