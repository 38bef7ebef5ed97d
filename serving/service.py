"""The service: leads in, scores out, by the champion of this machine or by the rules."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import bentoml

from features.contract import SettingsError, to_micros
from features.records import LeadRecord
from models.home import home
from models.request import record_of
from models.score import Score
from serving import log, metrics
from serving.bento import Host, json_of
from serving.champion import InService
from serving.desk import Desk
from serving.keys import held
from serving.loops import Loop
from serving.schemas import ScoreBatch, ScoreBatchRequest, ScoreRequest
from serving.together import Together
from serving.vigil import beat

logging.getLogger("leadheat").setLevel(logging.INFO)

CHUNK = 20
"""Leads of a batch that are scored between two looks at the clock and at other requests."""


GARBAGE = 20_000
"""Objects after which Python looks for circles among them; what a request makes is in none, and is gone without that."""

PARENT_EVERY = 1.0
"""Seconds between two looks at the process that keeps this worker."""


class Asked(NamedTuple):
    """A lead to be scored at a moment, microseconds UTC, with reasons or without."""

    lead: LeadRecord
    as_of: int
    explain: bool


@bentoml.service(
    name="leadheat",
    service_class=Host,
    workers=int(os.environ.get("LEADHEAT_WORKERS", "1")),
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Leadheat:
    """Scores leads by their interactions."""

    def __init__(self) -> None:
        self.desk = Desk()
        self._batch = asyncio.Semaphore(1)
        self._together = Together(self._score)

    @bentoml.on_deployment
    @staticmethod
    def deploy() -> None:
        """Before any worker is started: see to it that they are kept alive, and that the log has one form."""
        from serving import supervisor

        log.configure()
        supervisor.install()

    @bentoml.on_startup
    async def start(self) -> None:
        """Load the champion, keep what is loaded out of every later garbage collection, and begin what is done beside the requests."""
        metrics.worker_started()
        self.desk.watch.look()
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE)
        self.desk.recorder.start()
        loops = [*self.desk.loops(), Loop("parent", PARENT_EVERY, partial(end_without, os.getppid()))]
        self._loops = [asyncio.create_task(beat()), *(asyncio.create_task(loop.run(), name=loop.name) for loop in loops)]

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """End the loops, what the threads have begun, and the score log."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.to_thread(self.desk.close)

    @bentoml.api(input_spec=json_of(ScoreRequest), output_spec=json_of(Score))
    async def score(self, request: ScoreRequest, /) -> Score:
        """The score of one lead."""
        return await self._together.ask(Asked(request.record(), _moment(request.as_of), request.explain))

    @bentoml.api(input_spec=json_of(ScoreBatchRequest), output_spec=json_of(ScoreBatch))
    async def score_batch(self, request: ScoreBatchRequest, /) -> ScoreBatch:
        """The scores of up to 1,000 leads, in their order, all by one model and at one moment."""
        in_service, as_of = self.desk.current, _moment(request.as_of)
        scores: list[Score] = []
        async with self._batch:
            for first in range(0, len(request.leads), CHUNK):
                some = request.leads[first : first + CHUNK]
                asked = [Asked(record_of(one["lead"], one.get("interactions", [])), as_of, request.explain) for one in some]
                scores += await asyncio.to_thread(self._score_by, in_service, asked)
        return {"scores": scores}

    def _score(self, asked: list[Asked]) -> list[Score]:
        return self._score_by(self.desk.current, asked)

    def _score_by(self, in_service: InService, asked: list[Asked]) -> list[Score]:
        answers = in_service.scorer.answers(*zip(*asked, strict=True))
        for answer in answers:
            self.desk.note(answer)
        return [answer.score for answer in answers]


def end_without(parent: int) -> None:
    """End this worker once the process that keeps it is gone: it would hold the port, and nobody would start it anew."""
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _moment(as_of: datetime | None) -> int:
    return to_micros(as_of or datetime.now(UTC))


def serve(port: int, workers: int = 1, host: str = "127.0.0.1") -> None:
    """Serve until interrupted.

    Args:
        port: where to listen.
        workers: processes that score; each holds the model.
        host: the address to listen on; ``0.0.0.0`` for all.

    Raises:
        SettingsError: the port is taken, there is no such address, or other machines could reach it and there is no key.
    """
    host = _address(host)
    _check_free(host, port)
    root = str(Path(__file__).resolve().parent.parent)
    with TemporaryDirectory(prefix="leadheat-") as scratch:
        os.environ |= {
            "BENTOML_DO_NOT_TRACK": "True",
            "BENTOML_HOME": scratch,
            "LEADHEAT_HOME": str(home()),
            "LEADHEAT_WORKERS": str(workers),
            "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
        }
        service: Any = Leadheat
        service.config["workers"] = workers
        service.serve_http(host=host, port=port)


def _address(host: str) -> str:
    """The address to listen on by its number, as BentoML wants it."""
    try:
        address = str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise SettingsError(f"There is no address {host}: {error.strerror}.", "Name one of this machine's with --host.") from error
    if not ip_address(address).is_loopback and not held():
        hint = "Make one: leadheat keys add NAME --scope read --scope score"
        raise SettingsError(f"On {host} other machines could reach the service, and there is no key that they would need.", hint)
    return address


def _check_free(host: str, port: int) -> None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        message = f"Cannot listen on {host}, port {port}: {error.strerror or error}."
        raise SettingsError(message, "Choose another port with --port.") from error
