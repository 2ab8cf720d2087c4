# SPDX-License-Identifier: Apache-2.0
"""The line from a release directory to a storage and back, on both storages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from runner.errors import NotInStorageError
from runner.storage import catalog, keys
from runner.storage.fetch import fetch, package_source
from runner.storage.location import open_storage
from runner.storage.publish import publish_release
from tests.support.releases import contents, make_packages, make_release

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration
IMAGE = "Test_Image"


def test_publish_and_fetch_back(storage_url: str, tmp_path: Path) -> None:
    storage = open_storage(storage_url)
    first = make_release(tmp_path / "first", version="1.0.0")
    second = make_release(tmp_path / "second", version="1.1.0")
    packages = make_packages(tmp_path / "packages")

    one = publish_release(storage, first, channel="edge", packages=packages)
    two = publish_release(storage, second, channel="edge", packages=packages)
    again = publish_release(storage, second, channel="edge", packages=packages)

    assert (one.number, one.created) == (1, True)
    assert (two.number, two.created) == (2, True)
    assert (again.number, again.created, again.uploaded) == (2, False, 0)
    assert two.reused >= len(packages)

    fetched = fetch(storage, IMAGE, to=tmp_path / "newest")
    assert contents(tmp_path / "newest") == contents(second)
    assert fetched.files[-1].name.endswith(".manifest.json")
    fetch(storage, IMAGE, version="1.0.0", to=tmp_path / "old")
    assert contents(tmp_path / "old") == contents(first)
    assert b"".join(package_source(storage)(packages[0].sha256, packages[0].size)) == packages[0].path.read_bytes()
    assert catalog.image_names(storage) == [IMAGE]


def test_what_is_missing_is_told_with_what_there_is(storage_url: str, tmp_path: Path) -> None:
    storage = open_storage(storage_url)
    with pytest.raises(NotInStorageError, match="nothing is published there"):
        fetch(storage, IMAGE, to=tmp_path / "out")
    publish_release(storage, make_release(tmp_path / "release"), channel="edge")
    with pytest.raises(NotInStorageError) as caught:
        fetch(storage, "Test_Imag", to=tmp_path / "out")
    assert IMAGE in str(caught.value)
    with pytest.raises(NotInStorageError, match="edge"):
        fetch(storage, IMAGE, channel="edgy", to=tmp_path / "out")
    with pytest.raises(NotInStorageError, match=r"1\.0\.0"):
        fetch(storage, IMAGE, version="1.0.1", to=tmp_path / "out")
    with pytest.raises(NotInStorageError):
        list(package_source(storage)("0" * 64, 5))
    assert not (tmp_path / "out").exists()


def test_concurrent_publishers_each_get_a_number(storage_url: str, tmp_path: Path) -> None:
    releases = [make_release(tmp_path / f"r{n}", version=f"1.0.{n}") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        published = list(
            pool.map(lambda path: publish_release(open_storage(storage_url), path, channel="edge"), releases)
        )
    assert sorted(each.number for each in published) == list(range(1, 9))
    assert all(each.created for each in published)
    commits = list(catalog.history(open_storage(storage_url), IMAGE, "edge"))
    assert sorted(commit.version for commit in commits) == [f"1.0.{n}" for n in range(8)]


def test_concurrent_publishers_of_one_release_commit_once(storage_url: str, tmp_path: Path) -> None:
    release = make_release(tmp_path / "release")
    with ThreadPoolExecutor(8) as pool:
        published = list(
            pool.map(lambda _: publish_release(open_storage(storage_url), release, channel="edge"), range(8))
        )
    assert {each.number for each in published} == {1}
    assert catalog.numbers(open_storage(storage_url), IMAGE, "edge") == [1]


def test_primitives(storage_url: str, tmp_path: Path) -> None:
    storage = open_storage(storage_url)
    assert storage.put_if_absent("v1/a/x.json", b"one")
    assert not storage.put_if_absent("v1/a/x.json", b"one")
    assert not storage.put_if_absent("v1/a/x.json", b"two")
    assert storage.put_if_absent("v1/a/b/y.json", b"")
    assert storage.get("v1/a/x.json", 3) == b"one"
    assert storage.get("v1/a/b/y.json", 0) == b""
    assert sorted(storage.list("v1/a/")) == ["b/", "x.json"]
    assert list(storage.list("v1/none/")) == []
    assert storage.head("v1/a/none") is None
    info = storage.head("v1/a/x.json")
    assert info is not None
    assert (info.size, info.sha256) in {(3, None), (3, sha256(b"one").hexdigest())}
    assert b"".join(storage.stream("v1/a/x.json", 1)) == b"ne"
    with pytest.raises(NotInStorageError):
        storage.get("v1/a/none", 10)
    with pytest.raises(NotInStorageError):
        list(storage.stream("v1/a/none"))


def test_large_file_goes_in_parts(storage_url: str, tmp_path: Path) -> None:
    release = make_release(tmp_path / "release", size=(40 << 20) + 17)
    storage = open_storage(storage_url)
    assert publish_release(storage, release, channel="edge").uploaded > 40 << 20
    assert publish_release(storage, release, channel="other").uploaded == 0
    fetch(storage, IMAGE, to=tmp_path / "out")
    assert contents(tmp_path / "out") == contents(release)


def test_every_key_is_portable(storage_url: str, tmp_path: Path) -> None:
    storage = open_storage(storage_url)
    publish_release(storage, make_release(tmp_path / "r"), channel="edge", packages=make_packages(tmp_path / "p"))

    def walk(folder: str) -> list[str]:
        found = []
        for name in storage.list(folder):
            found += walk(folder + name) if name.endswith("/") else [folder + name]
        return found

    found = walk("v1/")
    assert all(keys.checked_key(key) == key for key in found)
    assert "v1/images/_test___image/channels/edge/1.json" in found
