"""The service's log: readable lines, or with ``LEADHEAT_LOG=json`` one JSON object a line, on stderr.

No line holds personal data: a request is told by its route as the table has it, never by its path, query or body, and of an exception the
place in the code is told, never the message, which may quote what was sent. By default only requests are told that failed or were slow
(``LEADHEAT_LOG_REQUESTS=notable``), for a line for each would cost a tenth of a score's time; ``all`` tells every one, ``none`` none.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from random import Random
from types import TracebackType
from typing import Any

from features.contract import SettingsError

SLOW = 1.0
"""Seconds from which a request is notable."""
REQUESTS = ("notable", "all", "none")
FORMS = ("text", "json")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request in work, which every line that it leads to bears."""

_SANE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_random = Random()  # noqa: S311 - a name, and no secret
"""Of its own, seeded by the machine: ids need to differ, and the machine takes a while for each random number."""
logger = logging.getLogger("leadheat.requests")


def new_request_id(stated: str | None) -> str:
    """The id that a caller gave a request, if it is harmless, else a new one."""
    return stated if stated is not None and _SANE.fullmatch(stated) else f"{_random.getrandbits(64):016x}"


class RequestLog:
    """Tells of requests.

    Args:
        which: ``notable`` (failed or slow), ``all`` or ``none``.
    """

    def __init__(self, which: str) -> None:
        self._least = {"all": (0, 0.0), "notable": (500, SLOW), "none": (1000, float("inf"))}[which]

    def note(self, route: str, method: str, status: int, seconds: float, caller: str) -> None:
        """Tell of one answered request, if it is one to tell of."""
        failed, slow = self._least
        if status >= failed or seconds >= slow:
            told = {"route": route, "method": method, "status": status, "ms": round(seconds * 1000, 2), "key": caller}
            logger.log(logging.ERROR if status == 500 else logging.INFO, "request", extra={"told": told})


class _Safe(logging.Formatter):
    """Tells of an exception where it arose, and not what it says."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        kind, _, trace = ei
        return _frames(kind, trace)

    def told(self, record: logging.LogRecord) -> dict[str, Any]:
        """What a line says beside its words, and of which request."""
        told: Mapping[str, Any] = getattr(record, "told", {})
        known = request_id.get()
        return {**told, **({"request_id": known} if known else {})}


class ReadableLines(_Safe):
    """``2026-01-31T08:00:00.123Z WARNING leadheat.serving words name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the frames of an exception on lines of their own."""
        words = "".join(f" {name}={value}" for name, value in self.told(record).items() if value != "")
        line = f"{_moment(record)} {record.levelname} {record.name} {record.getMessage()}{words}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(_Safe):
    """``{"time": ..., "level": ..., "logger": ..., "message": ..., "process": ..., "request_id": ...}``."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object, whatever the record holds."""
        line: dict[str, Any] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            **self.told(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _frames(kind: type[BaseException], trace: TracebackType | None) -> str:
    return "".join(traceback.format_tb(trace)) + kind.__name__


def requests_told(environment: Mapping[str, str] = os.environ) -> str:
    """Which requests are told of: ``LEADHEAT_LOG_REQUESTS``.

    Raises:
        SettingsError: the variable says something else.
    """
    return _choice(environment, "LEADHEAT_LOG_REQUESTS", REQUESTS)


def configure(environment: Mapping[str, str] = os.environ) -> None:
    """Have this process write its log to stderr, that of libraries too.

    Raises:
        SettingsError: ``LEADHEAT_LOG`` names no form.
    """
    form = _choice(environment, "LEADHEAT_LOG", FORMS)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else ReadableLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for one in list(logging.root.manager.loggerDict.values()):
        if isinstance(one, logging.Logger):
            one.disabled = False  # BentoML disables whatever it finds
            if one.handlers:
                one.handlers.clear()
                one.propagate = True
    logging.getLogger("leadheat").setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


def _choice(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    chosen = environment.get(name) or choices[0]
    if chosen not in choices:
        raise SettingsError(f"{name}={chosen} is none of its values.", f"Set it to {', '.join(choices)}, or leave it out.")
    return chosen
