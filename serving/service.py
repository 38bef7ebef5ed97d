"""The service: leads in, scores out, by the champion of this machine or by the rules.

The process that keeps the workers loads this file too, and scores nothing: what only workers need is loaded by them, which makes the
start shorter and the keeper smaller.
"""

from __future__ import annotations

import logging
import os
import socket
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import bentoml

from features.contract import SettingsError
from models.home import home
from serving import log
from serving.bento import Host, json_of
from serving.keys import held
from serving.limits import LIMITS

if TYPE_CHECKING:
    from models.score import Score
    from serving.schemas import ScoreBatch, ScoreBatchRequest, ScoreRequest

logging.getLogger("leadheat").setLevel(logging.INFO)


@bentoml.service(
    name="leadheat",
    service_class=Host,
    workers=LIMITS.workers,
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Leadheat:
    """Scores leads by their interactions."""

    def __init__(self) -> None:
        from serving.worker import Worker

        self.worker = Worker()

    @bentoml.on_deployment
    @staticmethod
    def deploy() -> None:
        """Before any worker is started: see to it that they can start and are kept alive, and that the log has one form."""
        from serving import preflight, supervisor

        log.configure()
        preflight.check()
        supervisor.install()

    @bentoml.on_startup
    async def start(self) -> None:
        """See ``Worker``."""
        await self.worker.start()

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """See ``Worker``."""
        await self.worker.stop()

    @bentoml.api(input_spec=json_of("serving.schemas:ScoreRequest"), output_spec=json_of("models.score:Score"))
    async def score(self, request: ScoreRequest, /) -> Score:
        """The score of one lead."""
        score = self.worker.score(request)
        del request  # it is read: what is freed while it lies in the processor's cache costs little
        return await score

    @bentoml.api(input_spec=json_of("serving.schemas:ScoreBatchRequest"), output_spec=json_of("serving.schemas:ScoreBatch"))
    async def score_batch(self, request: ScoreBatchRequest, /) -> ScoreBatch:
        """The scores of up to 1,000 leads, in their order, all by one model and at one moment."""
        return await self.worker.score_batch(request)


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
