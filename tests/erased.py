"""Looking for what must not be there any more, and letting the seconds pass in which it may still come."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from sqlalchemy import Engine, func, select

from features.store.engine import reading, writing
from features.store.schema import erasures, receipts


def holding(folder: Path, text: bytes) -> set[str]:
    """The names of the files below a folder in whose bytes the text stands.

    Another process looks: to close a file of SQLite's would take away the locks that this process's connections hold on it.
    """
    found = subprocess.run([b"grep", b"-rlaF", b"-e", text, bytes(folder)], capture_output=True, check=False)
    assert found.returncode in (0, 1), found.stderr
    return {Path(line).name for line in found.stdout.decode().splitlines()}


def let_time_pass(engine: Engine, receipt: int = 1) -> None:
    """Wait for a number of receipts, and then until what they erased is swept, whose time is over at once.

    Raises:
        TimeoutError: it is not done within a minute.
    """
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with reading(engine) as connection:
            given = connection.execute(select(func.count()).select_from(receipts)).scalar_one()
            waiting = connection.execute(select(func.count()).select_from(erasures)).scalar_one()
        if given >= receipt and not waiting:
            return
        if waiting:
            with writing(engine) as connection:
                connection.execute(erasures.update().where(erasures.c.sweep_until > 0).values(sweep_until=0))
        time.sleep(0.1)
    raise TimeoutError("the erased were not swept")
