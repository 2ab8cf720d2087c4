# SPDX-License-Identifier: Apache-2.0
"""KIWI's two steps on their own give what one build gives, as often as one likes."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from runner.digest import sha256_file
from tests.support.debs import lost, of_tar, packaged, unlike
from tests.support.image_files import only, reproducible

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Repository
    from tests.support.packhouse import Packhouse

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.root, pytest.mark.xdist_group("e2e-git")]

_OF_A_RELEASE = ("SHA256SUMS", ".lock.json")
"""What a build adds to the results of create."""


@pytest.fixture(scope="module")
def built(repository: Repository, packhouse: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tar archive of the commit with an images.sh, built in one go."""
    return _build(repository, packhouse, tmp_path_factory.mktemp("built") / "out")


@pytest.fixture(scope="module")
def root(repository: Repository, packhouse: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the same, prepared."""
    folder = tmp_path_factory.mktemp("prepared") / "root"
    packhouse.run("prepare", repository.url, *_chosen(repository), "--root", folder)
    return folder


@pytest.fixture(scope="module")
def created(root: Path, packhouse: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image of that tree."""
    target = tmp_path_factory.mktemp("created") / "out"
    packhouse.run("create", "--root", root, "--target-dir", target)
    return target


def _build(repository: Repository, packhouse: Packhouse, target: Path) -> Path:
    packhouse.run("build", repository.url, *_chosen(repository), "--target-dir", target)
    return target


def _chosen(repository: Repository) -> tuple[str, ...]:
    return ("--ref", repository.scripted, "--subdir", "image", "--type", "tbz")


def test_prepare_and_create_give_what_build_gives(built: Path, created: Path) -> None:
    whole = {name: digest for name, digest in reproducible(built).items() if not name.endswith(_OF_A_RELEASE)}
    assert _digests(created) == whole


def test_create_can_be_repeated(root: Path, created: Path, packhouse: Packhouse, tmp_path: Path) -> None:
    """Though images.sh of this description counts how often it ran in this tree."""
    packhouse.run("create", "--root", root, "--target-dir", tmp_path / "again")
    assert _digests(tmp_path / "again") == _digests(created)
    assert not (root / "var/lib/created").exists()


def test_images_script_works_in_the_image_only(created: Path) -> None:
    with tarfile.open(only(created, ".tar.xz")) as tar:
        member = tar.extractfile("var/lib/created")
        assert member is not None
        assert member.read() == b"once\n"


def test_the_archive_has_the_owners_of_the_packages(built: Path, packhouse: Packhouse) -> None:
    shipped = packaged(only(built, ".lock.json"), packhouse.store)
    with tarfile.open(only(built, ".tar.xz")) as tar:
        found = of_tar(tar)
    assert not unlike(shipped, found)
    assert not lost(shipped, found)


def test_prepare_needs_an_empty_folder(root: Path, repository: Repository, packhouse: Packhouse) -> None:
    failed = packhouse.run("prepare", repository.url, *_chosen(repository), "--root", root, expect=2)
    assert "is not empty" in failed.error["what"]


def test_create_needs_a_prepared_tree(packhouse: Packhouse, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    failed = packhouse.run("create", "--root", tmp_path, "--target-dir", tmp_path / "out", expect=2)
    assert "packhouse prepare" in failed.error["what"]
    assert [path.name for path in tmp_path.iterdir()] == ["etc"]


def _digests(directory: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in directory.iterdir()}
