# SPDX-License-Identifier: Apache-2.0
"""Publishing and fetching through a directory: what may fail, fails clearly and leaves nothing half done."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from runner.digest import canonical_json
from runner.errors import (
    HostError,
    IntegrityError,
    NotInStorageError,
    StorageError,
    UsageError,
    VerificationError,
)
from runner.storage import catalog, keys
from runner.storage.api import TransientStorageError
from runner.storage.backends.file import DirectoryStorage
from runner.storage.fetch import fetch, find, package_source
from runner.storage.publish import PackageBlob, publish_release
from runner.storage.transfer import download, open_blob
from tests.support.releases import Counter, FaultyStorage, contents, make_packages, make_release

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

IMAGE = "Test_Image"


class LyingStorage(DirectoryStorage):
    """Ignores the condition, as some servers do."""

    def put_if_absent(self, key: str, data: bytes) -> bool:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return True


class CutStorage(DirectoryStorage):
    """Cuts every stream after ``piece`` bytes."""

    piece = 1000
    streams = 0

    def stream(self, key: str, offset: int = 0) -> Generator[bytes, None, None]:
        self.streams += 1
        data = b"".join(super().stream(key, offset))
        if self.piece:
            yield data[: self.piece]
        if len(data) > self.piece:
            raise TransientStorageError("cut")


@pytest.fixture
def storage(tmp_path: Path) -> DirectoryStorage:
    return DirectoryStorage(tmp_path / "storage")


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return make_release(tmp_path / "release")


def test_what_is_stored(storage: DirectoryStorage, release: Path, tmp_path: Path) -> None:
    packages = make_packages(tmp_path / "packages")
    published = publish_release(storage, release, channel="edge", packages=packages)
    stored = contents(tmp_path / "storage")
    assert len([key for key in stored if "/blobs/" in key]) == len(contents(release)) + len(packages)
    manifest = next(data for name, data in contents(release).items() if name.endswith(".manifest.json"))
    assert stored[keys.manifest(IMAGE, published.manifest)] == manifest
    assert stored[keys.blob(published.manifest)] == manifest
    assert keys.attestation(published.manifest, 1) in stored
    build_key = json.loads(manifest)["build"]["key"]
    assert json.loads(stored[keys.build(IMAGE, build_key)])["manifest"]["sha256"] == published.manifest
    commit = json.loads(stored[published.key])
    assert set(commit["files"]) == set(contents(release))
    assert not [key for key in stored if key.startswith(".tmp/")]


def test_packages_are_mirrored_only_when_asked(storage: DirectoryStorage, release: Path, tmp_path: Path) -> None:
    packages = make_packages(tmp_path / "packages", 1)
    publish_release(storage, release, channel="edge", packages=packages, mirror_packages=False)
    with pytest.raises(NotInStorageError):
        b"".join(package_source(storage)(packages[0].sha256, packages[0].size))


def test_going_back_to_an_older_release_is_a_new_entry(storage: DirectoryStorage, tmp_path: Path) -> None:
    one, two = (make_release(tmp_path / name, version=name) for name in ("1", "2"))
    assert [publish_release(storage, each, channel="edge").number for each in (one, two, one)] == [1, 2, 3]
    assert find(storage, IMAGE).version == "1"
    assert find(storage, IMAGE, version="2").number == 2


def test_once_means_once_whoever_builds_it(storage: DirectoryStorage, tmp_path: Path) -> None:
    here, there = (make_release(tmp_path / seed, seed=seed) for seed in ("here", "there"))
    other = make_release(tmp_path / "other", version="2")
    first = publish_release(storage, here, channel="edge", once=True)
    again = publish_release(storage, there, channel="edge", once=True)
    assert (again.number, again.created, again.manifest) == (1, False, first.manifest)
    assert publish_release(storage, other, channel="edge", once=True).number == 2
    assert publish_release(storage, there, channel="stable", once=True).created
    assert publish_release(storage, there, channel="edge").number == 3


def test_a_revert_is_published_and_a_step_taken_again_is_not(storage: DirectoryStorage, tmp_path: Path) -> None:
    old, new, back = (make_release(tmp_path / v, version=v[0], seed=v) for v in ("1", "2", "1 again"))

    def publish(release: Path, job: str) -> tuple[int, bool]:
        done = publish_release(storage, release, channel="edge", once=True, token=job)
        return done.number, done.created

    assert [publish(old, "a"), publish(new, "b"), publish(back, "c")] == [(1, True), (2, True), (3, True)]
    assert find(storage, IMAGE).version == "1"
    assert [publish(old, "a"), publish(new, "b"), publish(back, "c")] == [(1, False), (2, False), (3, False)]
    assert publish(old, "d") == (3, False), "it is the newest already"


def test_once_means_once_for_attempts_at_one_job(storage: DirectoryStorage, tmp_path: Path) -> None:
    releases = [make_release(tmp_path / str(number), version=str(number), size=10) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        published = list(
            pool.map(lambda each: publish_release(storage, each, channel="edge", token="x"), releases)
        )
    assert [each.number for each in published] == [1] * 6
    assert sum(each.created for each in published) == 1


def test_once_means_once_for_racers(storage: DirectoryStorage, tmp_path: Path) -> None:
    releases = [make_release(tmp_path / str(number), seed=str(number), size=10) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        published = list(
            pool.map(lambda release: publish_release(storage, release, channel="edge", once=True), releases)
        )
    assert [each.number for each in published] == [1] * 6
    assert sum(each.created for each in published) == 1


def test_numbers_count_beyond_ten(storage: DirectoryStorage, tmp_path: Path) -> None:
    for number in range(1, 13):
        release = make_release(tmp_path / str(number), version=str(number), size=10)
        assert publish_release(storage, release, channel="edge").number == number
    assert find(storage, IMAGE).version == "12"
    assert [each.number for each in catalog.history(storage, IMAGE, "edge")] == list(range(12, 0, -1))


def test_fails_anywhere_and_converges(release: Path, tmp_path: Path) -> None:
    whole = Counter()
    publish_release(FaultyStorage(DirectoryStorage(tmp_path / "dry"), whole), release, channel="edge")

    def fail() -> None:
        raise StorageError("injected")

    for at in range(1, whole.count + 1):
        storage = DirectoryStorage(tmp_path / f"s{at}")
        with pytest.raises(StorageError, match="injected"):
            publish_release(FaultyStorage(storage, Counter(at, fail)), release, channel="edge")
        assert at == whole.count or catalog.numbers(storage, IMAGE, "edge") == []
        assert publish_release(storage, release, channel="edge").number == 1
        fetch(storage, IMAGE, to=tmp_path / f"out{at}")
        assert contents(tmp_path / f"out{at}") == contents(release)


def test_storage_that_ignores_conditions_is_refused(release: Path, tmp_path: Path) -> None:
    storage = LyingStorage(tmp_path / "storage")
    with pytest.raises(StorageError, match="create-only"):
        publish_release(storage, release, channel="edge")
    assert catalog.image_names(storage) == []


def test_newer_format_is_refused(storage: DirectoryStorage, release: Path, tmp_path: Path) -> None:
    storage.put_if_absent(keys.FORMAT, canonical_json({"version": 2, "id": "x", "schema": "y"}))
    with pytest.raises(StorageError, match="newer release"):
        publish_release(storage, release, channel="edge")


def test_racing_for_one_name_has_one_winner(storage: DirectoryStorage) -> None:
    for turn in range(5):
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda n: storage.put_if_absent(f"v1/race/{turn}", b"%d" % n), range(8)))  # noqa: B023
        assert sum(won) == 1
        assert storage.get(f"v1/race/{turn}", 1) == b"%d" % won.index(True)


def break_artifact(release: Path) -> None:
    next(release.glob("*.tar.xz")).write_bytes(b"other")


def lose_artifact(release: Path) -> None:
    next(release.glob("*.tar.xz")).unlink()


def make_folder(release: Path) -> None:
    (release / "folder").mkdir()


def make_link(release: Path) -> None:
    (release / "link").symlink_to("/etc/passwd")


def second_manifest(release: Path) -> None:
    (release / "x.manifest.json").write_text("{}")


def hidden(release: Path) -> None:
    (release / ".hidden").write_text("")


def spoil_manifest(release: Path) -> None:
    next(release.glob("*.manifest.json")).write_text('{"image": {"name": 5}}')


def evil_name(release: Path) -> None:
    next(release.glob("*.manifest.json")).write_text('{"image": {"name": "../../x", "version": "1"}}')


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (break_artifact, IntegrityError),
        (lose_artifact, IntegrityError),
        (make_folder, UsageError),
        (make_link, UsageError),
        (second_manifest, UsageError),
        (hidden, UsageError),
        (spoil_manifest, IntegrityError),
        (evil_name, UsageError),
    ],
)
def test_what_is_no_release_is_refused_before_anything_is_stored(
    storage: DirectoryStorage, release: Path, tmp_path: Path, spoil: object, kind: type[Exception]
) -> None:
    assert callable(spoil)
    spoil(release)
    with pytest.raises(kind):
        publish_release(storage, release, channel="edge")
    assert not (tmp_path / "storage").exists()


def test_no_directory(storage: DirectoryStorage, release: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        publish_release(storage, tmp_path / "nowhere", channel="edge")
    with pytest.raises(UsageError):
        publish_release(storage, release, channel="../x")


def test_package_that_is_not_what_it_says(storage: DirectoryStorage, release: Path, tmp_path: Path) -> None:
    (package,) = make_packages(tmp_path / "packages", 1)
    wrong = PackageBlob(package.path, "0" * 64, package.size, package.name)
    with pytest.raises(IntegrityError, match=r"p0\.deb"):
        publish_release(storage, release, channel="edge", packages=[wrong])
    gone = PackageBlob(tmp_path / "gone", package.sha256, package.size, "gone")
    with pytest.raises((StorageError, UsageError), match="gone"):
        publish_release(storage, release, channel="edge", packages=[gone])
    assert catalog.image_names(storage) == []


def test_verification_refuses_before_anything_shows(
    storage: DirectoryStorage, release: Path, tmp_path: Path
) -> None:
    publish_release(storage, release, channel="edge")
    seen: dict[str, bytes] = {}

    def refuse(directory: Path) -> None:
        seen.update(contents(directory))
        raise VerificationError("no")

    out = tmp_path / "out"
    with pytest.raises(VerificationError):
        fetch(storage, IMAGE, to=out, verify=refuse)
    assert seen == contents(release)
    assert not out.exists()
    out.mkdir()
    (out / "mine").write_text("mine")
    with pytest.raises(VerificationError):
        fetch(storage, IMAGE, to=out, verify=refuse)
    assert contents(out) == {"mine": b"mine"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "release", "storage"]


def test_identical_files_are_kept_and_others_replaced(
    storage: DirectoryStorage, release: Path, tmp_path: Path
) -> None:
    publish_release(storage, release, channel="edge")
    out = tmp_path / "out"
    fetch(storage, IMAGE, to=out)
    (artifact,) = out.glob("*.tar.xz")
    before = artifact.stat().st_ino
    (out / "SHA256SUMS").write_text("changed")
    fetch(storage, IMAGE, to=out)
    assert artifact.stat().st_ino == before
    assert contents(out) == contents(release)


def test_fetch_takes_up_what_a_killed_run_left(storage: DirectoryStorage, release: Path, tmp_path: Path) -> None:
    published = publish_release(storage, release, channel="edge")
    staging = tmp_path / f".out.fetch-{published.manifest[:16]}"
    staging.mkdir(mode=0o700)
    (artifact,) = release.glob("*.tar.xz")
    (staging / f"{artifact.name}.partial").write_bytes(artifact.read_bytes()[:100])
    (staging / "stranger").write_text("not of this release")
    fetch(storage, IMAGE, to=tmp_path / "out")
    assert contents(tmp_path / "out") == contents(release)
    assert not staging.exists()


def test_staging_of_somebody_else_is_refused(storage: DirectoryStorage, release: Path, tmp_path: Path) -> None:
    published = publish_release(storage, release, channel="edge")
    staging = tmp_path / f".out.fetch-{published.manifest[:16]}"
    staging.mkdir()
    staging.chmod(0o777)
    with pytest.raises(HostError, match="somebody else"):
        fetch(storage, IMAGE, to=tmp_path / "out")
    staging.rmdir()
    staging.symlink_to(tmp_path / "release")
    with pytest.raises(HostError):
        fetch(storage, IMAGE, to=tmp_path / "out")
    assert contents(release)


def test_target_that_is_a_file(storage: DirectoryStorage, release: Path, tmp_path: Path) -> None:
    publish_release(storage, release, channel="edge")
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UsageError, match="not a directory"):
        fetch(storage, IMAGE, to=tmp_path / "out")
    with pytest.raises(UsageError, match="not by both"):
        fetch(storage, IMAGE, to=tmp_path / "other", channel="edge", version="1.0.0")


@pytest.mark.parametrize(
    "change",
    [
        lambda commit: commit | {"image": "Other"},
        lambda commit: commit | {"number": 2},
        lambda commit: commit | {"version": "9"},
        lambda commit: commit | {"files": commit["files"] | {"../evil": {"sha256": "0" * 64, "size": 1}}},
        lambda commit: commit | {"files": {}},
        lambda commit: commit | {"files": {"a": {"sha256": "../x", "size": 1}}},
        lambda commit: commit | {"manifest": commit["manifest"] | {"sha256": "0" * 64}},
        lambda commit: commit | {"schema": "urn:other"},
        lambda _commit: [],
        lambda _commit: {"image": None},
    ],
)
def test_tampered_commit_is_refused(
    storage: DirectoryStorage, release: Path, tmp_path: Path, change: object
) -> None:
    published = publish_release(storage, release, channel="edge")
    path = tmp_path / "storage" / published.key
    assert callable(change)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(IntegrityError):
        fetch(storage, IMAGE, to=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "evil").exists()


def test_image_of_another_name_under_this_one(storage: DirectoryStorage, tmp_path: Path) -> None:
    publish_release(storage, make_release(tmp_path / "a", image="A"), channel="edge")
    publish_release(storage, make_release(tmp_path / "b", image="B"), channel="edge")
    of_b = json.loads(storage.get(keys.commit("B", "edge", 1), 1 << 20)) | {"image": "A", "number": 2}
    storage.put_if_absent(keys.commit("A", "edge", 2), canonical_json(of_b))
    with pytest.raises(IntegrityError, match="manifest is of B"):
        fetch(storage, "A", to=tmp_path / "out")


def test_download_over_cuts(release: Path, tmp_path: Path) -> None:
    publish_release(DirectoryStorage(tmp_path / "storage"), release, channel="edge")
    cut = CutStorage(tmp_path / "storage")
    fetch(cut, IMAGE, to=tmp_path / "out")
    assert contents(tmp_path / "out") == contents(release)
    assert cut.streams > len(contents(release))
    cut.piece = 0
    with pytest.raises(TransientStorageError):
        fetch(cut, IMAGE, to=tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_download_refuses_a_link_in_its_place(storage: DirectoryStorage, release: Path, tmp_path: Path) -> None:
    published = publish_release(storage, release, channel="edge")
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "x.partial").symlink_to(victim)
    key = keys.blob(published.manifest)
    with pytest.raises(HostError):
        download(storage, key, tmp_path / "x", published.manifest, len(storage.get(key, 1 << 20)))
    assert victim.read_text() == "untouched"


def test_open_blob_tells_wrong_bytes_at_the_end(storage: DirectoryStorage, release: Path, tmp_path: Path) -> None:
    published = publish_release(storage, release, channel="edge")
    path = tmp_path / "storage" / keys.blob(published.manifest)
    size = path.stat().st_size
    path.write_bytes(b"x" * size)
    with pytest.raises(IntegrityError, match="promises"):
        b"".join(open_blob(storage, published.manifest, size))


def test_leftovers_of_killed_writers_are_swept(storage: DirectoryStorage, release: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "storage" / ".tmp"
    temporary.mkdir(parents=True)
    for name, age in (("old", 7200), ("new", 0)):
        (temporary / name).write_text("left")
        stamp = (temporary / name).stat().st_mtime - age
        os.utime(temporary / name, (stamp, stamp))
    publish_release(storage, release, channel="edge")
    assert [path.name for path in temporary.iterdir()] == ["new"]


@pytest.mark.skipif(os.geteuid() != 0, reason="root reads everything; this needs a file in the way instead")
def test_a_file_in_the_way(release: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        publish_release(DirectoryStorage(tmp_path / "file"), release, channel="edge")
    assert "Not a directory" in str(caught.value) or "File exists" in str(caught.value)
