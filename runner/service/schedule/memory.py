# SPDX-License-Identifier: Apache-2.0
"""When each schedule ran and will run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from runner.service.database.tables import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Engine


class ScheduleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule of a repository; ``cron`` is the text that ``due_at`` was reckoned from."""

    repository: str
    name: str
    cron: str
    due_at: float
    ran_at: float | None = None
    note: str = ""


class ScheduleMemory:
    """The table of schedules."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> tuple[ScheduleRecord, ...]:
        """Return all schedules, the next one first."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(SCHEDULES).order_by(SCHEDULES.c.due_at)).mappings()
            return tuple(ScheduleRecord(**row) for row in rows)

    def keep(self, record: ScheduleRecord) -> None:
        """Write ``record``."""
        values = msgspec.structs.asdict(record)
        at = (SCHEDULES.c.repository == record.repository, SCHEDULES.c.name == record.name)
        with self._engine.begin() as connection:
            if not connection.execute(sa.update(SCHEDULES).where(*at).values(**values)).rowcount:
                connection.execute(sa.insert(SCHEDULES).values(**values))

    def only(self, keys: Collection[tuple[str, str]]) -> None:
        """Forget schedules other than ``keys``, pairs of repository and name."""
        for record in self.all():
            if (record.repository, record.name) not in keys:
                at = (SCHEDULES.c.repository == record.repository, SCHEDULES.c.name == record.name)
                with self._engine.begin() as connection:
                    connection.execute(sa.delete(SCHEDULES).where(*at))
