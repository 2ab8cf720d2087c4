# SPDX-License-Identifier: Apache-2.0
"""The process of a step: an order on standard input, events as JSON lines on standard output."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING

from runner.engine.job import LogLine, Phase, Started, Warned, failed, internal_error
from runner.engine.speaker import Speaker
from runner.errors import INTERRUPTED, PackhouseError
from runner.pipeline.machine import machine_of, redactor_of
from runner.service.steps.order import BuildOrder, LockOrder, ProposeOrder, PublishOrder, ScanOrder, decode_order
from runner.service.steps.perform import PASSPHRASE, perform

if TYPE_CHECKING:
    from runner.packages.fetch import Progress
    from runner.service.steps.order import Order


class _Reporter:
    """Makes events of what the pipeline reports."""

    def __init__(self, speak: Speaker) -> None:
        self._speak = speak

    def started(self, phase: str) -> None:
        self._speak(Started(phase))

    def finished(self, phase: str, seconds: float, *, cached: bool = False, detail: str = "") -> None:
        if detail:
            self._speak(LogLine(f"{phase}: {detail}"))
        self._speak(Phase(name=phase, seconds=seconds, cached=cached))

    def fetched(self, progress: Progress) -> None:
        """Too often for a log."""

    def line(self, text: str) -> None:
        self._speak(LogLine(text))

    def warning(self, text: str) -> None:
        self._speak(Warned(text))


def main() -> int:
    """Do one step. The exit code is 0 when it is done; the events say more."""
    speak = Speaker()
    signal.signal(signal.SIGTERM, _interrupt)
    order = decode_order(sys.stdin.buffer.read())
    speak.end_with_listener()
    try:
        _perform(order, speak)
    except PackhouseError as error:
        speak(failed(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last door of this process: a bug is told, not thrown
        for line in traceback.format_exc().splitlines():
            speak(LogLine(line))
        speak(internal_error(error))
        return 1
    return 0


def _perform(order: Order, speak: Speaker) -> None:
    redact = redactor_of(os.environ, _url(order), os.environ.get(PASSPHRASE))
    seconds = order.seconds if isinstance(order, (LockOrder, BuildOrder, ProposeOrder)) else None
    speak(perform(order, machine_of(os.environ, _Reporter(speak), redact, timeout=seconds)))


def _url(order: Order) -> str:
    if isinstance(order, PublishOrder):
        return ""
    return order.settings.url if isinstance(order, ScanOrder) else order.url


def _interrupt(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not cut the cleaning up short
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
