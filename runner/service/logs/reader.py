# SPDX-License-Identifier: Apache-2.0
"""Read the log of an attempt from any line on; ask again for what came since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
import zstandard

from runner.service.database.tables import LOGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


def line_count(engine: Engine, job: str, attempt: int) -> int:
    """Return how many lines were written so far."""
    end = sa.func.max(LOGS.c.first_line + LOGS.c.lines)
    with engine.connect() as connection:
        return connection.execute(sa.select(end).where(*_of(job, attempt))).scalar() or 0


def read_lines(
    engine: Engine, job: str, attempt: int, first: int = 0, *, pieces: int | None = None
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield pieces of the log from line ``first``, counted from 0, on: the number of a first line, and lines.

    At most ``pieces`` of them: whoever reads slowly asks again, and holds no connection meanwhile.
    """
    after = LOGS.c.first_line + LOGS.c.lines > first
    query = sa.select(LOGS.c.first_line, LOGS.c.text).where(*_of(job, attempt), after).limit(pieces)
    with engine.connect() as connection:
        for start, packed in connection.execute(query.order_by(LOGS.c.first_line)):
            lines = zstandard.decompress(packed).decode("utf-8", "replace").split("\n")[:-1]
            skipped = max(0, first - start)
            yield start + skipped, tuple(lines[skipped:])


def _of(job: str, attempt: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (LOGS.c.job == job, LOGS.c.attempt == attempt)
