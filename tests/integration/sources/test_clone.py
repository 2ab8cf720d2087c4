# SPDX-License-Identifier: Apache-2.0
"""Clone real repositories over file:// and smart HTTP at every kind of ref."""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from runner.errors import SourceError
from runner.sources.api import checkout
from tests.support.git_http import serve_git
from tests.support.git_repo import EPOCH, GitRepo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """Three commits on main, a branch, both kinds of tag, and a folder ``images/a``."""
    repo = GitRepo.create(tmp_path / "served" / "repo")
    repo.commit({"config.xml": "one", "images/a/config.xml": "a"})
    repo.git("tag", "light")
    repo.commit({"config.xml": "two"})
    repo.git("tag", "-a", "annotated", "-m", "a tag")
    repo.git("branch", "feature/x")
    repo.commit({"config.xml": "three"})
    return repo


@pytest.fixture(params=["file", "http", "http-v0"])
def url(request: pytest.FixtureRequest, repo: GitRepo) -> Iterator[str]:
    if request.param == "file":
        yield f"file://{repo.path}"
        return
    with serve_git(repo.path.parent, protocol_v2=request.param == "http") as base:
        yield f"{base}/repo"


@pytest.mark.parametrize(
    ("ref", "resolved", "text"),
    [
        (None, "refs/heads/main", "three"),
        ("main", "refs/heads/main", "three"),
        ("feature/x", "refs/heads/feature/x", "two"),
        ("refs/heads/feature/x", "refs/heads/feature/x", "two"),
        ("light", "refs/tags/light", "one"),
        ("annotated", "refs/tags/annotated", "two"),
        ("refs/tags/annotated", "refs/tags/annotated", "two"),
    ],
)
def test_named_refs(url: str, repo: GitRepo, work: Path, *, ref: str | None, resolved: str, text: str) -> None:
    result = checkout(url, ref=ref, work=work)
    assert (result.url, result.ref, result.resolved_ref) == (url, ref, resolved)
    assert result.commit == repo.git("rev-parse", f"{resolved}^{{commit}}")
    assert result.tree == repo.git("rev-parse", f"{resolved}^{{tree}}")
    assert result.commit_time == EPOCH + {"one": 0, "two": 1, "three": 2}[text]
    assert not result.dirty
    assert (result.directory / "config.xml").read_text() == text
    assert sorted(path.name for path in result.work_tree.iterdir()) == ["config.xml", "images"]


@pytest.mark.parametrize("digits", [8, 12, 39, 40])
@pytest.mark.parametrize("upper", [False, True])
def test_commits_behind_the_tips(url: str, repo: GitRepo, work: Path, *, digits: int, upper: bool) -> None:
    repo.commit({"config.xml": "four"})
    commit = repo.git("rev-parse", "main~1")
    ref = commit[:digits].upper() if upper else commit[:digits]
    result = checkout(url, ref=ref, work=work)
    assert (result.ref, result.resolved_ref, result.commit) == (ref, None, commit)
    assert (result.directory / "config.xml").read_text() == "three"


def test_only_one_commit_is_fetched(url: str, work: Path) -> None:
    checkout(url, ref="annotated", work=work)
    assert (work / "source.git" / "shallow").exists()


def test_subdir_and_its_tree(url: str, repo: GitRepo, work: Path) -> None:
    result = checkout(url, subdir="./images/a/", work=work)
    assert result.subdir == "images/a"
    assert result.tree == repo.git("rev-parse", "HEAD:images/a")
    assert (result.directory / "config.xml").read_text() == "a"


def test_tag_wins_over_branch_with_a_warning(url: str, repo: GitRepo, work: Path) -> None:
    repo.git("branch", "both", "main")
    repo.git("tag", "both", "light")
    lines: list[str] = []
    assert checkout(url, ref="both", work=work, log=lines.append).resolved_ref == "refs/tags/both"
    assert any("warning" in line and "refs/heads/both" in line for line in lines)


def test_branch_named_like_a_commit_is_the_branch(url: str, repo: GitRepo, work: Path) -> None:
    repo.git("branch", "abcdef1", "light")
    assert checkout(url, ref="abcdef1", work=work).resolved_ref == "refs/heads/abcdef1"


def test_detached_head_of_the_server(url: str, repo: GitRepo, work: Path) -> None:
    repo.git("checkout", "-q", "--detach", "light")
    result = checkout(url, work=work)
    assert (result.resolved_ref, result.commit) == (None, repo.git("rev-parse", "light"))


def test_sha256_repository(tmp_path: Path, work: Path) -> None:
    repo = GitRepo.create(tmp_path / "served" / "repo", sha256=True)
    commit = repo.commit({"config.xml": "one"})
    repo.commit({"config.xml": "two"})
    with serve_git(repo.path.parent) as base:
        for ref in (None, "main", commit, commit[:10]):
            result = checkout(f"{base}/repo", ref=ref, work=work)
            assert len(result.commit or "") == 64
            assert (result.directory / "config.xml").read_text() == ("two" if ref in {None, "main"} else "one")
            shutil.rmtree(result.work_tree)
            shutil.rmtree(work / "source.git")


def test_commit_reachable_from_no_ref(url: str, repo: GitRepo, work: Path) -> None:
    """What a forced push leaves behind: newer servers still give it, older ones say so."""
    lost = repo.commit({"config.xml": "lost"})
    repo.git("reset", "-q", "--hard", "HEAD~1")
    try:
        assert checkout(url, ref=lost, work=work).commit == lost
    except SourceError as error:
        assert "no branch or tag" in str(error)  # noqa: PT017 - either outcome is right
        assert list(work.iterdir()) == []


def test_ref_that_moves_while_it_is_fetched(repo: GitRepo, work: Path) -> None:
    with serve_git(repo.path.parent, protocol_v2=False) as base:

        def move(line: str) -> None:
            if line.startswith("found"):
                repo.git("commit", "-q", "--amend", "-m", "another")

        result = checkout(f"{base}/repo", ref="main", work=work, log=move)
    assert result.commit == repo.git("rev-parse", "main")


def test_dumb_http_server(repo: GitRepo, work: Path) -> None:
    repo.git("update-server-info")
    with _static(repo.path.parent) as base:
        result = checkout(f"{base}/repo/.git", ref="annotated", work=work)
    assert (result.directory / "config.xml").read_text() == "two"


@contextmanager
def _static(root: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("ref", "subdir", "says"),
    [
        ("mian", None, "did you mean main?"),
        ("refs/heads/nope", None, "no branch, tag or commit"),
        ("0123456789", None, "no branch, tag or commit"),
        ("0" * 39 + "1", None, "no commit"),
        ("main", "nope", "no folder 'nope'"),
        ("main", "config.xml", "a file or a symbolic link"),
        ("main", "../x", "cannot be the folder"),
        ("main", "/etc", "cannot be the folder"),
        ("-x", None, "not a ref"),
    ],
)
def test_what_is_not_there(url: str, work: Path, ref: str, subdir: str | None, says: str) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        checkout(url, ref=ref, subdir=subdir, work=work)
    assert caught.value.hint
    assert list(work.iterdir()) == []


def test_tag_of_a_blob(url: str, repo: GitRepo, work: Path) -> None:
    repo.git("tag", "blob", "HEAD:config.xml")
    with pytest.raises(SourceError, match="does not lead to a commit"):
        checkout(url, ref="blob", work=work)
    assert list(work.iterdir()) == []


def test_ambiguous_short_commit(url: str, repo: GitRepo, work: Path) -> None:
    seen: dict[str, str] = {}
    commit = ""
    parent = repo.git("rev-parse", "HEAD")
    tree = repo.git("rev-parse", "HEAD^{tree}")
    for number in range(2000):  # four hex digits collide soon
        commit = repo.git("commit-tree", tree, "-p", parent, "-m", str(number))
        if commit[:4] in seen:
            break
        seen[commit[:4]] = commit
    repo.git("branch", "one", commit)
    repo.git("branch", "two", seen[commit[:4]])
    with pytest.raises(SourceError, match="ambiguous") as caught:
        checkout(url, ref=commit[:4], work=work)
    assert commit in str(caught.value)
    assert seen[commit[:4]] in str(caught.value)


def test_empty_repository(tmp_path: Path, work: Path) -> None:
    GitRepo.create(tmp_path / "empty")
    for ref in (None, "main", "1234567"):
        with pytest.raises(SourceError):
            checkout(f"file://{tmp_path}/empty", ref=ref, work=work)
    assert list(work.iterdir()) == []


def test_no_repository_there(tmp_path: Path, work: Path) -> None:
    with pytest.raises(SourceError, match="no git repository"):
        checkout(f"file://{tmp_path}/nothing", work=work)
    with serve_git(tmp_path) as base, pytest.raises(SourceError, match="no git repository"):
        checkout(f"{base}/nothing", work=work)
    with pytest.raises(SourceError, match="cannot be reached"):
        checkout("http://127.0.0.1:9/repo", work=work)
    with pytest.raises(SourceError, match="not known"):
        checkout("https://no-such-host.invalid/repo", work=work)
    assert list(work.iterdir()) == []


def test_odd_names_links_and_modes_survive(repo: GitRepo, work: Path) -> None:
    root = repo.path / "root"
    root.mkdir()
    for name in (
        b"dev-disk-by\\x2dlabel.device",
        b"line\nbreak",
        b"latin-\xe9",
        b" blank ",
        b"-dash",
        "ü".encode(),
    ):
        (root / os.fsdecode(name)).write_text("x")
    (root / "absolute").symlink_to("/etc/hostname")
    (root / "outside").symlink_to("../../../etc")
    (root / "dangling").symlink_to("nowhere")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    repo.commit()
    before = os.umask(0o077)
    try:
        result = checkout(f"file://{repo.path}", work=work)
    finally:
        os.umask(before)
    copied = result.work_tree / "root"
    assert {path.name for path in copied.iterdir()} == {path.name for path in root.iterdir()}
    assert [str((copied / name).readlink()) for name in ("absolute", "outside")] == [
        "/etc/hostname",
        "../../../etc",
    ]
    modes = [(copied / name).stat().st_mode & 0o777 for name in ("run", "-dash", ".", "..")]
    assert modes == [0o755, 0o644, 0o755, 0o755]


@pytest.mark.parametrize("source", ["git@forge.example:{}", "ssh://git@forge.example{}"])
def test_ssh_goes_through_the_command_of_the_caller(
    repo: GitRepo, work: Path, tmp_path: Path, source: str
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/host\nshift\nexec sh -c "$*"\n')
    ssh.chmod(0o755)
    env = {"GIT_SSH_COMMAND": str(ssh), "GIT_SSH_VARIANT": "simple"}
    result = checkout(source.format(repo.path), ref="light", work=work, env=env)
    assert result.url == source.format(repo.path)
    assert (result.directory / "config.xml").read_text() == "one"
    assert (tmp_path / "host").read_text() == "git@forge.example\n"


def test_work_folder_in_use_is_left_alone(repo: GitRepo, work: Path) -> None:
    first = checkout(f"file://{repo.path}", work=work)
    with pytest.raises(FileExistsError):
        checkout(f"file://{repo.path}", work=work)
    assert (first.directory / "config.xml").exists()


def test_repository_path_with_odd_characters(tmp_path: Path, work: Path) -> None:
    repo = GitRepo.create(tmp_path / "served" / "a b%20#'ü")
    repo.commit({"config.xml": "x"})
    assert checkout(str(repo.path), ref="main", work=work).commit
