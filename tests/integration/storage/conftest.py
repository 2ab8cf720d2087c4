# SPDX-License-Identifier: Apache-2.0
"""Both storages, real ones: a directory and a bucket."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.support.s3 import S3Address, shared_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "packhouse"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Address]:
    """One server for all workers of a test run."""
    base = tmp_path_factory.getbasetemp()
    with shared_server((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "s3") as address:
        address.create_bucket(BUCKET)
        yield address


@pytest.fixture
def s3(s3_server: S3Address, monkeypatch: pytest.MonkeyPatch) -> S3Address:
    """The server, found by the environment."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return s3_server


@pytest.fixture
def s3_url(s3: S3Address) -> str:
    """An empty place in the bucket."""
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture(params=["directory", "s3"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty storage of each kind."""
    if request.param == "s3":
        return str(request.getfixturevalue("s3_url"))
    return str(tmp_path / "storage")
