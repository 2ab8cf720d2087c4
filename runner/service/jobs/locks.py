# SPDX-License-Identifier: Apache-2.0
"""The locks that images were built from, and what they changed, each text kept once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
import zstandard

from runner.service.database.tables import LOCKS

if TYPE_CHECKING:
    from sqlalchemy import Engine


class LockTexts:
    """Lock files by the digest of their content, lists of changes by that of their bytes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, digest: str, text: str) -> None:
        """Keep ``text``; the first of several with one digest stays."""
        try:
            with self._engine.begin() as connection:
                if not connection.execute(sa.select(LOCKS.c.digest).where(LOCKS.c.digest == digest)).first():
                    packed = zstandard.compress(text.encode(), 9)
                    connection.execute(sa.insert(LOCKS).values(digest=digest, text=packed))
        except sa.exc.IntegrityError:
            pass  # somebody else was as quick

    def get(self, digest: str) -> str | None:
        """Return the text, None when there is none of that digest."""
        with self._engine.connect() as connection:
            return kept_text(connection, digest)


def kept_text(connection: sa.Connection, digest: str) -> str | None:
    """Return the text of ``digest`` within a transaction, None when there is none."""
    packed = connection.execute(sa.select(LOCKS.c.text).where(LOCKS.c.digest == digest)).scalar()
    return None if packed is None else zstandard.decompress(packed).decode()
