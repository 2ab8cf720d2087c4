# SPDX-License-Identifier: Apache-2.0
"""``/metrics``: what this process counted, and what the database says at the moment it is asked."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import sqlalchemy as sa
from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from runner.service.database.tables import OUTBOX
from runner.service.jobs.history import counts, ended_since, newest_builds, release_numbers
from runner.service.jobs.model import OPEN
from runner.service.jobs.phases import phases_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from runner.service.jobs.model import Job
    from runner.service.serve import Runner

_LATE_SECONDS = 60.0
"""A job may be written down as ended so long after the time that it says it ended at."""


class Harvest:
    """Counts each job once when it has ended, by looking for new ones whenever the metrics are asked for."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._lock = threading.Lock()
        self._until = self._began = time.time()
        self._seen: dict[int, float] = {}

    def gather(self) -> None:
        """Count what ended since the last time."""
        with self._lock:
            since, self._until = max(self._began, self._until - _LATE_SECONDS), time.time()
            for job in ended_since(self._runner.engine, since):
                if job.number not in self._seen:
                    self._count(job)
                self._seen[job.number] = job.ended_at or 0.0
            oldest = self._until - 2 * _LATE_SECONDS
            self._seen = {number: at for number, at in self._seen.items() if at > oldest}

    def _count(self, job: Job) -> None:
        meters, image = self._runner.meters, job.request.image
        result = "unchanged" if job.result and job.result.unchanged else job.state
        meters.builds.labels(result, job.request.trigger).inc()
        if job.started_at is not None:
            meters.waits.observe(max(0.0, job.started_at - job.created_at))
        for phase in phases_of(self._runner.engine, job.id, job.attempt):
            if phase.ended_at is not None:
                seconds = phase.ended_at - phase.started_at
                meters.durations.labels(str(image), image.arch, phase.name, result).observe(seconds)


class State(Collector):
    """The gauges, read from the database."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def describe(self) -> list[Metric]:
        """Say nothing beforehand: the database need not be there when this is set up."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all gauges."""
        yield from self._queue()
        yield from self._workers()
        yield from self._builds()

    def _queue(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("packhouse_queue_depth", "Jobs that have not ended.", labels=["state"])
        found = counts(self._runner.engine, OPEN)
        for state in OPEN:
            depth.add_metric([state], found.get(state, 0))
        yield depth
        with self._runner.engine.connect() as connection:
            waiting = connection.execute(sa.select(sa.func.count()).select_from(OUTBOX)).scalar_one()
        yield GaugeMetricFamily("packhouse_outbox_pending", "Messages that wait to be sent.", value=waiting)

    def _workers(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("packhouse_worker_up", "Whether a worker was heard of lately.", labels=["worker"])
        capacity = GaugeMetricFamily(
            "packhouse_worker_capacity", "Builds at once of the live workers with a label.", labels=["label"]
        )
        live = {worker.id for worker in self._runner.workers.live()}
        builds: dict[str, int] = {}
        for worker in self._runner.workers.all():
            up.add_metric([worker.id], float(worker.id in live))
            for label in worker.labels if worker.id in live and not worker.draining else ():
                builds[label] = builds.get(label, 0) + worker.builds
        for label, sum_of in sorted(builds.items()):
            capacity.add_metric([label], sum_of)
        yield up
        yield capacity

    def _builds(self) -> Iterator[Metric]:
        size = GaugeMetricFamily(
            "packhouse_artifact_bytes", "All files of an image's newest build.", labels=["image", "arch"]
        )
        version = GaugeMetricFamily(
            "packhouse_channel_version", "Number of the newest release.", labels=["image", "channel"]
        )
        for job in newest_builds(self._runner.engine):
            if job.result is None:
                continue
            image = job.request.image
            size.add_metric([str(image), image.arch], sum(item.size for item in job.result.artifacts))
        for (name, channel), number in release_numbers(self._runner.engine).items():
            version.add_metric([name, channel], number)
        yield size
        yield version


class Exposition:
    """Everything that this process tells Prometheus."""

    def __init__(self, runner: Runner) -> None:
        self._harvest, self._counted = Harvest(runner), runner.meters.registry
        self._state = CollectorRegistry()
        self._state.register(State(runner))

    def text(self) -> bytes:
        """Return all metrics as they are now."""
        self._harvest.gather()
        return generate_latest(self._counted) + generate_latest(self._state)


@get("/metrics", sync_to_thread=True, include_in_schema=False)
def metrics(exposition: NamedDependency[Exposition]) -> Response[bytes]:
    """Give all metrics in Prometheus' text format."""
    return Response(exposition.text(), media_type=CONTENT_TYPE_LATEST)
