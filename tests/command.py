"""The real command line in a process of its own, with its state in a folder of the test's."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.warm import begin

REPO = Path(__file__).resolve().parent.parent
TIMEOUT = 300.0
LEADHEAT = (sys.executable, "-m", "leadheat")


@dataclass(frozen=True)
class Done:
    """What a finished command left."""

    code: int | None
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
        """Run ``leadheat ARGUMENTS`` to its end, in a process that has the libraries loaded; no command may end in a traceback."""
        with tempfile.TemporaryDirectory() as scratch:
            out, err = Path(scratch) / "out", Path(scratch) / "err"
            process = begin(_leadheat, arguments, self.folder, out, err, environment=self.environment)
            process.join(TIMEOUT)
            if process.exitcode is None:
                process.kill()
            done = Done(process.exitcode, out.read_text(), err.read_text())
        assert "Traceback" not in done.err, done.err
        return done

    def run_cold(self, *arguments: str) -> Done:
        """Run it as users do, who wait for the libraries too."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=TIMEOUT)
        assert "Traceback" not in err, err
        return Done(process.returncode, out, err)

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


def _leadheat(arguments: tuple[str, ...], folder: Path, out: Path, err: Path) -> None:
    """What ``python -m leadheat ARGUMENTS >out 2>err`` does in a folder."""
    os.chdir(folder)
    for stream, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
    sys.argv = ["leadheat", *arguments]
    runpy.run_module("leadheat", run_name="__main__", alter_sys=True)
