"""What keeps the workers alive, in the process that started them.

BentoML's own looks after workers only every 10 seconds, in a container (``BENTOML_CONTAINERIZED``) not at all, waits a day for one that
does not end when asked to, and lets the metrics of the dead count on.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from bentoml._internal.utils import circus
from circus.watcher import Watcher
from prometheus_client import multiprocess

from serving.limits import LIMITS

EVERY = 1.0
"""Seconds between two looks at the workers."""
PULL_EVERY = 3.0
"""Seconds between two looks at a registry on a server."""
GRACE = LIMITS.request_timeout + 10.0
"""Seconds that a worker has to finish its requests and its logs before it is ended."""


class Supervisor(circus.Arbiter):
    """Starts a worker anew as soon as one is gone, wherever the service runs."""

    def __init__(self, watchers: list[Any], **options: Any) -> None:
        for watcher in watchers:
            watcher.respawn = True
            watcher.graceful_timeout = GRACE
            watcher.hooks["after_reap"] = bury
        super().__init__([*watchers, *_puller()], **(options | {"check_delay": EVERY}))


def _puller() -> list[Any]:
    """What brings the champion of a registry on a server to this machine: a process of its own, for workers are to load no MLflow."""
    if not os.environ.get("MLFLOW_TRACKING_URI", "").startswith(("http://", "https://")):
        return []
    arguments = ["-m", "leadheat", "pull", "--every", f"{PULL_EVERY:g}"]
    root = str(Path(__file__).resolve().parent.parent)
    return [Watcher("puller", shlex.quote(sys.executable), arguments, copy_env=True, working_dir=root, graceful_timeout=5.0)]


def bury(watcher: Any, process_pid: int, **_: Any) -> bool:
    """Take the gauges of a worker that is gone out of the sums."""
    multiprocess.mark_process_dead(process_pid, watcher.env["PROMETHEUS_MULTIPROC_DIR"])  # type: ignore[no-untyped-call]
    return True


def install() -> None:
    """Have BentoML supervise its workers this way; called before it starts any."""
    circus.Arbiter = Supervisor  # type: ignore[misc]
