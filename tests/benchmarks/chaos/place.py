"""Where a scenario takes place: a home of its own with two versions, a store of its own, and services that use them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.benchmarks.serving.world import prepare
from tests.conftest import REPO
from tests.server import Server

LEADS = 1_500


@dataclass(frozen=True)
class Place:
    """A scenario's own.

    Attributes:
        folder: for whatever it needs.
        home: with version 1 as champion and version 2 beside it.
        environment: of the services and of commands.
        bodies: of ``POST /score``.
    """

    folder: Path
    environment: Mapping[str, str]
    bodies: list[str]

    @property
    def home(self) -> Path:
        """``LEADHEAT_HOME``."""
        return self.folder / "home"

    def serve(
        self, store: str, environment: Mapping[str, str] | None = None, workers: int = 2, headers: Mapping[str, str] | None = None
    ) -> Server:
        """The real service on a store."""
        return Server(self.home, {**self.environment, "LEADHEAT_STORE": store, **(environment or {})}, workers, headers=headers)

    def command(self, *arguments: str) -> str:
        """Run the command line; returns what it prints."""
        environment = os.environ | dict(self.environment) | {"LEADHEAT_HOME": str(self.home)}
        done = subprocess.run([sys.executable, "-m", "leadheat", *arguments], cwd=REPO, env=environment, check=True, stdout=subprocess.PIPE)
        return done.stdout.decode()


class Ground:
    """What all places begin with: a world, and two trained versions; made once, in half a minute."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.served = prepare(folder, LEADS)
        if len(list((folder / "home" / "versions").glob("2-*"))) == 0:
            arguments = (["simulate", str(folder / "other"), "--leads", str(LEADS), "--seed", "5"], ["train", str(folder / "other")])
            for one in arguments:
                environment = os.environ | dict(self.served.environment)
                subprocess.run([sys.executable, "-m", "leadheat", *one], cwd=REPO, env=environment, check=False, capture_output=True)
            place = self.place("both")
            place.command("promote", "2", "--force", "--reason", "to have both versions here")
            shutil.copytree(place.home / "versions", folder / "home" / "versions", dirs_exist_ok=True)
            place.command("promote", "1", "--force", "--reason", "to begin with the first")

    def place(self, name: str) -> Place:
        """A new place."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder / "home", folder / "home", symlinks=True, ignore=shutil.ignore_patterns("scores"))
        return Place(folder, {"MLFLOW_TRACKING_URI": self.served.environment["MLFLOW_TRACKING_URI"]}, self.served.bodies)


def workers_of(server: Server) -> list[psutil.Process]:
    """The processes that score, the largest first: they hold the model."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return sorted(children, key=lambda one: -one.memory_info().rss)[: server.workers]
