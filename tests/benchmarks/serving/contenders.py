"""Those who serve: each in a process of its own, on a free port of the loopback address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil

from tests.benchmarks.serving.constant import ANSWER
from tests.conftest import REPO
from tests.ports import free_port

START_SECONDS = 120.0


@dataclass(frozen=True)
class Contender:
    """How one is started and asked.

    Attributes:
        command: arguments of Python; the port is added at the end.
        path: where it is asked.
        wrap: a body of ``POST /score`` in the form it takes.
        unwrap: the Score in its answer; None where it scores nothing.
    """

    title: str
    command: tuple[str, ...]
    path: str = "/score"
    wrap: Callable[[str], str] = str
    unwrap: Callable[[Any], Any] | None = lambda answer: answer


CONTENDERS = {
    "leadheat": Contender("leadheat, reasons off", ("-m", "leadheat", "serve", "--port")),
    "constant": Contender("BentoML on our host, a constant", ("-m", "tests.benchmarks.serving.constant"), unwrap=None),
    "bare": Contender("starlette, same kernel and scorer", ("-m", "tests.benchmarks.serving.bare")),
    "usual": Contender("FastAPI, pandas features, scikit-learn pipeline", ("-m", "tests.benchmarks.serving.usual"), unwrap=None),
    "mlflow": Contender(
        "mlflow models serve",
        ("-m", "mlflow", "models", "serve", "-m", "models:/leadheat@champion", "--env-manager", "local", "--workers", "1", "--port"),
        "/invocations",
        lambda body: json.dumps({"dataframe_records": [{"lead": body}]}),
        lambda answer: json.loads(answer["predictions"][0]["details"]),
    ),
}


@dataclass(frozen=True)
class Running:
    """A contender that answers."""

    contender: Contender
    port: int
    process: int

    def ask(self, body: str) -> Any:
        """One answer."""
        url, headers = f"http://127.0.0.1:{self.port}{self.contender.path}", {"Content-Type": "application/json"}
        with urlopen(Request(url, self.contender.wrap(body).encode(), headers), timeout=60) as answer:
            return json.load(answer)

    def processor_seconds(self) -> float:
        """What it and the processes that it started have used so far."""
        root = psutil.Process(self.process)
        return float(sum(sum(one.cpu_times()[:2]) for one in [root, *root.children(recursive=True)]))


@contextmanager
def running(contender: Contender, folder: Path, first: str, environment: Mapping[str, str]) -> Iterator[Running]:
    """Start a contender in a session of its own, and end it with the block.

    Raises:
        TimeoutError: it does not answer the ``first`` body in time; the message ends with its log.
    """
    port = free_port()
    log = folder / f"{port}.log"
    places = {"BENTOML_HOME": str(folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "True", ANSWER: str(folder / "answer.json")}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *contender.command, str(port)],
            cwd=REPO,
            env=os.environ | places | {"PATH": path} | dict(environment),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    one = Running(contender, port, process.pid)
    try:
        _await(one, process, first, log)
        yield one
    finally:
        for child in (*psutil.Process(process.pid).children(recursive=True), process):
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                child.kill()
        process.wait()


def _await(one: Running, process: subprocess.Popen[bytes], first: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(URLError, OSError):
            one.ask(first)
            return
        time.sleep(0.2)
    raise TimeoutError(f"{one.contender.title} does not answer: {log.read_text()[-3000:]}")
