"""``/docs.json``: the service's description in OpenAPI, from the same pydantic models that read and write the bodies."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import TypeAdapter

from models.score import Score
from serving.errors import ErrorBody
from serving.schemas import ScoreBatch, ScoreBatchRequest, ScoreRequest

Adapters = list[tuple[str, Literal["validation", "serialization"], TypeAdapter[Any]]]
BODIES: dict[str, tuple[Any, Any]] = {"/score": (ScoreRequest, Score), "/score_batch": (ScoreBatchRequest, ScoreBatch)}
ERRORS = {
    "400": "The body is no JSON.",
    "413": "The body is too large.",
    "415": "The body is of a kind that is not read.",
    "422": "The body is JSON, but not what the route takes.",
    "503": "The service is busy; Retry-After says when to come back.",
    "504": "The request took too long.",
}
OBJECT = {"type": "object"}


def openapi(described: dict[str, Any]) -> dict[str, Any]:
    """BentoML's description with the bodies and errors as they are: its own loses what may be null and names other errors."""
    inputs: Adapters = [(path, "validation", TypeAdapter(request)) for path, (request, _) in BODIES.items()]
    outputs: Adapters = [(path, "serialization", TypeAdapter(response)) for path, (_, response) in BODIES.items()]
    error: Adapters = [("error", "serialization", TypeAdapter(ErrorBody))]
    schemas, definitions = TypeAdapter.json_schemas([*inputs, *outputs, *error], ref_template="#/components/schemas/{model}")
    errors = {status: _answer(what, schemas["error", "serialization"]) for status, what in ERRORS.items()}
    paths = described["paths"]
    for path in BODIES:
        post = paths[path]["post"]
        post["requestBody"] = {"required": True, "content": _json(schemas[path, "validation"])}
        post["responses"] = {"200": _answer("The score, or the scores.", schemas[path, "serialization"])} | errors
    paths["/readyz"]["get"]["responses"] = {"200": _answer("What scores: the model or the rules.", OBJECT)}
    paths["/model"] = {"get": {"responses": {"200": _answer("The model in service.", OBJECT)}}}
    info = {"title": "leadheat", "version": described["info"]["version"], "description": "Scores leads by their interactions."}
    components = {"schemas": definitions["$defs"]}
    return {"openapi": "3.1.0", "info": info, "servers": described["servers"], "paths": paths, "components": components}


def _answer(what: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": what, "content": _json(schema)}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
