"""How much the service takes: sizes, lengths, times. Each limit has a variable in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, ValidationError

from features.contract import SettingsError, Strict

MB = 1_000_000
Count = Annotated[int, Field(ge=1, le=10**9)]
Rate = Annotated[float, Field(ge=0, le=1e6)]


class Limits(Strict):
    """What a service and each of its workers accept. The variable of ``max_body`` is ``LEADHEAT_MAX_BODY``, and so on."""

    max_body: Count = MB
    """Bytes of a request's body."""
    max_batch_body: Count = 32 * MB
    """Bytes of the body of a route that takes many leads or interactions."""
    max_interactions: Count = 10_000
    """Interactions of one lead in one request."""
    max_leads: Count = 1_000
    """Leads of one ``/score_batch``."""
    max_concurrency: Count = 64
    """Requests in work at once; more are answered 503 and asked to come back."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes that score, where BentoML starts the service and not ``leadheat serve``."""
    threads: Annotated[int, Field(ge=1, le=256)] = 8
    """Threads of a worker in which requests wait for the store."""
    rate_read: Rate = 0.0
    """Requests a second to look, for each key and worker; 0 for no limit: ``max_concurrency`` keeps the service upright, rates are to
    keep callers from each other."""
    rate_score: Rate = 0.0
    """The same for scoring."""
    rate_write: Rate = 0.0
    """The same for storing."""
    rate_erase: Rate = 0.0
    """The same for erasing and taking out."""
    request_timeout: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """Seconds until an unfinished request is answered 504."""
    worker_silence: Annotated[float, Field(ge=5, le=3600)] = 60.0
    """Seconds without a sign of life after which a worker is ended and another started."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The defaults, and what ``LEADHEAT_...`` variables say otherwise.

        Raises:
            SettingsError: a variable holds no such number.
        """
        names = {f"LEADHEAT_{name.upper()}": name for name in cls.model_fields}
        stated = {field: environment[name] for name, field in names.items() if name in environment}
        try:
            return cls.model_validate(stated)
        except ValidationError as error:
            first = error.errors()[0]
            name = f"LEADHEAT_{str(first['loc'][0]).upper()}"
            message = f"{name}={environment[name]} is no such limit: {first['msg']}."
            raise SettingsError(message, "Set it to a number, or leave it out.") from error


LIMITS = Limits.from_environment()
"""The limits of this process."""
