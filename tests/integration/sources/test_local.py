# SPDX-License-Identifier: Apache-2.0
"""A folder of this machine as a source."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from runner.errors import SourceError
from runner.sources.api import checkout
from tests.support.git_repo import EPOCH, GitRepo

pytestmark = pytest.mark.integration


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    repo = GitRepo.create(tmp_path / "repo")
    repo.commit({"images/a/config.xml": "a", "images/b/config.xml": "b", ".gitignore": "*.pyc\n"})
    return repo


def test_clean_folder_in_place(repo: GitRepo, work: Path) -> None:
    folder = repo.path / "images" / "a"
    result = checkout(str(folder), work=work)
    assert result.url == str(folder)
    assert (result.ref, result.resolved_ref) == (None, "refs/heads/main")
    assert result.commit == repo.git("rev-parse", "HEAD")
    assert result.tree == repo.git("rev-parse", "HEAD:images/a")
    assert (result.commit_time, result.dirty) == (EPOCH, False)
    assert (result.work_tree, result.subdir) == (repo.path, "images/a")
    assert list(work.iterdir()) == []
    assert checkout(str(repo.path), subdir="images/a", work=work).tree == result.tree
    top = checkout(str(repo.path), work=work)
    assert (top.tree, top.subdir) == (repo.git("rev-parse", "HEAD^{tree}"), ".")


def test_relative_path_and_link(
    repo: GitRepo, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path / "images")
    result = checkout("a", work=work)
    assert (result.url, result.directory) == ("a", repo.path / "images" / "a")
    (tmp_path / "link").symlink_to(repo.path / "images" / "b")
    assert checkout(str(tmp_path / "link"), work=work).subdir == "images/b"


@pytest.mark.parametrize(
    "change", ["modified", "deleted", "untracked", "ignored", "staged", "chmod", "link", "new folder", "odd name"]
)
def test_dirty_when_any_file_differs(repo: GitRepo, work: Path, change: str) -> None:
    folder = repo.path / "images" / "a"
    match change:
        case "modified" | "staged":
            (folder / "config.xml").write_text("z")
            repo.git(*(("add", "-A") if change == "staged" else ("status",)))
        case "deleted":
            (folder / "config.xml").unlink()
        case "untracked":
            (folder / "new").write_text("")
        case "ignored":
            (folder / "x.pyc").write_text("")
        case "chmod":
            (folder / "config.xml").chmod(0o755)
        case "link":
            (folder / "config.xml").unlink()
            (folder / "config.xml").symlink_to("../b/config.xml")
        case "new folder":
            (folder / "d").mkdir()
            (folder / "d" / "f").write_text("")
        case _:
            Path(os.fsdecode(bytes(folder) + b"/\xff\n")).write_text("")
    result = checkout(str(folder), work=work)
    assert result.dirty
    assert result.commit == repo.git("rev-parse", "HEAD")
    assert not checkout(str(repo.path / "images" / "b"), work=work).dirty


def test_touched_but_equal_is_clean_and_nothing_is_written(repo: GitRepo, work: Path) -> None:
    os.utime(repo.path / "images" / "a" / "config.xml", (1, 1))
    before = _stamps(repo.path)
    assert not checkout(str(repo.path / "images" / "a"), work=work).dirty
    assert _stamps(repo.path) == before


def _stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_nothing_of_the_repository_s_configuration_runs(repo: GitRepo, work: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    repo.commit({".gitattributes": "* filter=x diff=x\n"})
    for hook in ("post-index-change", "post-checkout"):
        (repo.path / ".git" / "hooks").mkdir(exist_ok=True)
        (repo.path / ".git" / "hooks" / hook).symlink_to(program)
    for key in ("core.fsmonitor", "filter.x.clean", "filter.x.smudge", "filter.x.process", "diff.external"):
        repo.git("config", key, str(program))
    repo.git("config", "filter.x.required", "true")
    os.utime(repo.path / "images" / "a" / "config.xml", (1, 1))
    assert not checkout(str(repo.path / "images" / "a"), work=work).dirty
    assert not mark.exists()
    repo.git("config", "--unset", "filter.x.process")
    repo.git("status")
    assert mark.exists()  # the trap works


def test_submodule_configuration_does_not_run_either(repo: GitRepo, work: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    GitRepo.create(tmp_path / "sub").commit({"f": "x", ".gitattributes": "* filter=x\n"})
    repo.git("submodule", "add", "-q", f"file://{tmp_path}/sub", "images/a/sub")
    repo.commit()
    config = ".git/modules/images/a/sub/config"
    repo.git("config", "--file", config, "core.fsmonitor", f"touch {mark}")
    repo.git("config", "--file", config, "filter.x.clean", f"touch {mark}; cat")
    os.utime(repo.path / "images/a/sub/f", (1, 1))
    assert not checkout(str(repo.path / "images" / "a"), work=work).dirty
    assert not mark.exists()
    repo.git("status")
    assert mark.exists()  # the trap works
    (repo.path / "images/a/sub/f").write_text("changed")
    assert checkout(str(repo.path / "images" / "a"), work=work).dirty


def test_submodule_not_checked_out_is_dirty(repo: GitRepo, work: Path, tmp_path: Path) -> None:
    GitRepo.create(tmp_path / "sub").commit({"f": "x"})
    repo.git("submodule", "add", "-q", f"file://{tmp_path}/sub", "images/a/sub")
    repo.commit()
    repo.git("submodule", "deinit", "-q", "-f", "images/a/sub")
    assert checkout(str(repo.path / "images" / "a"), work=work).dirty


def test_outside_any_repository(tmp_path: Path, work: Path) -> None:
    (tmp_path / "plain" / "sub").mkdir(parents=True)
    result = checkout(str(tmp_path / "plain"), subdir="sub", work=work)
    assert (result.commit, result.tree, result.commit_time, result.dirty) == (None, None, None, False)
    assert result.directory == tmp_path / "plain" / "sub"
    with pytest.raises(SourceError, match="not in a git repository"):
        checkout(str(tmp_path / "plain"), ref="main", work=work)


def test_repository_without_a_commit(tmp_path: Path, work: Path) -> None:
    repo = GitRepo.create(tmp_path / "unborn")
    repo.write({"config.xml": "x"})
    assert checkout(str(repo.path), work=work).commit is None


def test_folder_that_is_not_committed(repo: GitRepo, work: Path) -> None:
    (repo.path / "images" / "c").mkdir()
    (repo.path / "images" / "c" / "config.xml").write_text("c")
    result = checkout(str(repo.path / "images" / "c"), work=work)
    assert (result.tree, result.dirty) == (None, True)
    assert result.commit


def test_path_at_a_ref_is_cloned(repo: GitRepo, work: Path) -> None:
    repo.git("tag", "v1")
    repo.commit({"images/a/config.xml": "changed"})
    folder = repo.path / "images" / "a"
    (folder / "config.xml").write_text("uncommitted")
    result = checkout(str(folder), ref="v1", work=work)
    assert (result.url, result.subdir, result.resolved_ref) == (str(folder), "images/a", "refs/tags/v1")
    assert result.work_tree == work / "source"
    assert (result.directory / "config.xml").read_text() == "a"
    assert (folder / "config.xml").read_text() == "uncommitted"


def test_bare_repository_by_path(repo: GitRepo, work: Path, tmp_path: Path) -> None:
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    result = checkout(str(tmp_path / "bare.git"), subdir="images/a", work=work)
    assert (result.resolved_ref, result.work_tree) == ("refs/heads/main", work / "source")


def test_linked_work_tree(repo: GitRepo, work: Path, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    result = checkout(str(tmp_path / "side" / "images" / "a"), work=work)
    assert (result.resolved_ref, result.dirty) == ("refs/heads/side", False)
    assert checkout(str(tmp_path / "side"), ref="side", work=work).commit == result.commit


def test_repository_of_another_user(repo: GitRepo, work: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to give files away")
    for path in (repo.path, *repo.path.rglob("*")):
        os.chown(path, 12345, 12345)
    assert checkout(str(repo.path), work=work).dirty is False
    with pytest.raises(SourceError, match="another user"):
        checkout(str(repo.path), ref="main", work=work, env={})
    assert checkout(str(repo.path), ref="main", work=work, env={"SUDO_UID": "12345"}).commit


def test_missing_and_wrong_paths(repo: GitRepo, work: Path) -> None:
    with pytest.raises(SourceError, match="no folder"):
        checkout(str(repo.path / "nope"), work=work)
    with pytest.raises(SourceError, match="is a file"):
        checkout(str(repo.path / "images/a/config.xml"), work=work)
    for source in ("x" * 300, "x" * 5000, "h:" + "x" * 5000):
        with pytest.raises(SourceError):
            checkout(source, work=work, seconds=5)
    with pytest.raises(SourceError, match="no folder"):
        checkout(str(repo.path), subdir="nope", work=work)


def test_broken_repository(repo: GitRepo, work: Path) -> None:
    (repo.path / ".git" / "HEAD").write_text("ref: refs/heads/../../x\n")
    with pytest.raises(SourceError):
        checkout(str(repo.path), ref="main", work=work)


def test_local_folder_is_described_fast(repo: GitRepo, work: Path) -> None:
    """The budget is 30 ms on a quiet machine; the bound leaves room for a busy one."""
    best = float("inf")
    for _ in range(7):
        started = time.perf_counter()
        checkout(str(repo.path / "images" / "a"), work=work)
        best = min(best, time.perf_counter() - started)
    assert best < 0.1
