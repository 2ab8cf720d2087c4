# SPDX-License-Identifier: Apache-2.0
"""An image built from a git repository: by branch, tag and commit, over file:// and smart HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.git_http import serve_git
from tests.support.image_files import manifest_of, only, reproducible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Repository
    from tests.support.packhouse import Packhouse

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.root, pytest.mark.xdist_group("e2e-git")]

LOGIN = ("builder", "hunter2-is-no-password")
_UNCHANGED_WITHIN = 5.0
"""Seconds, on a machine that does other things too; a build that does anything takes longer."""


@pytest.fixture(scope="module")
def server(repository: Repository) -> Iterator[str]:
    """URL of the repository on a server that asks for a login."""
    with serve_git(repository.path.parent, login=LOGIN) as url:
        yield f"{url}/{repository.path.name}/.git"


@pytest.fixture(scope="module")
def with_login(packhouse: Packhouse) -> Packhouse:
    user, password = LOGIN
    return packhouse.with_env(PACKHOUSE_GIT_USERNAME=user, PACKHOUSE_GIT_PASSWORD=password)


@pytest.fixture(scope="module")
def from_branch(repository: Repository, packhouse: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(packhouse, repository.url, "main", tmp_path_factory.mktemp("branch") / "out")


@pytest.fixture(scope="module")
def from_tag(server: str, with_login: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(with_login, server, "v1", tmp_path_factory.mktemp("tag") / "out")


def _build(packhouse: Packhouse, url: str, ref: str, target: Path) -> Path:
    built = packhouse.run(
        *("build", url, "--ref", ref, "--subdir", "image", "--type", "ext4", "--target-dir", target)
    )
    assert built.json["target"] == str(target)
    assert not built.json["unchanged"]
    assert LOGIN[1] not in built.said
    return target


def _source(directory: Path) -> dict[str, Any]:
    source: dict[str, Any] = manifest_of(directory)["source"]
    return source


def test_the_manifest_says_where_a_branch_came_from(from_branch: Path, repository: Repository) -> None:
    source = _source(from_branch)
    assert source["digest"] == {
        "gitCommit": repository.main,
        "gitTree": repository.git("rev-parse", f"{repository.main}:image"),
    }
    assert source["ref"] == "refs/heads/main"
    assert source["path"] == "image"
    assert not source["dirty"]
    assert str(repository.path) not in only(from_branch, ".manifest.json").read_text()


def test_the_manifest_says_where_a_tag_came_from_and_no_password(
    from_tag: Path, repository: Repository, server: str
) -> None:
    source = _source(from_tag)
    assert source["repository"] == server
    assert source["digest"]["gitCommit"] == repository.tagged
    assert source["ref"] == "refs/tags/v1"
    for path in from_tag.iterdir():
        assert LOGIN[1].encode() not in path.read_bytes(), path.name


def test_equal_descriptions_give_equal_bytes(from_branch: Path, from_tag: Path) -> None:
    assert _source(from_branch)["digest"]["gitCommit"] != _source(from_tag)["digest"]["gitCommit"]
    assert reproducible(from_branch) == reproducible(from_tag)


def test_a_short_commit_over_http_gives_the_same_bytes(
    server: str, with_login: Packhouse, repository: Repository, from_branch: Path, tmp_path: Path
) -> None:
    built = _build(with_login, server, repository.main[:9], tmp_path / "out")
    source = _source(built)
    assert source["digest"]["gitCommit"] == repository.main
    assert reproducible(built) == reproducible(from_branch)


def test_a_work_tree_gives_the_same_bytes(
    packhouse: Packhouse, repository: Repository, from_branch: Path, tmp_path: Path
) -> None:
    packhouse.run("build", repository.path / "image", "--type", "ext4", "--target-dir", tmp_path / "out")
    assert reproducible(tmp_path / "out") == reproducible(from_branch)


def test_an_older_commit_gives_another_image(
    packhouse: Packhouse, repository: Repository, from_branch: Path, tmp_path: Path
) -> None:
    built = _build(packhouse, repository.url, repository.old, tmp_path / "out")
    ours, theirs = reproducible(built), reproducible(from_branch)
    same = {name for name in ours if ours[name] == theirs.get(name)}
    assert {name.rpartition(".")[2] for name in ours.keys() - same} >= {"ext4"}
    assert {name.rpartition(".")[2] for name in same} >= {"packages"}


def test_building_the_same_again_does_nothing(
    packhouse: Packhouse, repository: Repository, from_branch: Path
) -> None:
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in from_branch.iterdir()}
    start = time.monotonic()
    built = packhouse.run(
        *("build", repository.url, "--ref", "main", "--subdir", "image", "--type", "ext4"),
        *("--target-dir", from_branch),
    )
    assert time.monotonic() - start < _UNCHANGED_WITHIN
    assert built.json["unchanged"]
    assert set(built.json["files"]) == before.keys()
    assert before == {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in from_branch.iterdir()}


def test_a_login_that_is_refused_is_a_clear_error(packhouse: Packhouse, server: str, tmp_path: Path) -> None:
    refused = packhouse.with_env(PACKHOUSE_GIT_USERNAME="builder", PACKHOUSE_GIT_PASSWORD="another-secret")
    failed = refused.run("build", server, "--subdir", "image", "--target-dir", tmp_path / "out", expect=3)
    assert "another-secret" not in failed.said
    assert not (tmp_path / "out").exists()


def test_nothing_is_left_behind(packhouse: Packhouse, from_branch: Path, from_tag: Path) -> None:
    assert not list(packhouse.temporary.iterdir())
    assert [path.name for path in from_branch.parent.iterdir()] == ["out"]
