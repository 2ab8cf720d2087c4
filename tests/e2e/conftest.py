# SPDX-License-Identifier: Apache-2.0
"""What whole builds share: a store that fetches each package once, a git repository, a key.

Workers of one test run share what is made "once": whoever comes first makes it, under a file lock. Builds that
several tests look at are session fixtures; tests that use the same ones belong to one ``xdist_group``.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.apt_repo import tiny_distribution
from tests.support.bench import Bench
from tests.support.git_repo import GitRepo
from tests.support.packhouse import PROJECT, Packhouse
from tests.support.s3 import S3Address, shared_server
from tests.support.tiny import tiny

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSPHRASE = "correct horse battery staple"
BUCKET = "packhouse"

# Ping has a capability instead of the setuid bit; ext4 is the type that is packed fastest.
_PACKAGE = '<package name="iproute2"/>'
_TYPE = '<type image="docker">'
_OCI = '<type image="oci"><containerconfig name="debian-minimal" tag="bookworm"/></type>'
_IMAGES_SH = """#!/bin/bash
set -e
test ! -e /var/lib/created
echo once >/var/lib/created
"""
"""Fails when it meets its own traces."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository with descriptions below ``image/``; ids of its commits.

    ``old`` has another message of the day; ``tagged`` is what the annotated tag v1 points to; ``main`` changes
    only a file outside of the description; ``scripted``, on a branch of its own, adds an images.sh.
    """

    path: Path
    old: str
    tagged: str
    main: str
    scripted: str

    @property
    def url(self) -> str:
        return self.path.as_uri()

    def git(self, *args: str) -> str:
        return GitRepo(self.path).git(*args)


@dataclass(frozen=True, slots=True)
class Rootfs:
    """A git repository with ``examples/debian-rootfs`` at its top, and its image of type ext4."""

    path: Path
    ext4: Path


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An encrypted private key; its passphrase is :data:`PASSPHRASE`."""

    private: Path
    public: Path


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a test run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "e2e"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def packhouse(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packhouse]:
    """The command with the shared store; at the end nothing may lie about."""
    store = Path(os.environ.get("PACKHOUSE_TEST_STORE") or shared / "store")
    command = Packhouse(base=tmp_path_factory.mktemp("packhouse"), store=store)
    command.home()
    yield command
    assert not list(command.temporary.iterdir())


@pytest.fixture(scope="session")
def repository(shared: Path, packhouse: Packhouse) -> Repository:
    """``examples/debian-minimal`` in a git repository, with a lock, so that every build has the same packages."""
    made = once(shared, "repository", lambda path: _make_repository(path, packhouse))
    return Repository(Path(made["path"]), made["old"], made["tagged"], made["main"], made["scripted"])


@pytest.fixture(scope="session")
def rootfs(shared: Path, packhouse: Packhouse) -> Rootfs:
    """``examples/debian-rootfs`` with its committed lock, or a new one when no source has its files any more."""
    made = once(shared, "rootfs", lambda path: _make_rootfs(path, packhouse))
    return Rootfs(Path(made["path"]), Path(made["ext4"]))


@pytest.fixture(scope="session")
def key(shared: Path, packhouse: Packhouse) -> KeyPair:
    made = once(shared, "key", lambda path: _make_key(path, packhouse))
    return KeyPair(Path(made["private"]), Path(made["public"]))


@pytest.fixture(scope="session")
def tiny_debs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The packages of the tiny distribution."""
    return tiny_distribution(tmp_path_factory.mktemp("tiny") / "debs")


@pytest.fixture
def bench(tmp_path: Path, tiny_debs: list[Path]) -> Iterator[Bench]:
    """A tiny distribution of a test's own, to be spoilt."""
    with tiny(tmp_path / "tiny", tiny_debs) as setup:
        yield Bench(setup, Packhouse(tmp_path / "run", tmp_path / "store"), tmp_path)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Address]:
    """One S3 server for all workers of a test run."""
    base = tmp_path_factory.getbasetemp()
    with shared_server((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "s3") as address:
        address.create_bucket(BUCKET)
        yield address


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder on tmpfs."""
    folder = Path(tempfile.mkdtemp(prefix="packhouse-test-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def once(shared: Path, name: str, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Return what ``make`` returned (JSON), which is called by the first of all workers with a fresh folder.

    If it raises, the next one tries again in another folder.
    """
    with _locked(shared / f"{name}.lock"):
        result = shared / f"{name}.json"
        if not result.exists():
            folder = shared / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            result.write_text(json.dumps(make(folder)))
        answer: dict[str, Any] = json.loads(result.read_text())
        return answer


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_repository(folder: Path, packhouse: Packhouse) -> dict[str, Any]:
    repo = GitRepo.create(folder / "repository")
    image = repo.path / "image"
    shutil.copytree(PROJECT / "examples" / "debian-minimal", image)
    main_file = image / "appliance.kiwi"
    text = main_file.read_text()
    assert text.count(_PACKAGE) == text.count(_TYPE) == 1
    text = text.replace(_PACKAGE, f'{_PACKAGE}<package name="iputils-ping"/>')
    main_file.write_text(text.replace(_TYPE, f'<type image="ext4"/>{_OCI}{_TYPE}'))
    motd = (image / "root/etc/motd").read_text()
    repo.commit({"README": "Images\n", "image/root/etc/motd": "An older message.\n"}, "Begin")
    packhouse.run("lock", image)
    old = repo.commit(message="Lock the packages")
    tagged = repo.commit({"image/root/etc/motd": motd}, "Say something else")
    repo.git("tag", "-a", "-m", "First", "v1")
    main = repo.commit({"README": "All our images\n"}, "Tell more")
    repo.git("switch", "-q", "-c", "scripted")
    scripted = repo.commit({"image/images.sh": _IMAGES_SH}, "Change the tree while an image is made")
    repo.git("switch", "-q", "main")
    return {"path": str(repo.path), "old": old, "tagged": tagged, "main": main, "scripted": scripted}


def _make_rootfs(folder: Path, packhouse: Packhouse) -> dict[str, Any]:
    repo = GitRepo.create(folder / "rootfs")
    shutil.copytree(PROJECT / "examples" / "debian-rootfs", repo.path, dirs_exist_ok=True)
    repo.commit(message="The example as it is")
    build = ("build", repo.path, "--type", "ext4", "--target-dir", folder / "ext4")
    done = packhouse.run(*build, expect=None)
    if done.exit_code != 0:
        # Mirrors drop old versions; then, and only then, the example must be locked anew.
        assert done.exit_code == 6, done.said
        assert "packhouse lock" in done.error["hint"], done.said
        packhouse.run("lock", repo.path, "--update")
        repo.commit(message="Lock the packages of today")
        packhouse.run(*build)
    return {"path": str(repo.path), "ext4": str(folder / "ext4")}


def _make_key(folder: Path, packhouse: Packhouse) -> dict[str, Any]:
    command = packhouse.with_env(PACKHOUSE_KEY_PASSPHRASE=PASSPHRASE)
    made: dict[str, Any] = command.run("keygen", "--out", folder / "release").json
    return made
