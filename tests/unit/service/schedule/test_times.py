# SPDX-License-Identifier: Apache-2.0
"""When schedules are due."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.service.config.model import Schedule
from runner.service.schedule.times import delay_of, next_time

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("cron", "zone", "after", "due"),
    [
        ("0 2 * * *", "UTC", "2026-11-25 01:59:59", "2026-11-25 02:00:00"),
        ("0 2 * * *", "UTC", "2026-11-25 02:00:00", "2026-11-26 02:00:00"),
        ("30 4 * * 1", "UTC", "2026-11-25 00:00:00", "2026-11-30 04:30:00"),
        ("0 4 * * *", BERLIN, "2026-11-25 00:00:00", "2026-11-25 04:00:00"),
    ],
)
def test_the_next_time(cron: str, zone: str, after: str, due: str) -> None:
    assert next_time(Schedule(cron=cron, timezone=zone), "images", at(after, zone)) == at(due, zone)


def test_nightly_is_at_two() -> None:
    due = next_time(Schedule(nightly=True), "images", at("2026-11-25 12:00:00"))
    assert due == at("2026-11-26 02:00:00")


def test_a_day_of_another_length_has_its_run() -> None:
    schedule = Schedule(cron="30 2 * * *", timezone=BERLIN)
    spring, autumn = at("2027-03-27 12:00:00", BERLIN), at("2026-10-24 12:00:00", BERLIN)
    assert at("2027-03-28 00:00:00", BERLIN) < next_time(schedule, "x", spring) < at("2027-03-28 05:00:00", BERLIN)
    first = next_time(schedule, "x", autumn)
    assert at("2026-10-25 00:00:00", BERLIN) < first < at("2026-10-25 05:00:00", BERLIN)
    assert next_time(schedule, "x", first) - first > 20 * 3600


def test_the_share_of_the_jitter_is_a_repositorys_own() -> None:
    schedule = Schedule(cron="0 2 * * *", jitter=3600)
    delays = {delay_of(schedule, f"r{number}") for number in range(50)}
    assert len(delays) == 50
    assert all(0 <= delay < 3600 for delay in delays)
    assert delay_of(schedule, "r1") == delay_of(schedule, "r1")
    assert delay_of(Schedule(cron="0 2 * * *"), "r1") == 0


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    jitter=st.integers(0, 7200),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001  # UTC is added below
)
def test_runs_follow_each_other_by_a_day(minute: int, hour: int, jitter: int, start: datetime) -> None:
    schedule = Schedule(cron=f"{minute} {hour} * * *", jitter=jitter)
    now = start.replace(tzinfo=UTC).timestamp()
    first = next_time(schedule, "images", now)
    assert now < first <= now + 86400
    assert next_time(schedule, "images", first) == pytest.approx(first + 86400)
