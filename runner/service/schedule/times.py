# SPDX-License-Identifier: Apache-2.0
"""When a schedule is due: crontab(5) in a time zone, and a share of the jitter that is a repository's own."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from croniter import croniter

if TYPE_CHECKING:
    from runner.service.config.model import Schedule

_NIGHTLY = "0 2 * * *"


def cron_of(schedule: Schedule) -> str:
    """Return the fields of ``schedule``."""
    return schedule.cron or _NIGHTLY


def next_time(schedule: Schedule, repository: str, after: float) -> float:
    """Return when ``schedule`` is due next after ``after``, both in seconds since 1970.

    Times are those of a clock on the wall: what lies in an hour that a change of clocks skips runs an hour later,
    in one that it repeats once. The jitter is a part of the time, so runs keep their distance from each other.
    """
    late, zone = delay_of(schedule, repository), ZoneInfo(schedule.timezone)
    wall = croniter(cron_of(schedule), datetime.fromtimestamp(after - late, zone).replace(tzinfo=None))
    while True:
        due: datetime = wall.get_next(datetime)
        at = due.replace(tzinfo=zone).timestamp() + late
        if at > after:
            return at


def delay_of(schedule: Schedule, repository: str) -> float:
    """Return by how much the runs of ``repository`` come later than the fields say, in seconds."""
    if not schedule.jitter:
        return 0.0
    mark = hashlib.sha256(f"{repository}\0{schedule.name}".encode()).digest()
    return float(schedule.jitter) * int.from_bytes(mark[:4], "big") / 2**32
