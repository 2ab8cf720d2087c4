# SPDX-License-Identifier: Apache-2.0
"""Take over the tables of an older version: what they lack, and what new tables say of the jobs that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from runner.service.database.tables import JOBS, NEWEST, RELEASES

if TYPE_CHECKING:
    from collections.abc import Collection

STEPS = ("ALTER TABLE watches ADD COLUMN tags TEXT NOT NULL DEFAULT ''",)
"""What brings the tables of version 1 to 2, and so on; new tables and indexes need no step."""

_AT_ONCE = 1000


class _Asked(msgspec.Struct, frozen=True):
    destination: str = ""


class _Published(msgspec.Struct, frozen=True):
    name: str = ""
    channel: str = ""
    number: int = 0


def fill(connection: sa.Connection, tables: Collection[str]) -> None:
    """Look through all jobs for new ones of ``tables``, once: jobs that end from now on are noted when they do."""
    if NEWEST.name in tables:
        _fill_newest(connection)
    if RELEASES.name in tables:
        _fill_releases(connection)


def _fill_newest(connection: sa.Connection) -> None:
    built = (JOBS.c.state == "done", JOBS.c.result.contains('"sha256":', autoescape=True))
    rows = sa.select(JOBS.c.image, sa.func.max(JOBS.c.number)).where(*built).group_by(JOBS.c.image)
    connection.execute(sa.insert(NEWEST).from_select(["image", "number"], rows))


def _fill_releases(connection: sa.Connection) -> None:
    columns = (JOBS.c.number, JOBS.c.request, JOBS.c.result)
    query = sa.select(*columns).where(JOBS.c.state == "done", JOBS.c.result != "").order_by(JOBS.c.number)
    asked, published = msgspec.json.Decoder(_Asked), msgspec.json.Decoder(_Published)
    after = 0
    while rows := connection.execute(query.where(JOBS.c.number > after).limit(_AT_ONCE)).all():
        after = rows[-1].number
        ends = [(row.number, asked.decode(row.request), published.decode(row.result)) for row in rows]
        found = [
            {
                "job": job,
                "destination": request.destination,
                "image": result.name,
                "channel": result.channel,
                "number": result.number,
            }
            for job, request, result in ends
            if result.number
        ]
        if found:
            connection.execute(sa.insert(RELEASES), found)
