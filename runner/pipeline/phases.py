# SPDX-License-Identifier: Apache-2.0
"""Telling the reporter when a phase begins and ends."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.pipeline.request import Reporter


@dataclass(slots=True)
class Detail:
    """What a phase found, to be shown when it ends."""

    text: str = ""
    cached: bool = False


@contextlib.contextmanager
def phase(reporter: Reporter, name: str) -> Iterator[Detail]:
    """Report the block as phase ``name``; a block that raises is not reported as finished."""
    reporter.started(name)
    start = time.monotonic()
    detail = Detail()
    yield detail
    reporter.finished(name, round(time.monotonic() - start, 3), cached=detail.cached, detail=detail.text)
