"""All routes of the service, in one table: each room of the service declares its own, and here they come together."""

from __future__ import annotations

from asyncio import to_thread
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from models.score import Score
from serving import metrics
from serving.deciding import DECIDING
from serving.desk import Desk
from serving.docs import openapi
from serving.endpoints import Endpoint, Routes
from serving.funnel.report import FUNNEL
from serving.handover.routes import HANDOVERS
from serving.memory.routes import MEMORY
from serving.page.routes import PAGE
from serving.privacy import PRIVACY
from serving.schemas import Readiness, ScoreBatch, ScoreBatchRequest, ScoreRequest


async def ready(desk: Desk, _request: Request, _asked: None) -> dict[str, Any]:
    """200 as soon as the worker scores; the body says by what."""
    return desk.current.readiness()


async def model(desk: Desk, _request: Request, _asked: None) -> dict[str, Any]:
    """The model in service."""
    return desk.current.describe()


async def prometheus(_desk: Desk, _request: Request, _asked: None) -> Response:
    """The metrics of all workers."""
    return Response(await to_thread(metrics.exposition), media_type=metrics.CONTENT_TYPE)


async def docs(_desk: Desk, _request: Request, _asked: None) -> dict[str, Any]:
    """This table in OpenAPI."""
    return openapi(ROUTES.endpoints)


SCORING = (
    Endpoint("POST", "/score", None, ScoreRequest, Score, "score", "The score of one lead, whose history comes along."),
    Endpoint(
        "POST",
        "/score_batch",
        None,
        ScoreBatchRequest,
        ScoreBatch,
        "score",
        "The scores of many leads, in their order, all by one model and at one moment.",
        bulk=True,
    ),
)
GENERAL = (
    Endpoint("GET", "/model", model, None, dict[str, Any], "read", "The model in service: version, horizon, bands, figures."),
    Endpoint("GET", "/docs.json", docs, None, dict[str, Any], "read", "This description."),
    Endpoint("GET", "/metrics", prometheus, None, None, "read", "Metrics for Prometheus.", media_type="text/plain"),
    Endpoint("GET", "/readyz", ready, None, Readiness, None, "What scores: the model or the rules."),
    Endpoint("GET", "/livez", None, None, None, None, "Whether the process lives.", media_type="text/plain"),
    Endpoint("GET", "/healthz", None, None, None, None, "Whether the process lives.", media_type="text/plain"),
    Endpoint("GET", "/schema.json", None, None, dict[str, Any], "read", "The description that BentoML's clients read."),
)

ROUTES = Routes((*PAGE, *SCORING, *MEMORY, *DECIDING, *HANDOVERS, *FUNNEL, *PRIVACY, *GENERAL))
"""Every route there is."""
