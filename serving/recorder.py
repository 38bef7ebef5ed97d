"""What writes the service's score log: beside the requests, which it never makes wait and never lets fail."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from features.contract import now
from models import score_log
from models.answer import Answer
from serving import metrics

EVERY = 1.0
"""Seconds between two writes: what a killed process loses at most."""
MOST = 20_000
"""Scores that wait to be written; more are lost, and counted."""
LARGEST = 64_000_000
"""Bytes after which a new file is begun; a new one is begun each day, too."""

logger = logging.getLogger("leadheat.serving")


class _Line(NamedTuple):
    """A line of the log that waits, when it was made (microseconds UTC), and whose it is."""

    moment: int
    lead_id: str
    text: bytes


class Recorder:
    """Takes scores at once and writes them in a thread of its own, each process into files of its own.

    Args:
        folder: where the log lies; None for no log.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._waiting: deque[_Line] = deque()
        self._dropped: dict[str, int] = {}
        self._lost = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="score log", daemon=True)
        self._file: Path | None = None
        self._files = 0
        self._complained = False

    def start(self) -> None:
        """Begin to write."""
        if self._folder is not None:
            self._thread.start()

    def note(self, *answers: Answer) -> None:
        """Have scores logged."""
        if self._folder is None:
            return
        taken, moment = answers[: max(MOST - len(self._waiting), 0)], now()
        self._lost += len(answers) - len(taken)
        if not taken:
            return
        # Made here and now: an answer that waits would keep all that it rests on, and a second thread that is busy makes all requests wait.
        lines = zip(taken, score_log.lines_of(taken, moment), strict=True)
        self._waiting.extend(_Line(moment, one.score.lead_id, text) for one, text in lines)

    def drop(self, lead_ids: Collection[str]) -> int:
        """Have the scores of some leads that wait not logged after all; returns how many. One that is being written just now is."""
        if self._folder is None:
            return 0
        self._dropped = self._dropped | dict.fromkeys(lead_ids, now())
        return sum(line.lead_id in lead_ids for line in list(self._waiting))

    def close(self) -> None:
        """Write what waits, and end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._ended.wait(EVERY)
            try:
                self._write()
            except Exception:  # the log goes on, whatever one write has met
                logger.exception("the score log failed")

    def _write(self) -> None:
        """Write what waits now."""
        dropped = self._dropped
        some = [self._waiting.popleft() for _ in range(len(self._waiting))]
        self._write_lines([line.text for line in some if line.moment > self._dropped.get(line.lead_id, 0)])
        if self._dropped is dropped and not self._waiting:
            self._dropped = {}
        lost, self._lost = self._lost, 0
        if lost:
            metrics.count_logged("lost", lost)

    def _write_lines(self, lines: list[bytes]) -> None:
        if not lines:
            return
        try:
            size = score_log.append(self._place(), lines)
        except OSError as error:
            self._file, self._lost = None, self._lost + len(lines)
            self._complain(error)
            return
        metrics.count_logged("written", len(lines))
        self._complained = False
        self._file = self._file if size < LARGEST else None

    def _place(self) -> Path:
        """The file of today."""
        assert self._folder is not None  # noqa: S101 - there is no thread without a folder
        today = datetime.now(UTC)
        if self._file is None or not self._file.name.startswith(f"service-{today:%Y%m%d}"):
            self._files += 1
            self._file = score_log.made(self._folder) / f"service-{today:%Y%m%dT%H%M%S}-{os.getpid()}-{self._files}.jsonl"
            score_log.prune(self._folder)
        return self._file

    def _complain(self, error: OSError) -> None:
        """Once, until it works again."""
        if not self._complained:
            logger.error("the score log cannot be written to %s: %s; scores go on, unlogged", self._folder, error.strerror or error)
        self._complained = True
