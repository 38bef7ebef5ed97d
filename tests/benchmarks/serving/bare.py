"""The least that could score: one starlette route on uvicorn with uvloop, the same reading, kernel and scorer, and nothing else."""

from __future__ import annotations

import gc
import sys

import uvicorn
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from features.intake import history_of
from models import home
from models.score import Score
from models.scorer import LeadScorer
from serving.champion import try_out
from serving.schemas import ScoreRequest


def app(scorer: LeadScorer) -> Starlette:
    """The application."""
    reading, writing = TypeAdapter(ScoreRequest).validator, TypeAdapter(Score)

    async def score(request: Request) -> Response:
        asked = reading.validate_json(await request.body())
        answer = scorer.score(history_of([asked.record()], scorer.schema), asked.as_of, explain=asked.explain)
        return Response(writing.dump_json(answer), media_type="application/json")

    return Starlette(routes=[Route("/score", score, methods=["POST"])])


def main(port: int) -> None:
    """Serve the champion of this machine."""
    champion = home.champion()
    assert champion is not None
    scorer = LeadScorer.load(champion.folder, champion.version)
    try_out(scorer)
    gc.collect()
    gc.freeze()
    uvicorn.run(app(scorer), host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]))
