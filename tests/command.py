"""The real command line in a process of its own, with its state in a folder of the test's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import REPO

TIMEOUT = 300.0
LEADHEAT = (sys.executable, "-m", "leadheat")


@dataclass(frozen=True)
class Done:
    """What a finished command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as exactly one JSON object of standard JSON."""
        assert self.out.count("\n") == 1, self.out + self.err
        value = json.loads(self.out, parse_constant=_no_constant)
        assert isinstance(value, dict)
        return value


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@dataclass(frozen=True)
class Place:
    """A folder in which commands run; state and tracking stay inside."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "LEADHEAT_HOME": str(self.folder / "home"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'leadheat.db'}",
            "PYTHONPATH": str(REPO),
            "COLUMNS": "80",
        }

    def with_database(self, empty: Path) -> Place:
        """The place with an MLflow database that is made already, as the fixture ``empty_database`` has one."""
        shutil.copy(empty, self.folder / "leadheat.db")
        return self

    def run(self, *arguments: str) -> Done:
        """Run ``leadheat ARGUMENTS`` to its end; no command may end in a traceback."""
        command = [*LEADHEAT, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start ``leadheat ARGUMENTS``."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.Popen([*LEADHEAT, *arguments], cwd=self.folder, env=self.environment, text=True, **pipes)

    def simulate(self, leads: int = 1_500, **model: float) -> None:
        """Make the data set ``world`` and let it learn with these settings of ``[model]``."""
        done = self.run("simulate", "world", "--leads", str(leads), "--seed", "3")
        assert done.code == 0, done.err
        self.settle("leadheat.toml", **model)

    def settle(self, file: str, **model: float) -> Path:
        """A settings file beside the world's, with a ``[model]`` table of its own."""
        plain = (self.folder / "world" / "leadheat.toml").read_text().partition("\n[model]")[0]
        lines = [f"{name} = {value}\n" for name, value in model.items()]
        place = self.folder / "world" / file
        place.write_text(f"{plain}\n[model]\n{''.join(lines)}")
        return place
