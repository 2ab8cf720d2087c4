# SPDX-License-Identifier: Apache-2.0
"""The queue on the real DBOS: what it knows, what it gave out, what is over."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import pytest

from runner.service.database.connect import database_url
from runner.service.queue.durable import DbosQueue, make_tables, queue_database, working
from runner.service.queue.slots import Slots
from tests.support.bench import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.service.queue.api import Durable

LABELS = ("x86_64",)


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = queue_database(database_url("", tmp_path), tmp_path)
    make_tables(made)
    return made


@pytest.fixture
def queue(url: str) -> Iterator[DbosQueue]:
    with contextlib.closing(DbosQueue(url)) as opened:
        yield opened


def test_what_the_queue_is_done_with(url: str, queue: DbosQueue) -> None:
    go, begun = threading.Event(), threading.Event()

    def run(job_id: str, durable: Durable) -> None:
        if job_id == "breaks":
            raise ValueError(job_id)
        begun.set()
        go.wait(30)
        assert durable.step("one", lambda: "said") == "said"

    jobs = ["cancelled", "ends", "breaks", "waits", "never asked for"]
    queue.submit("cancelled", labels=LABELS, priority=1)
    queue.cancel("cancelled")
    assert queue.ended(jobs) == {"cancelled"}
    for job in ("ends", "breaks"):
        queue.submit(job, labels=LABELS, priority=1)
    queue.submit("waits", labels=("elsewhere",), priority=1)
    with working(url, worker="w", run=run, patience=lambda: 10) as listening:
        assert queue.held() == {}
        listening.listen(["x86_64"], 2)
        wait_until(lambda: begun.is_set() and queue.ended(jobs) == {"cancelled", "breaks"}, seconds=20)
        assert queue.held() == {"ends": "w"}
        go.set()
        wait_until(lambda: queue.ended(jobs) == {"cancelled", "breaks", "ends"}, seconds=20)
    assert queue.held() == {}
    assert queue.known(jobs) == {"cancelled", "ends", "breaks", "waits"}
    assert queue.ended([]) == queue.known([]) == set()


def test_the_most_urgent_one_gets_the_slot() -> None:
    slots, served = Slots(1), list[int]()

    def work(number: int) -> None:
        with slots.taken((number, 0), seconds=20, give_up=lambda: False) as has_one:
            assert has_one
            served.append(number)

    with slots.taken((0, 0), seconds=0, give_up=lambda: False) as first:
        assert first
        with slots.taken((9, 0), seconds=0.1, give_up=lambda: False) as none:
            assert not none
        threads = [threading.Thread(target=work, args=(number,)) for number in (3, 1, 2)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(slots.waiting) == len(threads), seconds=5)
    for thread in threads:
        thread.join()
    assert served == [1, 2, 3]
