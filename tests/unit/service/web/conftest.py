# SPDX-License-Identifier: Apache-2.0
"""One runner, its database filled, for all tests that only read."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from litestar.testing import TestClient

from runner.service.web.app import make_app
from runner.service.web.site import Site
from tests.support import site as filled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.jobs.model import Job
    from runner.service.serve import Runner
    from tests.support.postgres import PostgresServer

Client = TestClient[Any]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def runner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in filled.environment().items():
            patch.setenv(name, value)
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres")
            patch.setenv("DATABASE_URL", stack.enter_context(server.database()))
        own = request.param == "sqlite"
        yield stack.enter_context(filled.runner_in(tmp_path_factory.mktemp("web"), own_database=own))


@pytest.fixture(scope="module")
def jobs(runner: Runner) -> dict[str, Job]:
    return filled.fill(runner)


@pytest.fixture(scope="module")
def client(runner: Runner, jobs: dict[str, Job]) -> Iterator[Client]:
    with TestClient(make_app(Site(runner=runner)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def admin() -> dict[str, str]:
    return {"Authorization": f"Bearer {filled.TOKENS['TOKEN_ADMIN']}"}


@pytest.fixture
def helper() -> dict[str, str]:
    return {"Authorization": f"Bearer {filled.TOKENS['TOKEN_TRIGGER']}"}
