"""A receiver of webhooks: a real HTTP server in a thread, which answers as it is told and remembers what it got."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self


class Got(NamedTuple):
    """One request."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # by default a few connections at once are too many


class Receiver:
    """Answers with ``status`` and ``headers``; while ``hold`` is set it keeps every request waiting; ``endless`` is a body without end."""

    def __init__(self, status: int = 200, headers: Mapping[str, str] | None = None, *, endless: bool = False, port: int = 0) -> None:
        self.status = status
        self.headers = dict(headers or {})
        self.endless = endless
        self.got: list[Got] = []
        self.arrived = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self._server = _Server(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def ids(self) -> list[str]:
        return [one.event_id for one in self.got]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(Got({name.lower(): value for name, value in self.headers.items()}, body))
                receiver.arrived.set()
                receiver.go_on.wait()
                try:
                    self._answer()
                except OSError:
                    self.close_connection = True

            def _answer(self) -> None:
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(10**12 if receiver.endless else 0))
                self.end_headers()
                while receiver.endless:
                    self.wfile.write(b"x" * 100_000)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        return Handler
