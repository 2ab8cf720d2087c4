# SPDX-License-Identifier: Apache-2.0
"""What one process counts while it works, for Prometheus. What the database knows is not counted a second time."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

_POLL_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_WAIT_BUCKETS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
_PHASE_BUCKETS = (0.5, 1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600)


class Meters:
    """One set of counters a process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.builds = Counter(
            "packhouse_builds_total",
            "Jobs that ended since this process began.",
            ["result", "trigger"],
            registry=registry,
        )
        self.durations = Histogram(
            "packhouse_build_duration_seconds",
            "Phases of jobs that ended since this process began.",
            ["image", "arch", "phase", "result"],
            buckets=_PHASE_BUCKETS,
            registry=registry,
        )
        self.waits = Histogram(
            "packhouse_queue_wait_seconds",
            "Time from asking for a job to its beginning.",
            buckets=_WAIT_BUCKETS,
            registry=registry,
        )
        self.webhooks = Counter(
            "packhouse_webhook_total", "Calls of forges.", ["forge", "verdict"], registry=registry
        )
        self._polls = Histogram(
            "packhouse_git_poll_seconds", "Looks at repositories.", buckets=_POLL_BUCKETS, registry=registry
        )
        self._poll_errors = Counter(
            "packhouse_git_poll_errors_total", "Looks that failed.", ["host"], registry=registry
        )

    def polled(self, host: str, seconds: float, *, failed: bool) -> None:
        """Count a look at a repository of ``host``."""
        self._polls.observe(seconds)
        if failed:
            self._poll_errors.labels(host).inc()
