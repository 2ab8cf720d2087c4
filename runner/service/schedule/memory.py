# SPDX-License-Identifier: Apache-2.0
"""When each schedule ran and will run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from runner.service.database.tables import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Engine


class ScheduleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule of a repository; ``cron`` is the text that ``due_at`` was reckoned from."""

    repository: str
    name: str
    cron: str
    due_at: float
    ran_at: float | None = None
    note: str = ""


_COLUMNS = [SCHEDULES.c[name] for name in ScheduleRecord.__struct_fields__]
_ONE = (SCHEDULES.c.repository == sa.bindparam("of"), SCHEDULES.c.name == sa.bindparam("called"))


class ScheduleMemory:
    """The table of schedules. There may be one for each of very many repositories."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> tuple[ScheduleRecord, ...]:
        """Return all schedules, the next one first."""
        return self._found(sa.select(*_COLUMNS).order_by(SCHEDULES.c.due_at))

    def due(self, now: float) -> tuple[ScheduleRecord, ...]:
        """Return the schedules that are to run at ``now``, those that wait longest first."""
        return self._found(sa.select(*_COLUMNS).where(SCHEDULES.c.due_at <= now).order_by(SCHEDULES.c.due_at))

    def page(self, limit: int, *, skip: int = 0, search: str = "") -> tuple[ScheduleRecord, ...]:
        """Return ``limit`` schedules without the first ``skip``, the next one first.

        ``search`` is a part of the names of their repositories.
        """
        query = sa.select(*_COLUMNS).order_by(SCHEDULES.c.due_at, SCHEDULES.c.repository, SCHEDULES.c.name)
        if search:
            query = query.where(SCHEDULES.c.repository.icontains(search, autoescape=True))
        return self._found(query.limit(limit).offset(skip))

    def of(self, repository: str) -> tuple[ScheduleRecord, ...]:
        """Return the schedules of ``repository``, the next one first."""
        query = sa.select(*_COLUMNS).where(SCHEDULES.c.repository == repository)
        return self._found(query.order_by(SCHEDULES.c.due_at))

    def crons(self) -> dict[tuple[str, str], str]:
        """Return what each schedule, by repository and name, was reckoned from."""
        query = sa.select(SCHEDULES.c.repository, SCHEDULES.c.name, SCHEDULES.c.cron)
        with self._engine.connect() as connection:
            return {(repository, name): cron for repository, name, cron in connection.execute(query)}

    def keep(self, *records: ScheduleRecord) -> None:
        """Write ``records``, each in place of what was known of its schedule."""
        if not records:
            return
        with self._engine.begin() as connection:
            _forget(connection, ((record.repository, record.name) for record in records))
            connection.execute(sa.insert(SCHEDULES), [msgspec.structs.asdict(record) for record in records])

    def forget(self, keys: Collection[tuple[str, str]]) -> None:
        """Forget schedules, pairs of repository and name."""
        if keys:
            with self._engine.begin() as connection:
                _forget(connection, keys)

    def _found(self, query: sa.Select[tuple[object, ...]]) -> tuple[ScheduleRecord, ...]:
        with self._engine.connect() as connection:
            return tuple(ScheduleRecord(**row._asdict()) for row in connection.execute(query))


def _forget(connection: sa.Connection, keys: Iterable[tuple[str, str]]) -> None:
    connection.execute(sa.delete(SCHEDULES).where(*_ONE), [{"of": key[0], "called": key[1]} for key in keys])
