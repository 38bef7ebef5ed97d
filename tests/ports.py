"""Ports for servers that tests start."""

from __future__ import annotations

import socket
from contextlib import suppress
from random import SystemRandom

_PORTS = range(20_000, 32_000)
"""Below those that systems hand out: until the server has started, none of these goes to somebody who asks for any."""


def free_port() -> int:
    """A port of the loopback address on which nothing listens."""
    random = SystemRandom()  # tests seed the other one, and would all choose the same
    while True:
        port = random.choice(_PORTS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
