# SPDX-License-Identifier: Apache-2.0
"""What goes wrong outside: cut connections, tampering, refusals, servers that are not there, full disks."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.errors import HostError, IntegrityError, StorageError
from runner.storage import catalog, keys
from runner.storage.fetch import fetch
from runner.storage.location import open_storage
from runner.storage.publish import publish_release
from runner.storage.transfer import download
from tests.support.cutting_proxy import CuttingProxy
from tests.support.releases import contents, make_release
from tests.support.s3 import S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.s3 import S3Address

pytestmark = pytest.mark.integration
IMAGE = "Test_Image"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def bucket_key(url: str, key: str) -> tuple[str, str]:
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return bucket, f"{prefix}/{key}"


def blob_of(release: Path) -> str:
    (artifact,) = release.glob("*.tar.xz")
    return keys.blob(sha256(artifact.read_bytes()).hexdigest())


def overwrite(url: str, key: str, data: bytes, s3: S3Address | None) -> None:
    if s3 is None:
        (Path(url) / key).write_bytes(data)
    else:
        bucket, full = bucket_key(url, key)
        s3.client().put_object(Bucket=bucket, Key=full, Body=data)


@pytest.mark.parametrize("change", ["byte", "shorter", "longer"])
def test_tampered_blob_is_refused(
    storage_url: str, change: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    s3: S3Address | None = request.getfixturevalue("s3") if storage_url.startswith("s3:") else None
    storage = open_storage(storage_url)
    release = make_release(tmp_path / "release")
    publish_release(storage, release, channel="edge")
    key = blob_of(release)
    data = storage.get(key, 1 << 20)
    bad = {"byte": data[:-1] + bytes([data[-1] ^ 1]), "shorter": data[:-1], "longer": data + b"x"}[change]
    overwrite(storage_url, key, bad, s3)

    with pytest.raises(StorageError if change == "shorter" else IntegrityError):
        fetch(storage, IMAGE, to=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(IntegrityError):  # nor does a publisher take it for granted
        publish_release(storage, release, channel="other")
    assert catalog.channel_names(storage, IMAGE) == ["edge"]


def test_download_resumes_where_it_was_cut(s3_url: str, s3: S3Address, tmp_path: Path) -> None:
    release = make_release(tmp_path / "release", size=3 << 20)
    publish_release(open_storage(s3_url), release, channel="edge")
    cuts = itertools.chain([1_200_000, 700_000, 500], itertools.repeat(None))
    with CuttingProxy(s3.endpoint, cuts) as proxy:
        storage = open_storage(s3_url, endpoint=proxy.endpoint)
        key = blob_of(release)
        moved: list[int] = []
        (artifact,) = release.glob("*.tar.xz")
        data = artifact.read_bytes()
        digest = sha256(data).hexdigest()
        download(
            storage,
            key,
            tmp_path / "out",
            digest,
            len(data),
            progress=lambda _name, step, _size: moved.append(step),
        )
    assert (tmp_path / "out").read_bytes() == data
    assert proxy.cuts == 3
    assert sum(moved) == len(data)  # nothing was brought twice
    assert not (tmp_path / "out.partial").exists()


def test_download_takes_up_what_a_killed_run_left(s3_url: str, tmp_path: Path) -> None:
    release = make_release(tmp_path / "release", size=3 << 20)
    storage = open_storage(s3_url)
    publish_release(storage, release, channel="edge")
    (artifact,) = release.glob("*.tar.xz")
    data = artifact.read_bytes()
    digest = sha256(data).hexdigest()
    for left in (data[: 1 << 20], b"wrong" * 1000, data, data + b"too long"):
        (tmp_path / "out.partial").write_bytes(left)
        download(storage, keys.blob(digest), tmp_path / "out", digest, len(data))
        assert (tmp_path / "out").read_bytes() == data
        assert (tmp_path / "out").stat().st_mode & 0o777 == 0o644


def test_connection_that_is_always_cut_gives_up(s3_url: str, s3: S3Address, tmp_path: Path) -> None:
    publish_release(open_storage(s3_url), make_release(tmp_path / "release"), channel="edge")
    with CuttingProxy(s3.endpoint, itertools.repeat(10)) as proxy:
        start = time.monotonic()
        with pytest.raises(StorageError):
            fetch(open_storage(s3_url, endpoint=proxy.endpoint), IMAGE, to=tmp_path / "out")
        assert time.monotonic() - start < 30


def test_publishing_survives_lost_answers(s3_url: str, s3: S3Address, tmp_path: Path) -> None:
    release = make_release(tmp_path / "release")
    budgets = itertools.chain.from_iterable(itertools.repeat([None, 5]))
    with CuttingProxy(s3.endpoint, budgets) as proxy:
        published = publish_release(open_storage(s3_url, endpoint=proxy.endpoint), release, channel="edge")
    assert published.number == 1
    assert catalog.numbers(open_storage(s3_url), IMAGE, "edge") == [1]
    fetch(open_storage(s3_url), IMAGE, to=tmp_path / "out")
    assert contents(tmp_path / "out") == contents(release)


@pytest.mark.parametrize(
    ("environment", "url", "says"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "canary-wrong-secret-1234"}, None, "AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": "CANARYUNKNOWNKEY"}, None, "AWS_ACCESS_KEY_ID"),
        ({}, "s3://no-such-bucket/x", "create the bucket"),
    ],
)
def test_refusals_say_what_to_do_and_no_secret(  # noqa: PLR0917 - parameters and fixtures
    s3_url: str,
    environment: dict[str, str],
    url: str | None,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageError) as caught:
        publish_release(open_storage(url or s3_url), make_release(tmp_path / "release"), channel="edge")
    text = str(caught.value) + repr(caught.value) + repr(caught.value.__cause__)
    assert says in str(caught.value)
    assert "canary" not in text.lower()


def test_no_credentials(s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StorageError, match="AWS_ACCESS_KEY_ID"):
        fetch(open_storage(s3_url), IMAGE, to=tmp_path / "out")
    with pytest.raises(StorageError, match=r"may not|AWS_ACCESS_KEY_ID"):
        fetch(open_storage(s3_url + "?anonymous=true"), IMAGE, to=tmp_path / "out")


def test_server_that_went_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Server(tmp_path / "server") as server:
        for name, value in server.address.environment().items():
            monkeypatch.setenv(name, value)
        server.create_bucket("packhouse")
        storage = open_storage("s3://packhouse")
        publish_release(storage, make_release(tmp_path / "one"), channel="edge")
        server.stop()
        start = time.monotonic()
        with pytest.raises(StorageError, match="endpoint"):
            publish_release(storage, make_release(tmp_path / "two", version="2"), channel="edge")
        with pytest.raises(StorageError, match="endpoint"):
            fetch(storage, IMAGE, to=tmp_path / "out")
        assert time.monotonic() - start < 30


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tmpfs")
def test_full_disk_leaves_nothing_visible(small_disk: Path, tmp_path: Path) -> None:
    release = make_release(tmp_path / "release", size=2 << 20)
    with pytest.raises(StorageError) as caught:
        publish_release(open_storage(str(small_disk / "storage")), release, channel="edge")
    assert "No space left" in str(caught.value)
    assert "free space" in str(caught.value)
    assert catalog.image_names(open_storage(str(small_disk / "storage"))) == []
    assert not list((small_disk / "storage" / ".tmp").iterdir())

    publish_release(open_storage(str(tmp_path / "storage")), release, channel="edge")
    with pytest.raises(HostError, match="No space left"):
        fetch(open_storage(str(tmp_path / "storage")), IMAGE, to=small_disk / "out")
    assert sorted(path.name for path in small_disk.iterdir()) == ["storage"]
