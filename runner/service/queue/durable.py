# SPDX-License-Identifier: Apache-2.0
"""The queue on DBOS: durable execution in SQLite on one machine or PostgreSQL across many.

DBOS is one object a process; this module alone speaks to it. A workflow's id is its job's.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dbos import DBOS, DBOSClient, DBOSConfig

from runner.service.queue.api import queue_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from runner.service.queue.api import Durable

_APPLICATION = "packhouse"
_WORKFLOW = "job"
_STEPS = 2
"""Version of the order of steps in a job; grows with each change of it.

Workers of another version leave a job of this one alone: its recorded steps are not those they would take. What is
left of an older version is begun anew (:mod:`runner.service.queue.upkeep`).
"""

_POLL_SECONDS = 0.5
_WAITING, _HELD = "ENQUEUED", "PENDING"
_ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


def queue_database(url: str, state: Path) -> str:
    """Return where the queue keeps its tables: beside ours, in SQLite in a file of its own."""
    return f"sqlite:///{state / 'queue.db'}" if url.startswith("sqlite:") else url


def make_tables(url: str) -> None:
    """Make the queue's tables in the database at ``url`` where they are missing."""
    DBOS.migrate(url)


class DbosQueue:
    """See :class:`runner.service.queue.api.Queue`."""

    def __init__(self, url: str) -> None:
        self._client = DBOSClient(system_database_url=url, application_name=_APPLICATION)

    def close(self) -> None:
        """Give the connections back."""
        self._client.destroy()

    def submit(self, job_id: str, *, labels: Sequence[str], priority: int) -> None:
        self._client.enqueue(
            {
                "workflow_name": _WORKFLOW,
                "queue_name": queue_name(labels),
                "workflow_id": job_id,
                "app_version": str(_STEPS),
                "priority": priority,
            },
            job_id,
        )

    def cancel(self, job_id: str) -> None:
        self._client.cancel_workflow(job_id)

    def resume(self, job_id: str, *, labels: Sequence[str]) -> None:
        self._client.resume_workflow(job_id, queue_name=queue_name(labels))

    def outdated(self, job_ids: Sequence[str]) -> set[str]:
        if not job_ids:
            return set()
        found = self._client.list_workflows(
            workflow_ids=list(job_ids),
            status=_WAITING,
            app_version=[str(version) for version in range(1, _STEPS)],
            load_input=False,
            load_output=False,
        )
        return {workflow.workflow_id for workflow in found}

    def renew(self, job_id: str, *, labels: Sequence[str], priority: int) -> None:
        self._client.delete_workflow(job_id)
        self.submit(job_id, labels=labels, priority=priority)

    def known(self, job_ids: Sequence[str]) -> set[str]:
        if not job_ids:
            return set()
        found = self._client.list_workflows(workflow_ids=list(job_ids), load_input=False, load_output=False)
        return {workflow.workflow_id for workflow in found}

    def ended(self, job_ids: Sequence[str]) -> set[str]:
        if not job_ids:
            return set()
        found = self._client.list_workflows(
            workflow_ids=list(job_ids), status=list(_ENDED), load_input=False, load_output=False
        )
        return {workflow.workflow_id for workflow in found}

    def forget(self, before: float, *, most: int) -> int:
        found = self._client.list_workflows(
            status=list(_ENDED),
            completed_before=datetime.fromtimestamp(before, UTC).isoformat(),
            limit=most,
            load_input=False,
            load_output=False,
        )
        if found:
            self._client.delete_workflows([workflow.workflow_id for workflow in found])
        return len(found)

    def held(self) -> dict[str, str]:
        found = self._client.list_workflows(status=_HELD, load_input=False, load_output=False)
        return {workflow.workflow_id: workflow.executor_id or "" for workflow in found}


class _DbosSteps:
    """See :class:`runner.service.queue.api.Durable`."""

    def step(self, name: str, do: Callable[[], str]) -> str:
        return DBOS.run_step({"name": name}, do)


class Listening:
    """The queues that this process takes jobs from."""

    def __init__(self, dbos: DBOS) -> None:
        self._dbos = dbos
        self._known: dict[str, int] = {}

    def listen(self, queues: Sequence[str], at_once: int) -> None:
        """Take jobs from ``queues`` too from now on, ``at_once`` of each: a bound that all workers have in common.

        DBOS itself names the queues of a process once and for all, yet looks at the names again every second.
        """
        for name in queues:
            if self._known.get(name) != at_once:
                DBOS.register_queue(
                    name,
                    worker_concurrency=at_once,
                    polling_interval_sec=_POLL_SECONDS,
                    on_conflict="always_update",
                )
                self._known[name] = at_once
        self._dbos._listening_queues = list(self._known)  # noqa: SLF001  # see above


@contextlib.contextmanager
def working(
    url: str, *, worker: str, run: Callable[[str, Durable], None], patience: Callable[[], int]
) -> Iterator[Listening]:
    """Take jobs from the queues that are listened to, and ``run`` them as long as the block lasts.

    Jobs that this worker had when it died are taken up again. At the end no new job is taken, and running ones
    have ``patience`` seconds to end; what is not done then is resumed later.
    """
    config = DBOSConfig(
        name=_APPLICATION,
        system_database_url=url,
        application_version=str(_STEPS),
        executor_id=worker,
        log_level="WARNING",
        run_migrations=False,
    )
    dbos = DBOS(config=config)

    @DBOS.workflow(name=_WORKFLOW)
    def job(job_id: str) -> None:
        run(job_id, _DbosSteps())

    DBOS.listen_queues([])
    DBOS.launch()
    try:
        yield Listening(dbos)
    finally:
        DBOS.destroy(workflow_completion_timeout_sec=patience(), destroy_registry=True)
