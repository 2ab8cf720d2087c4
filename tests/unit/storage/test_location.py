# SPDX-License-Identifier: Apache-2.0
"""URLs lead to the right storage, and secrets in them are refused without being shown."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner.errors import PackhouseError, UsageError
from runner.storage.backends.file import DirectoryStorage
from runner.storage.backends.s3 import S3Storage
from runner.storage.location import open_storage, parse_location

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unit")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-unit-secret")


def test_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in (f"file://{tmp_path}/a%20b", f"{tmp_path}/a b", "a b", f"file://localhost{tmp_path}/a%20b"):
        storage = open_storage(url)
        assert isinstance(storage, DirectoryStorage)
        assert storage.url == (tmp_path / "a b").as_uri()
    assert list(tmp_path.iterdir()) == []


def test_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_storage("s3://bucket/some/Prefix/?endpoint=http://127.0.0.1:9&region=eu-1")
    assert isinstance(storage, S3Storage)
    assert (storage.bucket, storage.prefix, storage.url) == ("bucket", "some/Prefix/", "s3://bucket/some/Prefix")
    assert storage.session.client.meta.endpoint_url == "http://127.0.0.1:9"
    assert storage.session.client.meta.region_name == "eu-1"
    assert storage.session.client.meta.config.__dict__["_user_provided_options"]["s3"] == {
        "addressing_style": "path"
    }
    assert "canary" not in repr(storage)

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:8")
    by_environment = open_storage("s3://bucket")
    assert isinstance(by_environment, S3Storage)
    assert by_environment.session.client.meta.endpoint_url == "http://127.0.0.1:8"
    by_option = open_storage(
        "s3://bucket?endpoint=http://127.0.0.1:9", endpoint="http://127.0.0.1:7", region="x-1"
    )
    assert isinstance(by_option, S3Storage)
    assert by_option.session.client.meta.endpoint_url == "http://127.0.0.1:7"


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://host/x", "s3://", "s3:///x", "s3://a/../b", "s3://bucket/a//b", "s3://bucket/.x", "s3://bucket?regin=x",
        "s3://bucket?endpoint=127.0.0.1:9", "file://server/share", "file:///x?endpoint=http://x", "s3://bucket/a#b",
        "s3://AKIA:canary-secret@bucket/x", "s3://b?endpoint=http://AKIA:canary-secret@host/", "://x", "__init__://x",
        "s3://[x", "s3://b?endpoint=http://[x", "s3://bucket?nonsense",
    ],
)  # fmt: skip
def test_malformed(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_storage(url)
    assert "canary" not in str(caught.value)


def test_broken_configuration_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(PackhouseError, match="no-such-profile"):
        open_storage("s3://bucket")


def test_endpoint_wins_over_query() -> None:
    location = parse_location("s3://b?endpoint=http://one", endpoint="http://two")
    assert location.option("endpoint") == "http://two"


def test_directories_need_no_boto3() -> None:
    code = (
        "import sys, runner.storage.publish, runner.storage.fetch\n"
        "from runner.storage.location import open_storage\n"
        "open_storage('/x'); sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
