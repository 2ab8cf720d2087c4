# SPDX-License-Identifier: Apache-2.0
"""A courier in a process of its own, that a test can kill while it sends."""

from __future__ import annotations

import multiprocessing
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.service.database.connect import open_database
from runner.service.jobs.store import JobStore
from runner.service.outbox.courier import Courier
from runner.service.outbox.http import HttpSender
from runner.service.outbox.store import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.config.model import ServiceConfig

_PROCESSES = multiprocessing.get_context("forkserver")  # a thread of ours may hold anything at a fork
_PROCESSES.set_forkserver_preload([__name__])


def run(database: str, config: ServiceConfig, secrets: dict[str, str]) -> None:
    """Send until killed."""
    engine = open_database(database)
    with HttpSender() as sender:
        courier = Courier(
            Outbox(engine), config=lambda: config, secret=secrets.__getitem__, sender=sender, jobs=JobStore(engine)
        )
        courier.run(threading.Event())


@contextmanager
def running(database: str, config: ServiceConfig, secrets: dict[str, str]) -> Iterator[None]:
    """Have a courier send for as long as the block lasts; then it is killed, with whatever it has in hand."""
    child = _PROCESSES.Process(target=run, args=(database, config, secrets), daemon=True)
    child.start()
    try:
        yield
    finally:
        child.kill()
        child.join()
