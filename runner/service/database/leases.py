# SPDX-License-Identifier: Apache-2.0
"""Let one of many processes do a piece of work: whoever holds the lease, until given back or silent for long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from runner.service.database.tables import LEASES

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Leases:
    """The leases of one process, ``holder``. Clocks of machines may differ by less than the length of a lease."""

    def __init__(self, engine: Engine, holder: str) -> None:
        self._engine, self._holder = engine, holder

    def take(self, name: str, seconds: float) -> bool:
        """Take or prolong the lease ``name`` for ``seconds``; False while somebody else has it."""
        now = time.time()
        values = {"holder": self._holder, "until": now + seconds}
        mine_or_over = sa.or_(LEASES.c.holder == self._holder, LEASES.c.until < now)
        try:
            with self._engine.begin() as connection:
                taken = connection.execute(
                    sa.update(LEASES).where(LEASES.c.name == name, mine_or_over).values(**values)
                )
                if taken.rowcount:
                    return True
                if connection.execute(sa.select(LEASES.c.name).where(LEASES.c.name == name)).first():
                    return False
                connection.execute(sa.insert(LEASES).values(name=name, **values))
        except sa.exc.IntegrityError:
            return False  # somebody else was as quick
        return True

    def give_back(self, name: str) -> None:
        """Let others have the lease ``name`` at once."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(LEASES).where(LEASES.c.name == name, LEASES.c.holder == self._holder))
