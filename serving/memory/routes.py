"""The routes of the store: what happened goes in, where leads stand comes out."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from serving.access import caller_of
from serving.desk import Desk
from serving.endpoints import Endpoint
from serving.errors import no_lead
from serving.memory.requests import InteractionsRequest, LeadsRequest, MergeRequest, OutcomesRequest
from serving.memory.views import LeadView, Merged, Taken, WorklistPage
from serving.memory.worklist import WorklistQuery
from serving.numbers import refuse_texts

ORIGIN = "api"
"""Where things come from when neither a request nor a key says."""


def _origin(request: Request, asked: Any) -> str:
    """What the request says, else the name of its key."""
    stated: str = asked.get("origin") or caller_of(request) or ORIGIN
    return stated


async def take_interactions(desk: Desk, request: Request, asked: InteractionsRequest) -> Taken:
    """Store interactions and score their leads."""
    refuse_texts(asked, desk.current.scorer.schema)
    given = asked["interactions"]
    return await desk.run(desk.memory.take_interactions, given, _origin(request, asked), explain=asked.get("explain", True))


async def put_leads(desk: Desk, request: Request, asked: LeadsRequest) -> Taken:
    """Store attributes of leads and score them."""
    refuse_texts(asked, desk.current.scorer.schema)
    return await desk.run(desk.memory.put_leads, asked["leads"], _origin(request, asked), explain=asked.get("explain", True))


async def put_outcomes(desk: Desk, request: Request, asked: OutcomesRequest) -> Taken:
    """Store what became of leads."""
    return await desk.run(desk.memory.put_outcomes, asked["outcomes"], _origin(request, asked), explain=asked.get("explain", True))


async def lead(desk: Desk, request: Request, _asked: None) -> LeadView:
    """All about a lead."""
    lead_id = request.path_params["lead_id"]
    found = await desk.run(desk.memory.lead, lead_id)
    if found is None:
        raise no_lead()
    return found


async def merge(desk: Desk, request: Request, asked: MergeRequest) -> Merged:
    """Let one lead take the history of another over."""
    merged = await desk.run(desk.memory.merge, request.path_params["lead_id"], asked["into"])
    if merged is None:
        raise no_lead("Both must be there; POST /interactions or POST /leads makes one.")
    return merged


async def worklist(desk: Desk, _request: Request, asked: WorklistQuery) -> WorklistPage:
    """The worklist."""
    return await desk.run(desk.memory.worklist, asked)


MEMORY = (
    Endpoint(
        "POST",
        "/interactions",
        take_interactions,
        InteractionsRequest,
        Taken,
        "write",
        "Store interactions, each once, and score their leads anew; all are stored, or none.",
        bulk=True,
    ),
    Endpoint("POST", "/leads", put_leads, LeadsRequest, Taken, "write", "Store attributes of leads and score them anew.", bulk=True),
    Endpoint("POST", "/outcomes", put_outcomes, OutcomesRequest, Taken, "write", "Store which leads were won or lost.", bulk=True),
    Endpoint(
        "POST",
        "/leads/{lead_id}/merge",
        merge,
        MergeRequest,
        Merged,
        "write",
        "Let another lead take this one's history over: a union, with one score.",
    ),
    Endpoint("GET", "/leads/{lead_id}", lead, None, LeadView, "read", "A lead: what is stored, its score, the path of its temperature."),
    Endpoint("GET", "/leads", worklist, None, WorklistPage, "read", "The worklist: what to do first comes first.", query=WorklistQuery),
)
