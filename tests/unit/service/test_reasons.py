# SPDX-License-Identifier: Apache-2.0
"""Why a job waits."""

from __future__ import annotations

import msgspec

from runner.service.jobs.model import Job
from runner.service.queue.reasons import waiting_reason
from runner.service.queue.workers import WorkerRecord
from tests.support.site import request

JOB = Job(
    id="j", number=5, request=request(), priority=200, labels=("kvm", "x86_64"), state="queued", created_at=1e9
)
ABLE = WorkerRecord(id="w1", host="h", labels=("kvm", "x86_64"), builds=1, started_at=0, seen_at=0)
OTHER = msgspec.structs.replace(ABLE, id="w2", labels=("aarch64",))


def other(number: int, **changes: object) -> Job:
    return msgspec.structs.replace(JOB, id=str(number), number=number, **changes)


def test_nobody_can() -> None:
    assert waiting_reason(JOB, [], []) == "no live worker has the labels kvm, x86_64"
    assert waiting_reason(msgspec.structs.replace(JOB, labels=("kvm",)), [OTHER], []) == (
        "no live worker has the label kvm"
    )


def test_all_who_can_are_draining() -> None:
    draining = msgspec.structs.replace(ABLE, draining=True)
    assert waiting_reason(JOB, [draining, OTHER], []) == "every worker with the labels kvm, x86_64 is draining"


def test_they_are_busy() -> None:
    running = other(3, state="running", worker="w1")
    assert waiting_reason(JOB, [ABLE], [running, JOB]) == "the only build is busy"
    wide = msgspec.structs.replace(ABLE, builds=2)
    assert (
        waiting_reason(JOB, [wide], [running, other(4, state="running", worker="w1")]) == "all 2 builds are busy"
    )
    assert waiting_reason(JOB, [wide], [running, JOB]) == "about to begin"


def test_others_come_first() -> None:
    before = [other(4), other(9, priority=100), JOB]
    after = [other(6), other(3, priority=300), other(2, labels=("aarch64",)), other(1, state="running")]
    assert waiting_reason(JOB, [ABLE], before + after) == "2 jobs before it"
    assert waiting_reason(JOB, [ABLE], [other(4), JOB]) == "1 job before it"


def test_it_is_wanted_no_more() -> None:
    assert waiting_reason(msgspec.structs.replace(JOB, cancel="by hand"), [ABLE], []) == "is being cancelled"
