"""A contender in a process of its own, with a limit of time and of memory: whatever becomes of it, the run goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from tests.conftest import REPO

THREADS = 2
"""Of every contender, by the environment where it reads one."""
LOOK_SECONDS = 0.05
"""How often the memory of a process is looked at."""
_TAIL = 300


@dataclass(frozen=True)
class Limits:
    """What a contender may use: seconds of the clock, and resident gigabytes of its process with all that it started."""

    seconds: float
    gigabytes: float


@dataclass(frozen=True)
class Outcome:
    """What became of a process.

    Attributes:
        answers: each line of JSON that it printed, also those before it was stopped.
        failure: why it has no more, or None.
        peak_gb: the most that was resident at a look.
    """

    answers: list[Any]
    failure: str | None
    peak_gb: float


def limited(
    module: str, *arguments: object, limits: Limits, python: str = sys.executable, extra: Mapping[str, str] | None = None
) -> Outcome:
    """Run ``python -m module arguments`` in a session of its own until it ends or is over a limit, and leave none of its processes.

    Args:
        module: of this repository; it prints its answers as JSON, a line each.
        arguments: as texts.
        limits: over which all is stopped.
        python: of another environment.
        extra: variables.
    """
    return limited_command([python, "-m", module, *map(str, arguments)], limits, extra)


def limited_command(command: Sequence[str], limits: Limits, extra: Mapping[str, str] | None = None) -> Outcome:
    """The same for any command."""
    threads = {name: str(THREADS) for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=REPO, env=os.environ | threads | dict(extra or {}), stdout=out, stderr=said, start_new_session=True
        )
        try:
            failure, peak = _watch(process, limits)
        finally:
            _end(process)
        if failure is None and process.returncode:
            failure = _last_line(said) or f"ended with {process.returncode}"
        return Outcome(_answers(out), failure, peak)


def peak_memory() -> float:
    """The most gigabytes that this process had resident; unlike ``ru_maxrss``, not those of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9


def processor_seconds() -> float:
    """What this process, all below it that run and all that have ended took of the processors."""
    own = psutil.Process()
    return sum(sum(one.cpu_times()[:4]) for one in [own, *own.children(recursive=True)])


def _watch(process: subprocess.Popen[bytes], limits: Limits) -> tuple[str | None, float]:
    """Why it was stopped, or None when it ended by itself; and its peak."""
    end, peak = time.monotonic() + limits.seconds, 0.0
    while process.poll() is None:
        peak = max(peak, _resident(process.pid))
        if peak > limits.gigabytes:
            return f"out of memory: over {limits.gigabytes:g} GB", peak
        if time.monotonic() > end:
            return f"stopped after {limits.seconds:.0f} s", peak
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_SECONDS)
    return None, peak


def _resident(pid: int) -> float:
    """Gigabytes of a process and all below it."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for one in [root, *root.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total / 1e9


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of its session, children that outlived it included."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _answers(out: IO[bytes]) -> list[Any]:
    out.seek(0)
    found = []
    for line in out.read().decode(errors="replace").splitlines():
        with suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def _last_line(said: IO[bytes]) -> str:
    """What it said last, in short."""
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:_TAIL] if lines else ""
