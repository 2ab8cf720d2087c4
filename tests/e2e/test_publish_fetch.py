# SPDX-License-Identifier: Apache-2.0
"""A signed image published to a directory and to S3: it comes back whole, and nothing changed passes."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.digest import sha256_bytes, sha256_file
from runner.storage import keys
from tests.e2e.conftest import BUCKET, PASSPHRASE
from tests.support.image_files import manifest_of, only, reproducible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import KeyPair, Rootfs
    from tests.support.packhouse import Packhouse
    from tests.support.s3 import S3Address

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.root, pytest.mark.xdist_group("e2e-release")]

IMAGE = "debian-rootfs"
VERSION = "1.0.0"
CHANNEL = "nightly"
SUFFIXES = (
    ".erofs",
    ".lock.json",
    ".packages",
    ".log",
    ".manifest.json",
    ".intoto.jsonl",
    ".sigstore.json",
    "SHA256SUMS",
    "kiwi.result.json",
)
"""How the files of a signed release end, one each."""

UNREACHABLE = ("--mirror", "debian=http://127.0.0.1:9/", "--mirror", "debian-security=http://127.0.0.1:9/")


@dataclass(frozen=True, slots=True)
class Published:
    """A release on this machine, in S3 at ``url`` and in the folder ``storage``; ``said`` is all that was said."""

    directory: Path
    url: str
    storage: Path
    said: str

    @property
    def digests(self) -> dict[str, str]:
        return {path.name: sha256_file(path) for path in self.directory.iterdir()}

    def url_of(self, kind: str) -> str:
        return self.url if kind == "s3" else self.storage.as_uri()


@pytest.fixture(scope="module")
def command(packhouse: Packhouse, s3: S3Address) -> Packhouse:
    """The command with the secrets it needs in its environment."""
    return packhouse.with_env(**s3.environment(), PACKHOUSE_KEY_PASSPHRASE=PASSPHRASE)


@pytest.fixture(scope="module")
def published(
    command: Packhouse, rootfs: Rootfs, key: KeyPair, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """Built, signed and published to S3 in one go; published to a directory afterwards."""
    base = tmp_path_factory.mktemp("release")
    url = f"s3://{BUCKET}/{uuid.uuid4().hex}"
    first = command.run(
        *("build", rootfs.path, "--type", "erofs", "--target-dir", base / "out"),
        *("--sign", key.private, "--publish", url, "--channel", CHANNEL),
    )
    assert first.json["published"]["number"] == 1
    second = command.run("publish", base / "out", (base / "storage").as_uri(), "--channel", CHANNEL)
    return Published(base / "out", url, base / "storage", first.said + second.said)


@pytest.fixture(scope="module")
def fetched(
    command: Packhouse, published: Published, key: KeyPair, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The release, fetched from S3."""
    target = tmp_path_factory.mktemp("fetched") / "out"
    command.run("fetch", published.url, f"{IMAGE}:{CHANNEL}", "--key", key.public, "-o", target)
    return target


@pytest.fixture(scope="module")
def wrong_key(packhouse: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public half of a key that signed nothing."""
    return Path(packhouse.run("keygen", "--out", tmp_path_factory.mktemp("key") / "wrong").json["public"])


@pytest.mark.parametrize("storage", ["directory", "s3"])
@pytest.mark.parametrize("reference", [f"{IMAGE}:{CHANNEL}", f"{IMAGE}@{VERSION}"])
def test_what_was_published_comes_back(  # noqa: PLR0917  # fixtures
    storage: str, reference: str, command: Packhouse, published: Published, key: KeyPair, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    command.run("fetch", published.url_of(storage), reference, "--key", key.public, "-o", target)
    assert {path.name: sha256_file(path) for path in target.iterdir()} == published.digests
    told = command.run("verify", target, "--key", key.public).json
    assert told["manifest_digest"] == sha256_file(only(target, ".manifest.json"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_release_has_these_files(fetched: Path) -> None:
    assert len(list(fetched.iterdir())) == len(SUFFIXES)
    assert {only(fetched, suffix).name for suffix in SUFFIXES} == {path.name for path in fetched.iterdir()}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_changed_file_is_refused(suffix: str, command: Packhouse, fetched: Path, key: KeyPair) -> None:
    with _flipped(only(fetched, suffix)):
        failed = command.run("verify", fetched, "--key", key.public, expect=12)
        assert failed.error["kind"] == "verification"
    command.run("verify", fetched, "--key", key.public)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_file_is_refused(
    suffix: str, command: Packhouse, fetched: Path, key: KeyPair, tmp_path: Path
) -> None:
    path = only(fetched, suffix)
    path.rename(tmp_path / path.name)
    try:
        command.run("verify", fetched, "--key", key.public, expect=12)
    finally:
        (tmp_path / path.name).rename(path)


def test_a_stranger_is_refused(command: Packhouse, fetched: Path, key: KeyPair) -> None:
    stranger = fetched / "initrd.img"
    stranger.write_bytes(b"boot me")
    try:
        failed = command.run("verify", fetched, "--key", key.public, expect=12)
    finally:
        stranger.unlink()
    assert "initrd.img" in failed.error["why"]


def test_a_wrong_key_is_refused(
    command: Packhouse, published: Published, fetched: Path, wrong_key: Path, tmp_path: Path
) -> None:
    command.run("verify", fetched, "--key", wrong_key, expect=12)
    reference = f"{IMAGE}:{CHANNEL}"
    command.run("fetch", published.url, reference, "--key", wrong_key, "-o", tmp_path / "out", expect=12)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_changed_in_the_storage_is_not_fetched(
    suffix: str, command: Packhouse, published: Published, key: KeyPair, tmp_path: Path
) -> None:
    blob = published.storage / keys.blob(published.digests[only(published.directory, suffix).name])
    reference = f"{IMAGE}:{CHANNEL}"
    with _flipped(blob):
        command.run(
            *("fetch", published.storage.as_uri(), reference, "--key", key.public, "-o", tmp_path / "out"),
            expect=7,
        )
    assert not list(tmp_path.iterdir())


def test_a_file_changed_in_the_bucket_is_not_fetched(
    command: Packhouse, published: Published, key: KeyPair, s3: S3Address, tmp_path: Path
) -> None:
    name = keys.blob(published.digests[only(published.directory, ".packages").name])
    client, place = s3.client(), {"Bucket": BUCKET, "Key": f"{published.url.rpartition('/')[2]}/{name}"}
    whole = client.get_object(**place)["Body"].read()
    client.put_object(**place, Body=whole.replace(b"bash", b"dash"))
    try:
        reference = f"{IMAGE}:{CHANNEL}"
        command.run("fetch", published.url, reference, "--key", key.public, "-o", tmp_path / "out", expect=7)
    finally:
        client.put_object(**place, Body=whole)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".erofs"])
def test_who_owns_the_storage_still_cannot_forge_a_file(
    suffix: str, command: Packhouse, published: Published, key: KeyPair, tmp_path: Path
) -> None:
    """The digests in the storage are made to fit: only the signature stands between this file and its users."""
    path = only(published.directory, suffix)
    forged = _altered(path.read_bytes())
    blob = published.storage / keys.blob(sha256_bytes(forged))
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(forged)
    record = published.storage / keys.commit(IMAGE, CHANNEL, 1)
    whole = record.read_bytes()
    stored = {"sha256": sha256_bytes(forged), "size": len(forged)}
    commit = json.loads(whole)
    commit["files"][path.name] = stored
    if suffix == ".manifest.json":
        commit["manifest"] |= stored
    record.write_text(json.dumps(commit))
    try:
        url, reference = published.storage.as_uri(), f"{IMAGE}:{CHANNEL}"
        command.run("fetch", url, reference, "--key", key.public, "-o", tmp_path / "out", expect=12)
    finally:
        record.write_bytes(whole)
        blob.unlink()
    assert not list(tmp_path.iterdir())


def test_every_locked_package_is_kept_in_both_storages(published: Published, s3: S3Address) -> None:
    packages = _locked(published.directory)
    prefix = published.url.rpartition("/")[2]
    pages = s3.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
    in_bucket = {
        item["Key"].removeprefix(f"{prefix}/"): item["Size"] for page in pages for item in page["Contents"]
    }
    for package in packages:
        name = keys.blob(package["sha256"])
        assert in_bucket[name] == (published.storage / name).stat().st_size == package["size"], package["name"]
    assert len(packages) > 80


def test_the_storage_replaces_a_mirror_that_is_gone(
    command: Packhouse, published: Published, rootfs: Rootfs, tmp_path: Path
) -> None:
    """Another machine, with nothing in its store, makes the same bytes from what was published."""
    build = ("build", rootfs.path, "--type", "erofs", "--target-dir", tmp_path / "out")
    store = tmp_path / "store"
    command.run(*UNREACHABLE, *build, "--publish", published.url, "--channel", "elsewhere", store=store)
    assert reproducible(tmp_path / "out") == reproducible(published.directory)
    assert not list((store / "staging").iterdir())


def test_without_it_the_mirror_is_missed(command: Packhouse, rootfs: Rootfs, tmp_path: Path) -> None:
    build = ("build", rootfs.path, "--type", "erofs", "--target-dir", tmp_path / "out")
    failed = command.run(*UNREACHABLE, *build, store=tmp_path / "store", expect=6)
    assert "--mirror" in failed.error["hint"]
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert not list((tmp_path / "store" / "staging").iterdir())


def test_publishing_again_makes_no_second_release(
    command: Packhouse, published: Published, rootfs: Rootfs, key: KeyPair
) -> None:
    again = command.run(
        *("build", rootfs.path, "--type", "erofs", "--target-dir", published.directory),
        *("--sign", key.private, "--publish", published.url, "--channel", CHANNEL),
    ).json
    assert again["unchanged"]
    assert again["published"]["number"] == 1


def test_a_wrong_passphrase_builds_nothing(
    command: Packhouse, rootfs: Rootfs, key: KeyPair, tmp_path: Path
) -> None:
    wrong = command.with_env(PACKHOUSE_KEY_PASSPHRASE="not-the-passphrase")
    build = ("build", rootfs.path, "--type", "erofs", "--target-dir", tmp_path / "out", "--sign", key.private)
    failed = wrong.run(*build, expect=2)
    assert "not-the-passphrase" not in failed.said
    assert not list(tmp_path.iterdir())


def test_no_secret_is_written_anywhere(
    command: Packhouse, published: Published, fetched: Path, s3: S3Address
) -> None:
    secrets = (PASSPHRASE.encode(), s3.secret_key.encode())
    small = (path for path in (*published.directory.iterdir(), *fetched.iterdir()) if path.suffix != ".erofs")
    records = (path for path in published.storage.rglob("*.json") if path.is_file())
    for path in (*small, *records):
        assert not any(secret in path.read_bytes() for secret in secrets), path
    assert not any(secret.decode() in published.said for secret in secrets)
    assert manifest_of(published.directory)["signature"] == "dsse"


def test_nothing_is_left_behind(command: Packhouse, published: Published, fetched: Path) -> None:
    assert not list(command.temporary.iterdir())
    assert [path.name for path in fetched.parent.iterdir()] == ["out"]
    assert {path.name for path in published.directory.parent.iterdir()} == {"out", "storage"}


@contextmanager
def _flipped(path: Path) -> Iterator[None]:
    """Change one bit in the middle of a file, and back."""
    _flip(path)
    try:
        yield
    finally:
        _flip(path)


def _flip(path: Path) -> None:
    mode = path.stat().st_mode
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
    path.chmod(mode)


def _altered(data: bytes) -> bytes:
    """The file with another content that still has its form: a digit or letter is exchanged for its neighbour."""
    middle = len(data) // 2
    place = next(place for place in range(middle, len(data)) if data[place : place + 1].isalnum())
    return data[:place] + (b"b" if data[place : place + 1] == b"a" else b"a") + data[place + 1 :]


def _locked(directory: Path) -> list[dict[str, Any]]:
    lock = json.loads(only(directory, ".lock.json").read_bytes())
    return [package for each in lock["locks"] for package in each["packages"]]
