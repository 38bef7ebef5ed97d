"""``/docs.json``: the service's description in OpenAPI, from the table of endpoints and the types that read and write the bodies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from serving.errors import ErrorBody

if TYPE_CHECKING:
    from serving.endpoints import Endpoint

Mode = Literal["validation", "serialization"]
Schemas = dict[tuple[Any, Mode], dict[str, Any]]

BODY_ERRORS = {
    400: "The body is no JSON.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is of a kind that is not read.",
    422: "The body is JSON, but not what the route takes; or there is a query, which it does not take.",
}
QUERY_ERRORS = {422: "The query is not what the route takes."}
PATH_ERRORS = {404: "There is nothing at this path."}
KEY_ERRORS = {401: "A key is needed.", 403: "The key does not allow this.", 429: "Too many requests; Retry-After says when to come back."}
ERRORS = {
    503: "The service is busy, or what it needs cannot be reached; Retry-After says when to come back.",
    504: "The request took too long.",
}


@cache
def openapi(endpoints: tuple[Endpoint, ...]) -> dict[str, Any]:
    """The description of all endpoints."""
    errors: tuple[str, Mode, TypeAdapter[Any]] = ("errors", "serialization", TypeAdapter(ErrorBody))
    schemas, definitions = TypeAdapter.json_schemas([*_typed(endpoints), errors], ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    bearer = {"type": "http", "scheme": "bearer", "description": "A key of `leadheat keys add`; needed where there are keys."}
    return {
        "openapi": "3.1.0",
        "info": {"title": "leadheat", "version": _version(), "description": "Scores leads by their interactions."},
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {}), "securitySchemes": {"key": bearer}},
    }


def _typed(endpoints: Iterable[Endpoint]) -> list[tuple[Any, Mode, TypeAdapter[Any]]]:
    """What is to be described: each body and each answer."""
    taken: list[tuple[Any, Mode, TypeAdapter[Any]]] = [
        (one, "validation", one.taken.adapter) for one in endpoints if one.taken is not None and one.query is None
    ]
    return taken + [(one, "serialization", one.given.adapter) for one in endpoints if one.given is not None]


def _operation(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": endpoint.summary, "operationId": _name(endpoint)}
    parameters = [_path_parameter(name) for name in re.findall(r"{(\w+)}", endpoint.path)] + _query_parameters(endpoint)
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(schemas[endpoint, "validation"])}
    if endpoint.scope is not None:
        operation["security"] = [{}, {"key": []}]
        operation["description"] = f"Where there are keys, it needs one with the scope `{endpoint.scope}`."
    refusals = _refusals(endpoint)
    error = schemas["errors", "serialization"]
    page = _content({"type": "string"}, endpoint.media_type) if endpoint.media_type == "text/html" else {}
    operation["responses"] = _success(endpoint, schemas) | {
        str(status): {"description": refusals[status], "content": _content(error) | page} for status in sorted(refusals)
    }
    return operation


def _success(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    if endpoint.given is not None:
        return {"200": {"description": "Done.", "content": _content(schemas[endpoint, "serialization"], endpoint.media_type)}}
    if endpoint.media_type == "application/json":
        return {"204": {"description": "Done."}}
    return {"200": {"description": "Done.", "content": _content({"type": "string"}, endpoint.media_type)}}


def _refusals(endpoint: Endpoint) -> dict[int, str]:
    return {
        **(QUERY_ERRORS if endpoint.query is not None or not endpoint.takes_query else {}),
        **(BODY_ERRORS if endpoint.body is not None else {}),
        **(PATH_ERRORS if "{" in endpoint.path else {}),
        **(KEY_ERRORS if endpoint.scope is not None else {}),
        **ERRORS,
        **endpoint.refusals,
    }


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 200}}


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None or endpoint.taken is None:
        return []
    whole = endpoint.taken.schema
    needed = whole.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": _inlined(one, whole), "description": one.get("description", "")}
        for name, one in whole.get("properties", {}).items()
    ]


def _inlined(schema: dict[str, Any], whole: dict[str, Any]) -> Any:
    """A parameter's schema without references, which are few and small."""
    if "$ref" in schema:
        return _inlined(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    return {
        key: [_inlined(one, whole) if isinstance(one, dict) else one for one in value]
        if isinstance(value, list)
        else _inlined(value, whole)
        if isinstance(value, dict)
        else value
        for key, value in schema.items()
    }


def _name(endpoint: Endpoint) -> str:
    return "_".join([endpoint.method.lower(), *re.findall(r"\w+", endpoint.path)])


def _content(schema: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    return {media_type: {"schema": schema}}


def _version() -> str:
    try:
        return version("leadheat")
    except PackageNotFoundError:
        return "0"
