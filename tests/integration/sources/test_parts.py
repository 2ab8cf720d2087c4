# SPDX-License-Identifier: Apache-2.0
"""Submodules at their pinned commits, and Git LFS files."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from runner.errors import SourceError
from runner.sources.api import checkout
from tests.support.git_http import serve_git
from tests.support.git_repo import GitRepo

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 5\n".format("0" * 64)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    repo = GitRepo.create(tmp_path / "served" / "repo")
    repo.commit({"image/config.xml": "one"})
    return repo


@pytest.fixture
def nested(tmp_path: Path, repo: GitRepo) -> GitRepo:
    """``repo`` with the submodule ``image/root/sub`` at a commit behind its tip, which has ``deep`` in it."""
    deep = GitRepo.create(tmp_path / "served" / "deep")
    deep.commit({"deep.txt": "deep"})
    sub = GitRepo.create(tmp_path / "served" / "sub")
    sub.commit({"sub.txt": "pinned"})
    sub.git("submodule", "add", "-q", "../deep", "deep", GIT_CONFIG_COUNT="0")
    sub.commit()
    repo.git("submodule", "add", "-q", "../sub", "image/root/sub")
    repo.commit()
    sub.commit({"sub.txt": "later"})
    return repo


@pytest.mark.parametrize("transport", ["file", "http", "http-v0", "path"])
def test_submodules_at_their_pinned_commit(nested: GitRepo, work: Path, transport: str) -> None:
    with serve_git(nested.path.parent, protocol_v2=transport == "http") as base:
        source = {"file": f"file://{nested.path}", "path": str(nested.path)}.get(transport, f"{base}/repo")
        result = checkout(source, ref="main", subdir="image", work=work)
    sub = result.directory / "root" / "sub"
    assert (sub / "sub.txt").read_text() == "pinned"
    assert (sub / "deep" / "deep.txt").read_text() == "deep"
    assert not list(result.work_tree.rglob(".git"))


def test_submodules_outside_the_folder_are_left_alone(repo: GitRepo, work: Path) -> None:
    commit = repo.git("rev-parse", "HEAD")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},elsewhere")
    repo.git("commit", "-q", "-m", "a submodule without URL")
    assert checkout(f"file://{repo.path}", subdir="image", work=work).commit
    shutil.rmtree(work)
    work.mkdir()
    with pytest.raises(SourceError, match=r"submodule elsewhere.*no URL"):
        checkout(f"file://{repo.path}", work=work)
    assert list(work.iterdir()) == []


def test_description_inside_a_submodule(nested: GitRepo, work: Path) -> None:
    with pytest.raises(SourceError, match="submodule: build from its own repository"):
        checkout(f"file://{nested.path}", subdir="image/root/sub", work=work)


def test_pinned_commit_that_is_gone(nested: GitRepo, work: Path) -> None:
    nested.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},image/root/sub")
    nested.git("commit", "-q", "-m", "pin nothing")
    with pytest.raises(SourceError, match=r"submodule image/root/sub.*no commit 1111"):
        checkout(f"file://{nested.path}", work=work)
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("source", ["file://{}", "{}"])
def test_lfs_files_are_fetched_from_the_repository_itself(repo: GitRepo, work: Path, source: str) -> None:
    if shutil.which("git-lfs") is None:
        pytest.skip("git-lfs is not installed")
    clean = [
        "filter.lfs.clean=git-lfs clean -- %f",
        "filter.lfs.smudge=git-lfs smudge -- %f",
        "filter.lfs.required=true",
    ]
    for setting in clean:
        repo.git("config", *setting.split("=", 1))
    repo.write({".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:9/elsewhere\n"})
    repo.commit({".gitattributes": "*.bin filter=lfs\n", "image/a.bin": "hello", "image/b.bin": "world"})
    assert repo.git("show", "HEAD:image/a.bin").startswith("version https://git-lfs")
    result = checkout(source.format(repo.path), ref="main", subdir="image", work=work)
    assert not (work / "source.git" / "lfs").exists()
    assert [(result.directory / name).read_text() for name in ("a.bin", "b.bin")] == ["hello", "world"]


@pytest.mark.parametrize("transport", ["file", "http"])
def test_lfs_pointers_that_remain_are_an_error(repo: GitRepo, work: Path, transport: str) -> None:
    repo.commit({".gitattributes": "*.bin filter=lfs\n", "image/root/big.bin": POINTER, "other.bin": POINTER})
    with serve_git(repo.path.parent) as base:
        source = f"file://{repo.path}" if transport == "file" else f"{base}/repo"
        with pytest.raises(SourceError, match="LFS") as caught:
            checkout(source, subdir="image", work=work)
    assert caught.value.what == "Git LFS files are missing: root/big.bin"
    assert caught.value.why
    assert list(work.iterdir()) == []


def test_lfs_pointers_outside_the_folder_do_not_matter(repo: GitRepo, work: Path) -> None:
    repo.commit({"other.bin": POINTER})
    assert checkout(f"file://{repo.path}", subdir="image", work=work).commit


def test_lfs_without_git_lfs(repo: GitRepo, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    git = subprocess.run(["sh", "-c", "command -v git"], check=True, capture_output=True, text=True).stdout.strip()
    (tools / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tools))
    repo_path = str(repo.path / "image")
    (repo.path / "image" / "big.bin").write_text(POINTER)
    with pytest.raises(SourceError, match="only pointers"):
        checkout(repo_path, work=work)
