"""Spark in tests: a session of this process, or a cluster of several processes; a skip where Spark or Java is not installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import psutil
import pytest

from tests.conftest import missing
from tests.ports import free_port

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DEPLOY = "org.apache.spark.deploy"
START_SECONDS = 60.0


def need_spark() -> None:
    """Skip where there is no Spark."""
    if importlib.util.find_spec("pyspark") is None:
        missing("Spark", "make spark")
    if shutil.which("java") is None:
        missing("Java", "apt-get install default-jre-headless")


@contextmanager
def local_session() -> Iterator[SparkSession]:
    """Two threads of this process's own Java."""
    need_spark()
    from features.spark.session import session

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASTER", "local[2]")
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.sql.session.timeZone=America/Sao_Paulo pyspark-shell")
        with session() as spark:
            yield spark


class Cluster:
    """A standalone cluster on the loopback address: a master and workers, each a process of its own with one core.

    ``environment`` is all that a command needs to use it.
    """

    def __init__(self, folder: Path, workers: int) -> None:
        need_spark()
        self.folder = folder
        self.port = free_port()
        self.count = workers
        self.workers: list[subprocess.Popen[bytes]] = []
        memory = "--conf spark.executor.memory=512m --conf spark.driver.memory=512m"
        self.environment = {
            "MASTER": f"spark://127.0.0.1:{self.port}",
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_NO_DAEMONIZE": "1",
            "PYSPARK_SUBMIT_ARGS": f"--conf spark.driver.host=127.0.0.1 {memory} pyspark-shell",
        }

    def __enter__(self) -> Self:
        self.master = self._start("master.Master", "--port", str(self.port))
        self._wait("master", "I have been elected leader")
        self.workers = [self.add_worker() for _ in range(self.count)]
        self._wait("master", "Registering worker", self.count)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in (*self.workers, self.master):
            kill(process.pid)
            process.wait()

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start one more."""
        return self._start("worker.Worker", "--cores", "1", "--memory", "1g", "--work-dir", str(self.folder), self.environment["MASTER"])

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        from pyspark.find_spark_home import _find_spark_home

        home = Path(_find_spark_home())
        options = ["--host", "127.0.0.1", "--webui-port", "0", *arguments]
        environment = os.environ | self.environment | {"SPARK_HOME": str(home), "SPARK_SCALA_VERSION": "2.13"}
        with (self.folder / f"{name.partition('.')[0]}.log").open("ab") as log:
            command = ["java", "-Xmx256m", "-cp", f"{home / 'jars'}/*", f"{DEPLOY}.{name}", *options]
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)

    def _wait(self, log: str, words: str, times: int = 1) -> None:
        end, file = time.monotonic() + START_SECONDS, self.folder / f"{log}.log"
        while file.read_text().count(words) < times:
            if time.monotonic() > end:
                raise TimeoutError(f"not within {START_SECONDS} s; the log ends: {file.read_text()[-2000:]}")
            time.sleep(0.1)


def kill(process: int) -> None:
    """End a process and all that it has started, at once."""
    try:
        family = [psutil.Process(process), *psutil.Process(process).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, 10)
