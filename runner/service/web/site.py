# SPDX-License-Identifier: Apache-2.0
"""What all pages and calls of one process share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.service.web.streams import Streams
from runner.service.webhooks.rate import RateLimiter

if TYPE_CHECKING:
    from runner.service.config.model import ServiceConfig
    from runner.service.serve import Runner


def _wrong_tokens() -> RateLimiter:
    return RateLimiter(rate=0.2, burst=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The runner, and what is counted of those who call.

    Attributes:
        calls: of forges, by source address.
        wrong_tokens: by source address, so that nobody guesses for long.
        streams: live logs that are followed now.
        closing: set when the server is to end; live logs end with it.
    """

    runner: Runner
    calls: RateLimiter = field(default_factory=RateLimiter)
    wrong_tokens: RateLimiter = field(default_factory=_wrong_tokens)
    streams: Streams = field(default_factory=Streams)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def config(self) -> ServiceConfig:
        return self.runner.settings.config
