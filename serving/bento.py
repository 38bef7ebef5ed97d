"""BentoML 1.4 as the service's host, without what it does wrong when left alone.

================================================  ==============================================================
BentoML 1.4.39                                    here
================================================  ==============================================================
a timer per request that is never cancelled, so   its middlewares are left out, tracing too, which costs a tenth of
that requests live on and full collections of     a millisecond and is exported nowhere; ``Gate`` bounds the time
garbage take 100 ms
an exception in a middleware hangs the request    ``Gate`` stands before all and answers
no limit on bodies                                ``Gate``
errors in four forms, some logged with what was   one form: ``serving.errors``
sent
metrics labelled with every path ever asked for   switched off; ``serving.metrics``
``/`` loads a tracker from the internet           the service's own ``/``
``/docs.json`` declares errors that never come    the errors as they are
================================================  ==============================================================

``tests/test_bento.py`` shows each fault on BentoML itself and fails when a release has mended it: then its cure goes.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar, TypeVar

import bentoml
from _bentoml_impl.server.app import ServiceAppFactory
from _bentoml_sdk import Service
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from serving.docs import openapi
from serving.errors import error_of, error_of_status
from serving.limits import LIMITS
from serving.metrics import RequestMetrics
from serving.middleware import Gate

VERIFIED = "1.4.39"
"""The release whose faults are cured here."""

T = TypeVar("T")
logger = logging.getLogger("leadheat.serving")


class Host(Service[T]):
    """A BentoML service whose application is built by ``AppFactory`` and stands behind ``Gate``."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:  # noqa: FBT001, FBT002 - BentoML's signature
        """The application that a worker serves."""
        if bentoml.__version__ != VERIFIED:
            logger.warning("BentoML %s is not the release whose faults are cured here, %s.", bentoml.__version__, VERIFIED)
        self.inject_config()
        app = AppFactory(self, is_main=is_main)()
        return Gate(app, LIMITS, RequestMetrics(_paths(app)))


class AppFactory(ServiceAppFactory):
    """BentoML's application with errors in one form, readiness in words and without its middlewares."""

    def __call__(self) -> Starlette:
        """The application."""
        app: Starlette = super().__call__()
        for one in (app, *(mounted for mounted, *_ in self.service.mount_apps)):
            one.add_exception_handler(HTTPException, _no_route)
            one.add_exception_handler(Exception, _failed)
        return app

    @property
    def middlewares(self) -> list[Middleware]:
        """None of BentoML's."""
        return []

    async def api_endpoint_wrapper(self, name: str, request: Request) -> Response:
        """One of the service's methods, which all take one body and return one answer; what is raised becomes an answer too."""
        method = self.service.apis[name]
        try:
            body = await method.input_spec.from_http_request(request, None)
            answer = await method.func(self._service_instance, body)
            response: Response = await method.output_spec.to_http_response(answer, None)
        except Exception as error:
            refusal = error_of(error)
            if refusal.status >= 500:
                logger.exception("%s failed", name)
            return refusal.response()
        return response

    async def readyz(self, _: Request) -> Response:
        """200 as soon as the worker scores; the body says by what."""
        return JSONResponse(self._service_instance.readiness())

    async def openapi_spec_view(self, req: Request) -> Response:
        """BentoML's description of the service, completed."""
        return JSONResponse(openapi(self.service.openapi_spec.asdict()))


class _Json(bentoml.IODescriptor):
    """A body as a whole, described and checked by a pydantic type of ours."""

    __root_input__ = True
    adapter: ClassVar[TypeAdapter[Any]]

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The type's schema, for BentoML's clients."""
        return cls.adapter.json_schema(*args, **kwargs) | {"root_input": True}

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Any:  # noqa: ARG003 - BentoML's signature
        """The body, read as JSON whatever its content type says.

        Raises:
            ValidationError: it is no JSON, or not of the type.
        """
        return cls.adapter.validator.validate_json(await request.body())

    @classmethod
    async def to_http_response(cls, obj: Any, serde: Any) -> Response:  # noqa: ARG003
        """The answer as it is: numbers keep every bit."""
        return Response(cls.adapter.dump_json(obj), media_type="application/json")


def json_of(kind: Any) -> type[bentoml.IODescriptor]:
    """A body or an answer of a pydantic type, as BentoML wants it described."""
    return type(kind.__name__, (_Json,), {"adapter": TypeAdapter(kind), "__module__": __name__})


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return error_of_status(status, request.url.path, request.method).response()


async def _failed(_: Request, error: Exception) -> Response:
    return error_of(error).response()


def _paths(app: Any) -> set[str]:
    """The paths of all routes, those of mounted applications too."""
    paths: set[str] = set()
    for route in app.routes:
        mounted = getattr(route, "app", None)
        if isinstance(mounted, Starlette):
            paths |= _paths(mounted)
        elif path := getattr(route, "path", ""):
            paths.add(path)
    return paths
