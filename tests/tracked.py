"""What the tests of the registry share: model folders of no worth, quick trainings of them, servers and processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from models import home
from models.registry import Registry
from tests.ports import free_port

FAILED: list[dict[str, Any]] = [{"name": "calibrated", "passed": False, "figure": 0.2, "limit": 0.03, "detail": "ECE 0.2"}]
EXAMPLE = {"lead": {"lead_id": "a"}, "interactions": []}
FIGURES = {"auc": 0.81, "intervals": {"auc": [0.80, 0.83]}}
GATES: list[dict[str, Any]] = [{"name": "calibrated", "passed": True, "figure": 0.01, "limit": 0.03, "detail": "fine"}]
START_SECONDS = 120.0


def model_folder(place: Path, name: str) -> Path:
    """A folder such as ``LeadScorer.save`` leaves: the registry does not look into it."""
    (place / name / "part").mkdir(parents=True)
    for file in ("manifest.json", "part/trees.json"):
        (place / name / file).write_text(json.dumps({"name": name, "numbers": list(range(1000))}))
    return place / name


def name_in(folder: Path) -> str:
    """The model's name, after a look that all files of the folder belong to it."""
    names = {json.loads(file.read_text())["name"] for file in (folder / "manifest.json", folder / "part" / "trees.json")}
    assert len(names) == 1
    return str(names.pop())


def trained(registry: Registry, place: Path, name: str, gates: list[dict[str, Any]] = GATES, champion: str | None = None) -> str:
    """A run that logs such a folder with the verdicts on it; returns the version."""
    with registry.run(name) as run:
        return run.log_model(model_folder(place, name), f"fingerprint of {name}", EXAMPLE, FIGURES, gates, champion)


def aliases(registry: Registry) -> dict[str, str]:
    return {alias: version.version for version in registry.versions() for alias in version.aliases}


def in_service() -> home.Champion:
    champion = home.champion()
    assert champion is not None
    return champion


@contextmanager
def served(arguments: list[str], path: str, log: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """``python ARGUMENTS --port FREE`` in a process group of its own, once it answers at ``path``; gives its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments, "--port", str(port)],
            cwd=log.parent,
            env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"} | dict(environment),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            _wait(process, address + path, log)
            yield address
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - our own address
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"no answer at {url}: {log.read_text()[-2000:]}")
