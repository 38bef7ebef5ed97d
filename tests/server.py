"""The real service in a process of its own, on a free port of the loopback address, and a client that speaks plain HTTP."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.conftest import REPO
from tests.ports import free_port

START_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of one response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def command(port: int, workers: int = 1) -> list[str]:
    """What starts the service."""
    return [sys.executable, "-m", "leadheat", "serve", "--port", str(port), "--workers", str(workers)]


class Server:
    """``leadheat serve`` on ``home``, ready when the block begins and gone when it ends; ``headers`` go with every request."""

    def __init__(
        self,
        home: Path,
        environment: Mapping[str, str] | None = None,
        workers: int = 1,
        cwd: Path = REPO,
        start: Callable[[int, int], list[str]] = command,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.cwd = cwd
        self.start = start
        self.workers = workers
        self.environment = dict(environment or {})
        self.headers = dict(headers or {})
        self.port = free_port()

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        self.log = (self.home / "service.log").open("w+b")
        environment = os.environ | {"LEADHEAT_HOME": str(self.home)} | self.environment
        self.process = subprocess.Popen(
            self.start(self.port, self.workers), cwd=self.cwd, env=environment, stdout=self.log, stderr=self.log, start_new_session=True
        )
        try:
            self.wait_until(lambda: self.get("/readyz").status == 200, START_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask the service to end; after 20 seconds make it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()

    def wait_until(self, reached: Any, seconds: float = 15.0) -> None:
        """Ask until ``reached()`` is true.

        Raises:
            TimeoutError: it never was; the message ends with the service's log.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if reached():
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"not within {seconds} s; the log ends: {self.read_log()[-3000:]}")

    def read_log(self) -> str:
        """What the service has written so far."""
        return (self.home / "service.log").read_text()

    def connect(self) -> http.client.HTTPConnection:
        """A connection to be used again and again."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def get(self, path: str) -> Answer:
        """GET over a connection of its own."""
        return self.ask("GET", path)

    def post(self, path: str, body: object) -> Answer:
        """POST a JSON body over a connection of its own; bytes are sent as they are."""
        return self.ask("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode())

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Any request over a connection of its own."""
        connection = self.connect()
        try:
            return ask(connection, method, path, body, self.headers | dict(headers or {}))
        finally:
            connection.close()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request over an open connection."""
    connection.request(method, path, body, {"Content-Type": "application/json"} | dict(headers or {}))
    response = connection.getresponse()
    return Answer(response.status, dict(response.getheaders()), response.read())
