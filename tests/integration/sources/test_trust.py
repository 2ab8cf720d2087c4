# SPDX-License-Identifier: Apache-2.0
"""What a hostile repository, server or user configuration must not achieve; and that no secret shows."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runner.errors import LimitError, SourceError
from runner.sources.api import checkout
from tests.support.git_http import serve_git
from tests.support.git_repo import GitRepo

pytestmark = pytest.mark.integration

SECRET = "canary-7f3a/secret"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    repo = GitRepo.create(tmp_path / "served" / "repo")
    repo.commit({"config.xml": "one"})
    return repo


def _recorder(folder: Path) -> Path:
    """Put a ``git`` before the real one that records every argument list."""
    folder.mkdir()
    script = folder / "git"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {folder}/argv\nexec {_real_git()} "$@"\n')
    script.chmod(0o755)
    return folder


def _real_git() -> str:
    return subprocess.run(
        ["sh", "-c", "command -v git"], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize("where", ["url", "environment", "helper"])
def test_login_works_and_shows_nowhere(
    repo: GitRepo, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    recorder = _recorder(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{recorder}:{os.environ['PATH']}")
    env = {"HOME": str(tmp_path)}
    lines: list[str] = []
    with serve_git(repo.path.parent, login=("alice", SECRET)) as base:
        source = f"{base}/repo"
        if where == "url":
            source = source.replace("://", "://alice:canary-7f3a%2Fsecret@")
        elif where == "environment":
            env |= {"PACKHOUSE_GIT_USERNAME": "alice", "PACKHOUSE_GIT_PASSWORD": SECRET}
        else:
            env["PACKHOUSE_GIT_CREDENTIAL_HELPER"] = "!f() { echo username=alice; cat $HOME/token; }; f"
            (tmp_path / "token").write_text(f"password={SECRET}\n")
        result = checkout(source, work=work, env=env, log=lines.append)
    assert result.url == f"{base}/repo"
    assert result.commit
    argv = (recorder / "argv").read_text()
    assert "fetch" in argv
    kept = "".join(path.read_text(errors="replace") for path in work.rglob("*") if path.is_file())
    for text in (argv, str(result), repr(lines), kept):
        assert "canary" not in text


@pytest.mark.parametrize("login", ["", "alice:canary-wrong@"])
def test_login_wanted_or_refused(repo: GitRepo, work: Path, login: str) -> None:
    with serve_git(repo.path.parent, login=("alice", SECRET)) as base:
        source = f"{base}/repo".replace("://", f"://{login}")
        with pytest.raises(SourceError, match="wants a login") as caught:
            checkout(source, work=work, env={})
    assert "canary" not in str(caught.value) + repr(caught.value.log_tail)
    assert "PACKHOUSE_GIT_PASSWORD" in str(caught.value)


def test_login_is_not_sent_to_the_host_of_a_submodule(repo: GitRepo, tmp_path: Path, work: Path) -> None:
    other = GitRepo.create(tmp_path / "other" / "sub")
    commit = other.commit({"f": "x"})
    login = ("alice", SECRET)
    with serve_git(repo.path.parent, login=login) as base, serve_git(tmp_path / "other", login=login) as elsewhere:
        repo.write({".gitmodules": f'[submodule "s"]\n\tpath = s\n\turl = {elsewhere}/sub\n'})
        repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},s")
        (repo.path / "s").mkdir()
        repo.git("add", ".gitmodules")
        repo.git("commit", "-q", "-m", "submodule")
        env = {"PACKHOUSE_GIT_USERNAME": "alice", "PACKHOUSE_GIT_PASSWORD": SECRET}
        with pytest.raises(SourceError, match="wants a login") as caught:
            checkout(f"{base}/repo", work=work, env=env)
    assert "submodule s" in str(caught.value)
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    "source", ["ext::sh -c 'touch MARK'", "--upload-pack=touch MARK", "fd::3", "git://127.0.0.1/x"]
)
def test_exec_transports_and_options(source: str, work: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(SourceError):
        checkout(source.replace("MARK", str(mark)), work=work)
    assert not mark.exists()


def test_configuration_of_the_user_is_not_read(
    repo: GitRepo, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {mark}\n")
        (hooks / name).chmod(0o755)
    config = f'[core]\n\thooksPath = {hooks}\n\tfsmonitor = touch {mark}\n[url "file:///nowhere/"]\n\tinsteadOf = file:///\n'
    config += f'[filter "x"]\n\tsmudge = touch {mark}\n\trequired = true\n'
    (tmp_path / ".gitconfig").write_text(config)
    (tmp_path / "template" / "hooks").mkdir(parents=True)
    (tmp_path / "template" / "hooks" / "post-checkout").symlink_to(hooks / "post-checkout")
    repo.commit({".gitattributes": "* filter=x\n"})
    hostile = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": str(tmp_path / ".gitconfig"),
        "GIT_TEMPLATE_DIR": str(tmp_path / "template"),
        "GIT_DIR": str(tmp_path / "nowhere"),
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_EXTERNAL_DIFF": f"touch {mark}",
        "GIT_CONFIG_PARAMETERS": f"'core.hooksPath'='{hooks}'",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    assert (checkout(f"file://{repo.path}", work=work).directory / "config.xml").read_text() == "one"
    assert checkout(str(repo.path), work=work).dirty is False
    assert not mark.exists()
    assert not (tmp_path / "trace").exists()


def _hostile_submodule(repo: GitRepo, url: str, path: str = "s") -> None:
    repo.write({".gitmodules": f'[submodule "s"]\n\tpath = {path}\n\turl = {url}\n\tupdate = !touch MARK\n'})
    commit = repo.git("rev-parse", "HEAD")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    repo.git("add", ".gitmodules")
    repo.git("commit", "-q", "-m", "submodule")


@pytest.mark.parametrize(
    "url", ["ext::sh -c 'touch MARK'", "-uMARK", "file:///SELF", "/SELF", "../../../../x", "./../x y"]
)
def test_hostile_submodules_over_http(repo: GitRepo, work: Path, tmp_path: Path, url: str) -> None:
    mark = tmp_path / "mark"
    _hostile_submodule(repo, url.replace("MARK", str(mark)).replace("SELF", str(repo.path)))
    with serve_git(repo.path.parent) as base, pytest.raises(SourceError) as caught:
        checkout(f"{base}/repo", work=work)
    assert caught.value.hint
    assert not mark.exists()
    assert list(work.iterdir()) == []


def test_objects_are_checked_also_those_outside_the_folder(repo: GitRepo, work: Path) -> None:
    repo.commit({"image/config.xml": "x"})
    _hostile_submodule(repo, "--upload-pack=touch")
    with pytest.raises(SourceError, match="unsafe to check out") as caught:
        checkout(f"file://{repo.path}", subdir="image", work=work)
    assert "gitmodulesUrl" in str(caught.value)
    assert list(work.iterdir()) == []


def test_symlinked_gitmodules(repo: GitRepo, work: Path, tmp_path: Path) -> None:
    link = repo.git("hash-object", "-w", "--stdin", stdin=str(tmp_path / "modules"))
    tree = repo.git("mktree", stdin=f"120000 blob {link}\t.gitmodules\n")
    repo.git("update-ref", "refs/heads/main", repo.git("commit-tree", tree, "-m", "hostile"))
    with pytest.raises(SourceError, match="unsafe to check out"):
        checkout(f"file://{repo.path}", work=work)
    assert list(work.iterdir()) == []


def test_server_that_never_answers(work: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(LimitError, match="longer than 1 s"):
            checkout(f"http://127.0.0.1:{port}/repo", work=work, seconds=1)
    assert time.monotonic() - started < 10
    assert list(work.iterdir()) == []


def test_interrupt_ends_git_and_leaves_nothing(work: Path) -> None:
    """Run in a process of its own, so that Ctrl-C is a real one."""
    program = (
        "import sys, pathlib\nfrom runner.sources.api import checkout\n"
        "checkout(sys.argv[1], work=pathlib.Path(sys.argv[2]), log=lambda line: print(line, flush=True))\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/repo-{os.getpid()}-{threading.get_ident()}"
        child = subprocess.Popen(
            [sys.executable, "-c", program, url, str(work)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        connection, _ = server.accept()  # git is waiting for us now
        assert _processes_with(url) > 1
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
        connection.close()
    assert child.returncode != 0
    assert _processes_with(url) == 0
    assert list(work.iterdir()) == []


def _processes_with(text: str) -> int:
    found = 0
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += text.encode() in entry.read_bytes()
        except OSError:
            continue
    return found
