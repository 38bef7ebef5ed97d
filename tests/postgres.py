"""A PostgreSQL server of the tests' own, in a temporary folder, on a free port of the loopback address; one database a test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Self

import psycopg

from tests.ports import free_port

USER = "postgres"


def programs() -> Path | None:
    """Where PostgreSQL's server programs lie, the newest first; Debian keeps them out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True)
    on_path = shutil.which("initdb")
    places = [path.parent for path in found] + ([Path(on_path).parent] if on_path else [])
    return next((place for place in places if (place / "postgres").exists()), None)


class Postgres:
    """A running server. It refuses to run as root, so that root starts it as the user postgres."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="leadheat-pg-"))
        self.port = free_port()
        self._names = (f"test_{number}" for number in count())
        self._as = USER if os.geteuid() == 0 else None
        if self._as:
            os.chown(self.folder, pwd.getpwnam(USER).pw_uid, -1)
        self._run("initdb", "-D", str(self.folder / "data"), "-U", USER, "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=60"]
        program = [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(program, stdout=log, stderr=log, user=self._as, start_new_session=True)
        self._await()

    def kill(self) -> None:
        """End the server and all its processes at once, as a failing machine would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def database(self) -> str:
        """The address of a new, empty database."""
        name = next(self._names)
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def address(self, database: str) -> str:
        """How to reach a database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """End the server and remove its files."""
        self.process.send_signal(signal.SIGQUIT)  # at once: nobody needs the data any more
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                psycopg.connect(self.address("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError((self.folder / "log").read_text()[-2000:])

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([str(self.binaries / program), *arguments], check=True, capture_output=True, user=self._as, cwd=self.folder)
