# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy on loopback to a real HTTP server that swallows requests of one kind and never answers them."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator


class StallingProxy:
    """Forwards to ``endpoint`` until a client sends ``word``, such as ``PUT ``: from there on it hears nothing."""

    def __init__(self, endpoint: str, word: str) -> None:
        parts = urlsplit(endpoint)
        self._target = (parts.hostname or "", parts.port or 80)
        self._word = word.encode()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.endpoint = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.stalled = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End every connection."""
        self._server.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                upstream = socket.create_connection(self._target)
                self._open += [client, upstream]
                threading.Thread(target=self._ask, args=(client, upstream), daemon=True).start()
                threading.Thread(target=_answer, args=(upstream, client), daemon=True).start()

    def _ask(self, client: socket.socket, upstream: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self._word in data:
                    self.stalled.set()
                    return
                upstream.sendall(data)
            upstream.shutdown(socket.SHUT_WR)


def _answer(upstream: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while data := upstream.recv(65536):
            client.sendall(data)
        client.shutdown(socket.SHUT_WR)


@contextmanager
def stalling(endpoint: str, word: str) -> Iterator[StallingProxy]:
    """Stand before ``endpoint`` while the block runs."""
    proxy = StallingProxy(endpoint, word)
    try:
        yield proxy
    finally:
        proxy.close()
