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
``/`` loads a tracker from the internet           what is not in ``serving.routes`` is not there
``/docs.json`` declares errors that never come    ``serving.docs``
workers that died are started anew only every 10  ``serving.supervisor``
seconds, and in containers never
================================================  ==============================================================

``tests/test_bento.py`` shows each fault on BentoML itself and fails when a release has mended it: then its cure goes.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar, TypeVar

import bentoml
from _bentoml_impl.server.app import ServiceAppFactory
from _bentoml_sdk import Service
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import log
from serving.access import Access
from serving.body import Body
from serving.errors import error_of, log_failure
from serving.keys import KeyRing
from serving.limits import LIMITS
from serving.metrics import Stages
from serving.middleware import ENDPOINT, Gate
from serving.rates import Rates
from serving.routes import ROUTES

VERIFIED = "1.4.39"
"""The release whose faults are cured here."""

T = TypeVar("T")
logger = logging.getLogger("leadheat.serving")


class Host(Service[T]):
    """A BentoML service whose application is built by ``AppFactory`` and stands behind ``Gate``."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:  # noqa: FBT001, FBT002 - BentoML's signature
        """The application that a worker serves.

        Raises:
            SettingsError: the keys cannot be read, or a variable says what it must not.
        """
        log.configure()
        if bentoml.__version__ != VERIFIED:
            logger.warning("BentoML %s is not the release whose faults are cured here, %s.", bentoml.__version__, VERIFIED)
        self.inject_config()
        app = Dispatcher(AppFactory(self, is_main=is_main)())
        return Gate(app, LIMITS, ROUTES, Access(KeyRing(), Rates(LIMITS)), log.RequestLog(log.requests_told()))


class Dispatcher:
    """Has a request answered by the endpoint that the gate found; BentoML answers where that has no handler of its own."""

    def __init__(self, bento: ASGIApp) -> None:
        self.bento = bento

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        endpoint = scope.get(ENDPOINT)
        if endpoint is None or endpoint.handler is None:
            await self.bento(scope, receive, send)
            return
        response = await endpoint.respond(bentoml.get_current_service().desk, Request(scope, receive))
        await response(scope, receive, send)


class AppFactory(ServiceAppFactory):
    """BentoML's application with errors in one form and without its middlewares."""

    @property
    def middlewares(self) -> list[Middleware]:
        """None of BentoML's."""
        return []

    async def api_endpoint_wrapper(self, name: str, request: Request) -> Response:
        """One of the service's methods, which all take one body and return one answer; what is raised becomes an answer too."""
        method = self.service.apis[name]
        times = Stages()
        try:
            body = await method.input_spec.from_http_request(request, None)
            times.end("read")
            answer = await method.func(self._service_instance, body)
            times.end("work")
            response: Response = await method.output_spec.to_http_response(answer, None)
            times.end("answer")
        except Exception as error:  # noqa: BLE001 - BentoML would answer in a form of its own, and log what was sent
            refusal = error_of(error)
            if refusal.status >= 500:
                log_failure("/" + name, error)
            return refusal.response()
        return response


class _Json(bentoml.IODescriptor):
    """A body as a whole, described and checked by a pydantic type of ours."""

    __root_input__ = True
    body: ClassVar[Body]

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The type's schema, for BentoML's clients."""
        return cls.body.adapter.json_schema(*args, **kwargs) | {"root_input": True}

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Any:  # noqa: ARG003 - BentoML's signature
        """The checked body.

        Raises:
            RequestError: it is no JSON, or not of the type.
        """
        return cls.body.read(await request.body())

    @classmethod
    async def to_http_response(cls, obj: Any, serde: Any) -> Response:  # noqa: ARG003
        """The answer as it is: numbers keep every bit."""
        return Response(cls.body.write(obj), media_type="application/json")


def json_of(kind: Any) -> type[bentoml.IODescriptor]:
    """A body or an answer of a pydantic type, as BentoML wants it described."""
    return type(kind.__name__, (_Json,), {"body": Body(kind), "__module__": __name__})
