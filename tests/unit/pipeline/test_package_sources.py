# SPDX-License-Identifier: Apache-2.0
"""Storages as sources of packages: asked in order, opened late, and given up after a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.digest import sha256_bytes
from runner.errors import NotInStorageError, StorageError, UsageError
from runner.pipeline.package_sources import package_sources
from runner.storage.location import open_storage
from tests.support.quiet import Memory, machine_at

if TYPE_CHECKING:
    from pathlib import Path

DATA = b"a package"


def test_a_storage_gives_what_it_has(tmp_path: Path) -> None:
    package = tmp_path / "p.deb"
    package.write_bytes(DATA)
    url = (tmp_path / "storage").as_uri()
    open_storage(url).put_blob(package, sha256_bytes(DATA), len(DATA))
    reporter = Memory()
    [source] = package_sources(machine_at(tmp_path, reporter, packages_from=(url, url)))
    assert b"".join(source(sha256_bytes(DATA), len(DATA))) == DATA
    with pytest.raises(NotInStorageError):
        list(source("0" * 64, 1))
    assert b"".join(source(sha256_bytes(DATA), len(DATA))) == DATA, "what is missing is no failure"
    assert reporter.warnings == []


def test_a_storage_that_fails_is_asked_no_more(tmp_path: Path) -> None:
    (tmp_path / "storage").write_text("a file where a folder should be")
    reporter = Memory()
    [source] = package_sources(machine_at(tmp_path, reporter, packages_from=((tmp_path / "storage").as_uri(),)))
    with pytest.raises(StorageError, match="cannot read"):
        list(source("0" * 64, 1))
    with pytest.raises(NotInStorageError, match="failed before"):
        list(source("1" * 64, 1))
    assert len(reporter.warnings) == 1


def test_a_malformed_url_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="credentials"):
        package_sources(machine_at(tmp_path, packages_from=("s3://user:canary@bucket",)))
