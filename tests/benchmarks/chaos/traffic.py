"""Steady traffic that never gives up: every interaction is sent again, with the same id, until it is acknowledged."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Self

PAUSE = 0.02
"""Seconds between two requests of one sender."""
REST = 0.1
"""Seconds before a request is sent again."""
ALLOWED = frozenset({429, 503, 504})
"""What a service in trouble may answer."""


@dataclass
class Told:
    """What the senders saw.

    Attributes:
        sent: the ids of all interactions on their way or there.
        acknowledged: those that a 2xx was answered to.
        stored: how many the service said it had stored.
        scored: (body, Score) of ``POST /score``.
        moved: Scores that ``POST /interactions`` answered.
        refused: answers by status; 0 for connections that broke.
        good: moments of acknowledgements, monotonic seconds.
    """

    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    stored: int = 0
    scored: list[tuple[str, Any]] = field(default_factory=list)
    moved: list[Any] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    good: list[float] = field(default_factory=list)

    def silence_after(self, moment: float) -> float:
        """Seconds from a moment (monotonic) to the next acknowledgement."""
        return min((one - moment for one in self.good if one > moment), default=float("inf"))


class Traffic:
    """Senders that take turns between ``POST /interactions`` and ``POST /score``, from the block's beginning to its end.

    Args:
        ports: of the services; a sender goes to the next when one fails.
        bodies: of ``POST /score``.
        everywhere: send every interaction to all services, for it must count once all the same.
        speed: how much faster the services' clock runs, from the block's beginning on.
    """

    LEADS = 25

    def __init__(
        self, ports: Sequence[int], bodies: Sequence[str], senders: int = 4, *, everywhere: bool = False, speed: float = 1.0
    ) -> None:
        self.told = Told()
        self._ports, self._bodies, self._everywhere = list(ports), list(bodies), everywhere
        self._speed, self._began = speed, datetime.now(UTC)
        self._ended, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(number,), daemon=True) for number in range(senders)]

    def __enter__(self) -> Self:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for one in self._threads:
            one.join(60)

    def run(self, seconds: float) -> None:
        """Let it flow."""
        time.sleep(seconds)

    def _send(self, sender: int) -> None:
        with _Line(self._ports, sender) as line:
            for number in count():
                if self._ended.is_set():
                    return
                if number % 2:
                    self._score(line, self._bodies[number % len(self._bodies)])
                else:
                    self._interaction(line, f"{sender}-{number}", f"lead {(sender + number) % self.LEADS}")
                time.sleep(PAUSE)

    def _score(self, line: _Line, body: str) -> None:
        answer = self._insist(line, "/score", body)
        with self._lock:
            self.told.scored.append((body, answer))

    def _interaction(self, line: _Line, key: str, lead_id: str) -> None:
        occurred_at = self._began + self._speed * (datetime.now(UTC) - self._began)
        one = {"lead_id": lead_id, "type": "page_visit", "occurred_at": occurred_at.isoformat(), "interaction_id": key}
        body = json.dumps({"interactions": [one | {"direction": "inbound"}], "explain": False})
        with self._lock:
            self.told.sent.add(key)
        for _ in self._ports if self._everywhere else self._ports[:1]:
            answer = self._insist(line, "/interactions", body)
            with self._lock:
                self.told.acknowledged.add(key)
                self.told.stored += answer["stored"]
                self.told.moved += answer["scores"]
                self.told.good.append(time.monotonic())
            line.turn()

    def _insist(self, line: _Line, path: str, body: str) -> Any:
        while True:
            status, answer = line.ask(path, body)
            if 200 <= status < 300:
                return json.loads(answer)
            with self._lock:
                self.told.refused[status] += 1
            if status not in ALLOWED | {0}:
                raise AssertionError(f"{path} was answered {status}: {answer[:300]!r}")
            line.turn()
            time.sleep(REST)


class _Line:
    """A connection to one service at a time."""

    def __init__(self, ports: Sequence[int], first: int) -> None:
        self._ports, self._at = ports, first
        self._connection = self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._ports[self._at % len(self._ports)], timeout=15)

    def turn(self) -> None:
        """Go to the next service."""
        if len(self._ports) > 1:
            self._connection.close()
            self._at += 1
            self._connection = self._connect()

    def ask(self, path: str, body: str) -> tuple[int, bytes]:
        """Status and answer; 0 where there was none."""
        try:
            self._connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return 0, repr(error).encode()
