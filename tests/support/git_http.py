# SPDX-License-Identifier: Apache-2.0
"""Serve git repositories over smart HTTP with git's own http-backend behind a small bridge."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    root: Path
    login: tuple[str, str] | None
    protocol_v2: bool
    delay: float


class _Bridge(BaseHTTPRequestHandler):
    """One CGI call a request; HTTP/1.0, so that the end of the connection ends the body."""

    server: _Server

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Stay silent."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        time.sleep(self.server.delay)
        if not self._is_allowed():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=self._environment(body), stdout=subprocess.PIPE, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.partition(": ") for line in head.decode().split("\r\n") if line]
        status = next((value for name, _, value in headers if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, _, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _is_allowed(self) -> bool:
        if self.server.login is None:
            return True
        expected = base64.b64encode(":".join(self.server.login).encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def _environment(self, body: bytes) -> dict[str, str]:
        url = urlsplit(self.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote(url.path),
            "QUERY_STRING": url.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": "127.0.0.1",
            # http-backend lets those push who are somebody
            **({"REMOTE_USER": self.server.login[0]} if self.server.login else {}),
        }
        if self.server.protocol_v2 and "Git-Protocol" in self.headers:
            environment["GIT_PROTOCOL"] = self.headers["Git-Protocol"]
        return environment


@contextmanager
def serve_git(
    root: Path, *, login: tuple[str, str] | None = None, protocol_v2: bool = True, delay: float = 0.0
) -> Iterator[str]:
    """Serve every repository below ``root``; yields the base URL without a slash at its end.

    ``login`` is a user name and password asked for on each request; who has them may push.
    Without ``protocol_v2`` the server behaves like an old one, which gives no object by id that it does not
    advertise. Each request waits for ``delay`` seconds, as if the server were far away.
    """
    server = _Server(("127.0.0.1", 0), _Bridge)
    server.root, server.login, server.protocol_v2, server.delay = root, login, protocol_v2, delay
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
