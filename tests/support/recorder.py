# SPDX-License-Identifier: Apache-2.0
"""An HTTP server on loopback that remembers what it was asked, and answers what a test wants."""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Seen:
    """A request: ``path`` still quoted, without the query; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """``value`` goes as JSON, or ``body`` as it is; ``hang_up`` closes the connection without a word.

    Nothing is said before ``spoken`` is set, or somebody has waited for half a minute.
    """

    status: int = 200
    value: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang_up: bool = False
    spoken: threading.Event | None = None


class Recorder:
    """What was asked, in order; answers are those of ``script``, one after another, then ``answer``'s."""

    def __init__(self, answer: Callable[[Seen], Answer]) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.seen: list[Seen] = []
        self.script: deque[Answer] = deque()
        self.url = ""

    def take(self, seen: Seen) -> Answer:
        with self._lock:
            self.seen.append(seen)
            return self.script.popleft() if self.script else self._answer(seen)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    recorder: Recorder

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: clients hang up in many tests, and what they missed they tell."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        answer = self.server.recorder.take(Seen(self.command, url.path, query, headers, body))
        if answer.spoken is not None:
            answer.spoken.wait(30)
        if answer.hang_up:
            self.close_connection = True
            return
        content = answer.body or json.dumps(answer.value).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names are the base class's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Stay silent."""


@contextmanager
def serve(answer: Callable[[Seen], Answer] = lambda _seen: Answer(value={})) -> Iterator[Recorder]:
    """Serve on a free port; the recorder's ``url`` has no slash at its end."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.recorder = Recorder(answer)
    server.recorder.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.recorder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
