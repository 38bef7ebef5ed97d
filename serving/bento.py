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
from functools import cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import bentoml
from _bentoml_sdk import Service
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from serving import log

if TYPE_CHECKING:
    from serving.body import Body

VERIFIED = "1.4.39"
"""The release whose faults are cured here."""

T = TypeVar("T")
logger = logging.getLogger("leadheat.serving")


class Host(Service[T]):
    """A BentoML service whose application is built by ``serving.app``."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:  # noqa: FBT001, FBT002 - BentoML's signature
        """The application that a worker serves.

        Raises:
            SettingsError: the keys cannot be read, or a variable says what it must not.
        """
        from serving.app import application

        log.configure()
        if bentoml.__version__ != VERIFIED:
            logger.warning("BentoML %s is not the release whose faults are cured here, %s.", bentoml.__version__, VERIFIED)
        self.inject_config()
        return application(self, is_main=is_main)


class _Json(bentoml.IODescriptor):
    """A body as a whole, described and checked by a pydantic type of ours, which is loaded when it is first needed."""

    __root_input__ = True
    kind: ClassVar[str]

    @classmethod
    @cache
    def body(cls) -> Body:
        """The type's reader and writer."""
        from serving.body import Body

        return Body(resolve_name(cls.kind))

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The type's schema, for BentoML's clients."""
        return cls.body().adapter.json_schema(*args, **kwargs) | {"root_input": True}

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Any:  # noqa: ARG003 - BentoML's signature
        """The checked body.

        Raises:
            RequestError: it is no JSON, or not of the type.
        """
        return cls.body().read(await request.body())

    @classmethod
    async def to_http_response(cls, obj: Any, serde: Any) -> Response:  # noqa: ARG003
        """The answer as it is: numbers keep every bit."""
        return Response(cls.body().write(obj), media_type="application/json")


def json_of(kind: str) -> type[bentoml.IODescriptor]:
    """A body or an answer of a pydantic type, given as ``module:name``, as BentoML wants it described."""
    return type(kind.rpartition(":")[2], (_Json,), {"kind": kind, "__module__": __name__})
