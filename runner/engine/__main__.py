# SPDX-License-Identifier: Apache-2.0
"""The engine's process: a job on standard input, events as JSON lines on standard output."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback

from runner.engine.build import build
from runner.engine.job import LogLine, decode_job, failed, internal_error
from runner.engine.speaker import Speaker
from runner.errors import BuildError, HostError, PackhouseError

_FREE_SPACE = "free some space, or choose other places with --store and --target-dir"


def main() -> int:
    """Do one job. The exit code is 0 when it finished and 1 when it failed; the events say more."""
    speak = Speaker()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.umask(0o022)  # the caller's must not decide the modes in an image
    job = decode_job(sys.stdin.buffer.read())
    speak.end_with_listener()
    try:
        finished = build(job, speak)
    except PackhouseError as error:
        speak(failed(_disk_full(error) or error))
        return 1
    except OSError as error:
        speak(failed(_host_error(error)))
        return 1
    except Exception as error:  # noqa: BLE001  # the last door of this process: a bug is told, not thrown
        for line in traceback.format_exc().splitlines():
            speak(LogLine(line))
        speak(internal_error(error))
        return 1
    speak(finished)
    return 0


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
