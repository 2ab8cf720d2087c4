# SPDX-License-Identifier: Apache-2.0
"""A database for each test: of both kinds where it asks for ``engine``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.service.database.connect import database_url, open_database
from tests.support.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, as SQLAlchemy takes it."""
    if request.param == "sqlite":
        yield database_url("", tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as url:
        yield database_url(url, tmp_path)


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    opened = open_database(database)
    yield opened
    opened.dispose()
