# SPDX-License-Identifier: Apache-2.0
"""Open the database, and make its tables where they are missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from runner.errors import HostError
from runner.redact import strip_credentials
from runner.service.database.tables import ABOUT, METADATA, VERSION
from runner.service.database.upgrade import STEPS, fill

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection

SQLITE_FILE = "packhouse.db"
_BUSY_SECONDS = 30


def database_url(configured: str, state: Path) -> str:
    """Return the URL as SQLAlchemy takes it: ``configured``, or a file in the folder ``state``."""
    if not configured:
        return f"sqlite:///{state / SQLITE_FILE}"
    for scheme in ("postgresql://", "postgres://"):
        if configured.startswith(scheme):
            return "postgresql+psycopg://" + configured.removeprefix(scheme)
    return configured


def open_database(url: str) -> sa.Engine:
    """Connect to the database at ``url`` and see that it has our tables.

    Raises:
        HostError: it cannot be reached, or has the tables of a newer version.
    """
    sqlite = url.startswith("sqlite:")
    engine = sa.create_engine(url, pool_pre_ping=not sqlite, connect_args=_connect_args(sqlite=sqlite))
    if sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
        Path(engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)
    try:
        _make_tables(engine)
    except sa.exc.OperationalError as error:
        engine.dispose()
        raise HostError(
            "the database cannot be used",
            where=strip_credentials(url),
            why=str(error.orig).splitlines()[0],
            hint="check database in packhouse.yaml, and that the server runs",
        ) from error
    return engine


def _connect_args(*, sqlite: bool) -> dict[str, Any]:
    return {"timeout": _BUSY_SECONDS} if sqlite else {"connect_timeout": _BUSY_SECONDS}


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    """Let readers and a writer work side by side, and have what was committed survive a crash."""
    cursor = connection.cursor()
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _make_tables(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # two machines may start at the same moment
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(7235117)"))
        missing = METADATA.tables.keys() - set(sa.inspect(connection).get_table_names())
        METADATA.create_all(connection)
        for index in (index for table in METADATA.sorted_tables for index in table.indexes):
            index.create(connection, checkfirst=True)  # tables that were there get no new ones by themselves
        found = connection.execute(sa.select(ABOUT.c.version)).scalar()
        if found is None:
            connection.execute(sa.insert(ABOUT).values(version=VERSION))
            return
        if not 1 <= found <= VERSION:
            raise HostError(
                f"the database has tables of version {found}, and this Packhouse knows version {VERSION}",
                where=strip_credentials(str(engine.url)),
                hint="run the same version of Packhouse on every machine; docs/operations.md tells how to upgrade",
            )
        for step in STEPS[found - 1 :]:
            connection.execute(sa.text(step))
        fill(connection, missing)
        if found != VERSION:
            connection.execute(sa.update(ABOUT).values(version=VERSION))
