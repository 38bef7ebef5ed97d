"""What keeps the workers alive, in the process that started them.

BentoML's own looks after workers only every 10 seconds, in a container (``BENTOML_CONTAINERIZED``) not at all, never sees that one hangs,
starts one that cannot start again and again, waits a day for one that does not end when asked to, and lets the metrics of the dead count
on.
"""

from __future__ import annotations

import logging
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

from bentoml._internal.utils import circus
from circus.watcher import Watcher
from prometheus_client import multiprocess
from tornado import gen

from serving.limits import LIMITS
from serving.vigil import Vigil, last_beat, sign

logger = logging.getLogger("leadheat.serving")

EVERY = 1.0
"""Seconds between two looks at the workers."""
PULL_EVERY = 3.0
"""Seconds between two looks at a registry on a server."""
GRACE = LIMITS.request_timeout + 10.0
"""Seconds that a worker has to finish its requests and its logs before it is ended."""


class Supervisor(circus.Arbiter):
    """Starts a worker anew as soon as one is gone, wherever the service runs; with pauses that grow where they die young.

    Args:
        watchers: circus's, of the workers; what else circus takes is handed on.
    """

    def __init__(self, watchers: list[Any], **options: Any) -> None:
        for watcher in watchers:
            watcher.respawn = True
            watcher.graceful_timeout = GRACE
            watcher.hooks["after_reap"] = bury
        self._workers = list(watchers)
        self._vigil = Vigil(LIMITS.worker_silence / EVERY)
        super().__init__([*watchers, *_puller()], **(options | {"check_delay": EVERY}))

    @gen.coroutine
    def manage_watchers(self) -> Any:
        """Look after the workers, once."""
        started = [pid for one in self._workers for pid in one.processes]
        self.reap_processes()
        paused = self._vigil.pause
        hanging = self._vigil.look({pid: last_beat(_folder(one), pid) for one in self._workers for pid in one.processes}, started)
        for worker in hanging:
            logger.error("worker %d gives no sign of life: it is ended, and another takes its place", worker)
            os.kill(worker, signal.SIGKILL)
        if self._vigil.pause > paused:
            logger.error("workers end soon after their start: the next starts in %d seconds", self._vigil.pause * EVERY)
        if not hanging and not self._vigil.pause:  # what was just ended is reaped at the next look
            yield super().manage_watchers()


def _puller() -> list[Any]:
    """What brings the champion of a registry on a server to this machine: a process of its own, for workers are to load no MLflow."""
    if not os.environ.get("MLFLOW_TRACKING_URI", "").startswith(("http://", "https://")):
        return []
    arguments = ["-m", "leadheat", "pull", "--every", f"{PULL_EVERY:g}"]
    root = str(Path(__file__).resolve().parent.parent)
    return [Watcher("puller", shlex.quote(sys.executable), arguments, copy_env=True, working_dir=root, graceful_timeout=5.0)]


def bury(watcher: Any, process_pid: int, **_: Any) -> bool:
    """Take the gauges of a worker that is gone out of the sums, and its sign of life away."""
    multiprocess.mark_process_dead(process_pid, _folder(watcher))  # type: ignore[no-untyped-call]
    sign(_folder(watcher), process_pid).unlink(missing_ok=True)
    return True


def _folder(watcher: Any) -> str:
    """Where a watcher's workers keep their metrics and signs of life."""
    return str(watcher.env["PROMETHEUS_MULTIPROC_DIR"])


def install() -> None:
    """Have BentoML supervise its workers this way; called before it starts any."""
    circus.Arbiter = Supervisor  # type: ignore[misc]
