"""The load: a process of its own that sends ready-made requests over raw sockets, so cheap that it is never what is measured.

It is told in JSON on its standard input what to do (``Load``) and tells in JSON what it saw (``Seen``).
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Protocol

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "
GOOD = b"HTTP/1.1 2"
PATIENCE = 30.0
"""Seconds without any answer after which the load ends."""


@dataclass(frozen=True)
class Load:
    """What to send: ``bodies`` again and again to ``path``, for so many ``seconds``.

    Attributes:
        connections: that are open; without a ``rate`` each sends as soon as it is answered (closed loop).
        rate: requests a second, sent when their time has come whether the earlier ones are answered or not (open loop); a request that
            has to wait for a free connection counts from when its time had come.
    """

    port: int
    path: str
    bodies: list[str]
    connections: int
    seconds: float
    rate: float | None = None


@dataclass(frozen=True)
class Seen:
    """What came of it: answers that were 2xx and others, the milliseconds of each 2xx, and the load's own share of a processor."""

    seconds: float
    good: int
    bad: int
    milliseconds: list[float]
    busy: float

    @property
    def per_second(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds


def send(load: Load) -> Seen:
    """Send a load from a process of its own.

    Raises:
        CalledProcessError: the service hung up, or did not answer for ``PATIENCE``.
    """
    command = [sys.executable, "-m", __name__]
    done = subprocess.run(command, input=json.dumps(asdict(load)), stdout=subprocess.PIPE, text=True, check=True)
    return Seen(**json.loads(done.stdout))


class _Connection:
    """An open connection with at most one request on its way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self._answer = b""

    def send(self, request: bytes, began: float) -> None:
        self.began = began
        self.socket.sendall(request)

    def answered(self) -> bytes | None:
        """The answer when it is whole."""
        some = self.socket.recv(1 << 18)
        if not some:
            raise ConnectionError("the service hung up")
        answer = self._answer + some
        head = answer.find(HEAD_END)
        whole = head >= 0 and len(answer) >= head + len(HEAD_END) + _length(answer[:head])
        self._answer = b"" if whole else answer
        return answer if whole else None


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.index(LENGTH) + len(LENGTH)
    return int(lower[at:].split(b"\r", 1)[0])


class _Loop(Protocol):
    """When to send what."""

    def wait(self) -> float | None:
        """Send what is due; seconds until more is, None when all is sent and answered."""

    def free(self, connection: _Connection) -> None:
        """A connection has its answer."""


class _Closed:
    """Each connection sends as soon as it is answered."""

    def __init__(self, load: Load, connections: list[_Connection], requests: Iterator[bytes]) -> None:
        self._requests, self._end, self._waiting = requests, time.perf_counter() + load.seconds, len(connections)
        for one in connections:
            one.send(next(requests), time.perf_counter())

    def wait(self) -> float | None:
        return PATIENCE if self._waiting else None

    def free(self, connection: _Connection) -> None:
        now = time.perf_counter()
        if now < self._end:
            connection.send(next(self._requests), now)
        else:
            self._waiting -= 1


class _Open:
    """A request is sent when its time has come."""

    def __init__(self, load: Load, connections: list[_Connection], requests: Iterator[bytes]) -> None:
        self._requests, self._rate, self._started = requests, load.rate or 1.0, time.perf_counter()
        self._all, self._free = len(connections), deque(connections)
        self._left, self._sent = int(load.seconds * self._rate), 0

    def wait(self) -> float | None:
        while self._free and self._left:
            due = self._started + self._sent / self._rate
            now = time.perf_counter()
            if due > now:
                return due - now
            self._free.popleft().send(next(self._requests), due)
            self._sent, self._left = self._sent + 1, self._left - 1
        return PATIENCE if self._left or len(self._free) < self._all else None

    def free(self, connection: _Connection) -> None:
        self._free.append(connection)


def _send(load: Load) -> Seen:
    requests = cycle([_request(load, body.encode()) for body in load.bodies])
    connections = [_Connection(load.port) for _ in range(load.connections)]
    selector = selectors.DefaultSelector()
    for one in connections:
        selector.register(one.socket, selectors.EVENT_READ, one)
    spent: list[float] = []
    bad = 0
    started, used = time.perf_counter(), time.process_time()
    loop: _Loop = _Closed(load, connections, requests) if load.rate is None else _Open(load, connections, requests)
    while (wait := loop.wait()) is not None:
        ready = selector.select(wait)
        if not ready and wait >= PATIENCE:
            raise TimeoutError(f"no answer within {PATIENCE:g} seconds")
        for key, _ in ready:
            answer = key.data.answered()
            if answer is None:
                continue
            if answer.startswith(GOOD):
                spent.append(1000 * (time.perf_counter() - key.data.began))
            else:
                bad += 1
            loop.free(key.data)
    seconds, busy = time.perf_counter() - started, time.process_time() - used
    return Seen(seconds, len(spent), bad, spent, busy / seconds)


def _request(load: Load, body: bytes) -> bytes:
    head = [
        f"POST {load.path} HTTP/1.1",
        f"Host: 127.0.0.1:{load.port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


if __name__ == "__main__":
    print(json.dumps(asdict(_send(Load(**json.load(sys.stdin))))))
