# SPDX-License-Identifier: Apache-2.0
"""Schedules in a database of either kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.service.schedule.memory import ScheduleMemory, ScheduleRecord

if TYPE_CHECKING:
    from sqlalchemy import Engine


def schedule(repository: str, due_at: float, name: str = "nightly", note: str = "") -> ScheduleRecord:
    return ScheduleRecord(repository=repository, name=name, cron="0 2 * * *", due_at=due_at, note=note)


def test_schedules_are_kept_and_found_by_time(engine: Engine) -> None:
    memory = ScheduleMemory(engine)
    memory.keep(*(schedule(f"r{number}", 10.0 * number) for number in range(5)))
    memory.keep(schedule("r1", 35.0, note="2 jobs"), schedule("r1", 5.0, "weekly"))
    assert [(one.repository, one.name) for one in memory.due(30.0)] == [
        ("r0", "nightly"), ("r1", "weekly"), ("r2", "nightly"), ("r3", "nightly")
    ]  # fmt: skip
    assert memory.of("r1") == (schedule("r1", 5.0, "weekly"), schedule("r1", 35.0, note="2 jobs"))
    assert memory.page(2, skip=3) == memory.all()[3:5]
    assert [one.name for one in memory.page(9, search="R1")] == ["weekly", "nightly"]
    assert memory.page(9, search="%") == ()
    assert len(memory.all()) == 6


def test_schedules_are_forgotten_by_key(engine: Engine) -> None:
    memory = ScheduleMemory(engine)
    memory.keep(schedule("a", 1.0), schedule("a", 1.0, "weekly"), schedule("b", 1.0))
    memory.forget({("a", "weekly"), ("c", "nightly")})
    memory.forget(())
    assert memory.crons() == {("a", "nightly"): "0 2 * * *", ("b", "nightly"): "0 2 * * *"}
    memory.keep()
    assert len(memory.all()) == 2
