# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy on loopback that cuts connections after some bytes of the answer, or swallows them."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator


class CuttingProxy:
    """Forwards to ``endpoint``; connection n is cut after ``budgets[n]`` bytes of answers (None: never)."""

    def __init__(self, endpoint: str, budgets: Iterator[int | None]) -> None:
        parts = urlsplit(endpoint)
        self._target = (parts.hostname or "", parts.port or 80)
        self._budgets = budgets
        self._server = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.connections = 0
        self.cuts = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client, next(self._budgets, None)), daemon=True).start()

    def _serve(self, client: socket.socket, budget: int | None) -> None:
        with _ending(client), _ending(socket.create_connection(self._target)) as upstream:
            threading.Thread(target=_forward, args=(client, upstream), daemon=True).start()
            left = budget
            with suppress(OSError):
                while data := upstream.recv(65536):
                    client.sendall(data[:left])
                    if left is not None:
                        left -= len(data)
                        if left <= 0:
                            self.cuts += 1
                            return


@contextmanager
def _ending(connection: socket.socket) -> Iterator[socket.socket]:
    """End the connection even while another thread reads from it: closing alone would wait for that."""
    with connection:
        try:
            yield connection
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
