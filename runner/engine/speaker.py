# SPDX-License-Identifier: Apache-2.0
"""How a process of its own tells of its work: events as JSON lines on what was its standard output."""

from __future__ import annotations

import os
import select
import sys
import threading

import msgspec


class Speaker:
    """Writes events, whole lines at a time, from any thread."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._lock = threading.Lock()
        # Whatever else writes to standard output must not break the stream of events.
        self._stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def end_with_listener(self) -> None:
        """End this process, and with it all of its namespace, when nobody is left to hear it.

        A killed command can tell us nothing; and a death signal does not survive entering a user namespace.
        """
        threading.Thread(target=self._watch, name="listener", daemon=True).start()

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._stream.fileno(), 0)  # an error is always reported: the other end is closed
        poll.poll()
        os._exit(1)

    def __call__(self, event: msgspec.Struct) -> None:
        with self._lock:
            self._stream.write(self._encode(event) + b"\n")
            self._stream.flush()
