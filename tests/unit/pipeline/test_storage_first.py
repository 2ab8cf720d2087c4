# SPDX-License-Identifier: Apache-2.0
"""A storage that cannot be published to is noticed before the long work, not after it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from runner.errors import StorageError, UsageError
from runner.pipeline.build import build
from runner.pipeline.request import BuildOptions, PublishTarget, Selection
from runner.storage.location import open_storage
from runner.storage.publish import claim
from tests.support.descriptions import write_description
from tests.support.quiet import Memory, machine_at

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="a source needs git")


def attempt(tmp_path: Path, url: str, reporter: Memory) -> None:
    source = write_description(tmp_path / "description")
    target = PublishTarget(url=url, channel="edge")
    build(Selection(source=str(source)), machine_at(tmp_path, reporter), BuildOptions(publish=target))


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    reporter = Memory()
    with pytest.raises(StorageError, match="cannot read") as caught:
        attempt(tmp_path, "s3://bucket/prefix?endpoint=http://127.0.0.1:9", reporter)
    assert caught.value.hint
    assert "canary" not in str(caught.value)
    assert reporter.phases == ["source"]


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "storage").write_text("in the way")
    reporter = Memory()
    with pytest.raises(StorageError):
        attempt(tmp_path, (tmp_path / "storage").as_uri(), reporter)
    assert reporter.phases == ["source"]


def test_a_url_that_means_nothing_stops_even_earlier(tmp_path: Path) -> None:
    reporter = Memory()
    with pytest.raises(UsageError, match="gopher"):
        attempt(tmp_path, "gopher://x", reporter)
    assert reporter.phases == []


def test_claiming_again_changes_nothing(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "storage"))
    claim(storage)
    before = (tmp_path / "storage/v1/format.json").read_bytes()
    claim(storage)
    assert (tmp_path / "storage/v1/format.json").read_bytes() == before
    assert [path.name for path in (tmp_path / "storage/v1").iterdir()] == ["format.json"]
