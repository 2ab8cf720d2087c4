# SPDX-License-Identifier: Apache-2.0
"""The one door for logs: structlog, a build id on every line, people on a console, machines in JSON lines.

Standard output belongs to results; logs go to standard error and, inside a build, to the build's log file.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import IO, TYPE_CHECKING, Any

# structlog draws tracebacks with rich where it finds it. We draw none, and loading rich takes a fifth of the time
# of a build with nothing to do, so structlog is told that there is no rich.
_HIDE_RICH = not {"rich", "structlog"} & sys.modules.keys()
if _HIDE_RICH:
    sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402

if _HIDE_RICH:
    del sys.modules["rich"]

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    from runner.redact import Redactor

Event = structlog.typing.EventDict


class _RedactValues:
    """Masks secrets in every string of an event, also inside lists and maps."""

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> Event:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redact(value)
        if isinstance(value, dict):
            return {key: self._clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._clean(item) for item in value]
        return value


def configure(*, level: int = logging.INFO, json: bool = False, redact: Redactor) -> None:
    """Set the process up to log to standard error.

    ``level`` is one of :mod:`logging`'s numbers. With ``json`` each line is one JSON object.
    """
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(sort_keys=True)
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _RedactValues(redact),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def bind_build(build_id: str) -> None:
    """Put ``build_id`` on every line logged from here on in this context."""
    structlog.contextvars.bind_contextvars(build_id=build_id)


class BuildLog:
    """The full log of one build as a file: every line of every tool, redacted, in order, the build id before it.

    Callable, so that it serves as the line sink of :func:`runner.process.run`.
    """

    def __init__(self, path: Path, redact: Redactor, *, build_id: str) -> None:
        self._build_id = build_id
        self._stream: IO[str] = path.open("a", encoding="utf-8", errors="backslashreplace")
        self._redact = redact
        self._lock = threading.Lock()

    def __call__(self, line: str, /) -> None:
        with self._lock:
            self._stream.write(f"{self._build_id} {self._redact(line)}\n")

    def phase(self, name: str) -> None:
        """Mark the start of a phase."""
        self(f"--- {name}")

    def close(self) -> None:
        with self._lock:
            self._stream.close()
