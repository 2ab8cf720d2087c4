# SPDX-License-Identifier: Apache-2.0
"""The engine's process: a job on standard input, events as JSON lines on standard output."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import threading
import traceback

import msgspec

from runner.engine.build import build
from runner.engine.job import Event, Failed, LogLine, decode_job
from runner.errors import BuildError, HostError, PackhouseError

_FREE_SPACE = "free some space, or choose other places with --store and --target-dir"


class _Speaker:
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

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._stream.write(self._encode(event) + b"\n")
            self._stream.flush()


def main() -> int:
    """Do one job. The exit code is 0 when it finished and 1 when it failed; the events say more."""
    speak = _Speaker()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.umask(0o022)  # the caller's must not decide the modes in an image
    job = decode_job(sys.stdin.buffer.read())
    speak.end_with_listener()
    try:
        finished = build(job, speak)
    except PackhouseError as error:
        speak(_failed(_disk_full(error) or error))
        return 1
    except OSError as error:
        speak(_failed(_host_error(error)))
        return 1
    except Exception as error:  # noqa: BLE001  # the last door of this process: a bug is told, not thrown
        for line in traceback.format_exc().splitlines():
            speak(LogLine(line))
        what = f"internal error: {type(error).__name__}: {error}"
        speak(Failed(error="BuildError", what=what, hint="this is a bug; its traceback is in the log (-v)"))
        return 1
    speak(finished)
    return 0


def _failed(error: PackhouseError) -> Failed:
    return Failed(
        error=type(error).__name__,
        what=error.what,
        where=str(error.where) if error.where else None,
        why=error.why,
        hint=error.hint,
        log_tail=error.log_tail,
    )


def _disk_full(error: PackhouseError) -> HostError | None:
    """A tool that fails for want of disk space is no broken tool."""
    if not isinstance(error, BuildError) or not any(os.strerror(errno.ENOSPC) in line for line in error.log_tail):
        return None
    return HostError("no space is left for the build", why=error.what, hint=_FREE_SPACE, log_tail=error.log_tail)


def _host_error(error: OSError) -> HostError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return HostError(
        "no space is left for the build" if full else "the build cannot use this machine's files",
        where=str(error.filename) if error.filename else None,
        why=error.strerror or str(error),
        hint=_FREE_SPACE if full else None,
    )


if __name__ == "__main__":
    sys.exit(main())
