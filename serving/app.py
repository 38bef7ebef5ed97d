"""What a worker serves: the gate, our routes, and BentoML's application for the rest."""

from __future__ import annotations

from typing import Any

import bentoml
from _bentoml_impl.server.app import ServiceAppFactory
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import log
from serving.access import Access
from serving.errors import error_of, log_failure
from serving.keys import KeyRing
from serving.limits import LIMITS
from serving.metrics import Stages
from serving.middleware import ENDPOINT, Gate
from serving.rates import Rates
from serving.routes import ROUTES


def application(service: Any, *, is_main: bool) -> ASGIApp:
    """The application of a service of ``serving.bento.Host``.

    Raises:
        SettingsError: the keys cannot be read, or a variable says what it must not.
    """
    app = Dispatcher(AppFactory(service, is_main=is_main)())
    return Gate(app, LIMITS, ROUTES, Access(KeyRing(), Rates(LIMITS)), log.RequestLog(log.requests_told()))


class Dispatcher:
    """Has a request answered by the endpoint that the gate found.

    Args:
        bento: BentoML's application, which answers where an endpoint has no handler of its own.
    """

    def __init__(self, bento: ASGIApp) -> None:
        self.bento = bento

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        endpoint = scope.get(ENDPOINT)
        if endpoint is None or endpoint.handler is None:
            await self.bento(scope, receive, send)
            return
        response = await endpoint.respond(bentoml.get_current_service().worker.desk, Request(scope, receive))
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
            asked = [await method.input_spec.from_http_request(request, None)]
            times.end("read")
            answer = await method.func(self._service_instance, asked.pop())  # whoever is asked may let go of it
            times.end("work")
            response: Response = await method.output_spec.to_http_response(answer, None)
            times.end("answer")
        except Exception as error:  # noqa: BLE001 - BentoML would answer in a form of its own, and log what was sent
            refusal = error_of(error)
            if refusal.status >= 500:
                log_failure("/" + name, error)
            return refusal.response()
        return response
