# SPDX-License-Identifier: Apache-2.0
"""Jobs that have come to any state, without building anything."""

from __future__ import annotations

from typing import Any

import msgspec

from runner.service.jobs.model import ImageKey, Job, JobError, JobRequest, JobResult, State

IMAGE = ImageKey(repository="images", subdir="server", profiles=("a", "b"), type_name="oem", arch="x86_64")
REQUEST = JobRequest(image=IMAGE, ref="refs/heads/main", commit="c" * 40, trigger="push", channel="edge")
FAILURE = JobError(kind="build", what="config.sh ended with exit code 1", why="no such command", hint="mend it")
RELEASE = JobResult(name="server", version="1.2.3", manifest="d" * 64, channel="edge", number=17)


def job_in(state: State, **changes: Any) -> Job:
    """Job 12 in ``state``, with what belongs to it."""
    made = Job(
        id="0123456789abcdef", number=12, request=REQUEST, priority=200, labels=(), state=state, created_at=1e9
    )
    belongs: dict[State, dict[str, Any]] = {
        "queued": {},
        "running": {"attempt": 1},
        "done": {"attempt": 1, "result": RELEASE, "ended_at": 1e9},
        "failed": {"attempt": 1, "error": FAILURE, "ended_at": 1e9},
        "cancelled": {"cancel": "superseded by job 13", "ended_at": 1e9},
    }
    return msgspec.structs.replace(made, **{**belongs[state], **changes})
