# SPDX-License-Identifier: Apache-2.0
"""What the runner watches in a benchmark: many bare repositories, its configuration, and a process of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from runner.service.database.connect import open_database
from runner.service.watch.memory import WatchMemory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROJECT = Path(__file__).resolve().parents[1]
MAIN = "refs/heads/main"
START = "start"
"""As the URL of a database: start a PostgreSQL server for the time of the benchmark."""

NOBODY = "nobody"
"""A label that no worker has: jobs that need it wait."""

_START_SECONDS = 120.0
_REQUESTS = 2
"""Of a look over HTTP: what the server can do, and its refs."""

_DATABASE = "PACKHOUSE_BENCH_DATABASE"
_DESCRIPTION = """\
<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="8.0" name="bench">
  <description type="system">
    <author>A</author><contact>a@example.org</contact><specification>number {number}</specification>
  </description>
  <preferences>
    <version>1.0.{number}</version>
    <packagemanager>apt</packagemanager>
    <type image="tbz" primary="true"/>
  </preferences>
  <packages type="bootstrap"><package name="dpkg"/></packages>
</image>
"""
"""It names no repository of packages: a build of it ends, and is not tried again, as soon as it is planned."""


@dataclass(frozen=True, slots=True)
class Bare:
    """Bare repositories ``r00000``, ``r00001``… below ``folder``, all with the same two commits."""

    folder: Path
    count: int
    before: str
    after: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"r{number:05}" for number in range(self.count))

    def push(self, name: str) -> float:
        """Move the branch as a push does, and return when that was."""
        ref = self.folder / f"{name}.git" / MAIN
        new = ref.with_name("main.lock")
        new.write_text(f"{self.after}\n")
        new.rename(ref)
        return time.time()


def make_repositories(folder: Path, count: int) -> Bare:
    """Make one repository with git, and the others as copies of it that share its objects by hard links."""
    template, work = folder / "template.git", folder / "work"
    work.mkdir(parents=True)
    _git(work, "init", "-q", "-b", "main")
    commits = [_commit(work, number) for number in (1, 2)]
    _git(folder, "clone", "-q", "--bare", str(work), str(template))
    _git(template, "repack", "-q", "-a", "-d")
    shutil.rmtree(template / "hooks", ignore_errors=True)
    (template / "packed-refs").unlink(missing_ok=True)
    (template / MAIN).parent.mkdir(parents=True, exist_ok=True)
    bare = Bare(folder, count, *commits)
    for name in bare.names:
        shutil.copytree(template, folder / f"{name}.git", copy_function=os.link)
        ref = folder / f"{name}.git" / MAIN
        ref.unlink(missing_ok=True)
        ref.write_text(f"{bare.before}\n")
    return bare


def _commit(work: Path, number: int) -> str:
    (work / "config.xml").write_text(_DESCRIPTION.format(number=number))
    _git(work, "add", "config.xml")
    _git(work, "commit", "-q", "-m", f"Version {number}")
    return _git(work, "rev-parse", "HEAD")


def _git(where: Path, *args: str) -> str:
    author = {
        f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    plain = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "PATH": os.environ["PATH"], **author}
    return subprocess.run(
        ["git", *args], cwd=where, env=plain, capture_output=True, check=True, text=True
    ).stdout.strip()


def write_config(
    file: Path,
    bare: Bare,
    base: str,
    begun: Sequence[str] = (),
    *,
    poll: float,
    database: str = "",
    looks: int = 8,
) -> int:
    """Write packhouse.yaml, where only jobs of the repositories ``begun`` find a worker; return its port.

    Each repository has a webhook with a secret of its own, which nobody calls.
    """
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        port = int(each.getsockname()[1])
    free = set(begun)
    repositories = {
        name: {
            "url": f"{base}/{name}.git",
            "poll": f"{poll:g}s",
            "webhook": {"forge": "github", "secrets": [name]},
            **({} if name in free else {"labels": [NOBODY]}),
        }
        for name in bare.names
    }
    secrets = {name: {"file": str(_secret(file.parent / "secrets" / name))} for name in bare.names}
    config: dict[str, Any] = {"state": str(file.parent / "state"), "listen": f"127.0.0.1:{port}"}
    if database:  # there may be a password in it
        config |= {"database_secret": "database"}
        secrets |= {"database": {"env": _DATABASE}}
    config |= {"worker": {"builds": 2}, "watch": {"looks": looks}}
    file.write_text(yaml.safe_dump({**config, "secrets": secrets, "repositories": repositories}))
    return port


def _secret(file: Path) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"a secret of {file.name}")
    return file


def remember(url: str, bare: Bare) -> None:
    """Have the runner know the first commit of every repository, as after a first look: nothing is built of it."""
    engine = open_database(url)
    memory = WatchMemory(engine)
    memory.know(bare.names)
    for name in bare.names:
        memory.moved(name, MAIN, bare.before, ())
    engine.dispose()


@dataclass(frozen=True, slots=True)
class Database:
    """Where the tables are: ``url`` is empty for SQLite, ``pid`` that of a server started here."""

    url: str = ""
    pid: int | None = None


@contextlib.contextmanager
def database(wanted: str) -> Iterator[Database]:
    """Yield the database of URL ``wanted``, which may be empty for SQLite, or :data:`START`."""
    if wanted != START:
        yield Database(wanted)
        return
    sys.path.insert(0, str(PROJECT))
    from tests.support.postgres import PostgresServer

    with PostgresServer(durable=True) as server, server.database() as url:
        yield Database(url, server.pid)


@contextlib.contextmanager
def serving(file: Path, port: int, database: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``packhouse serve`` until the block ends."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {_DATABASE: database}
    with (file.parent / "serve.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "runner", "--json", "-v", "serve", "--config", file],
            cwd=file.parent, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
        try:
            _wait_for(child, f"http://127.0.0.1:{port}/readyz", file.parent / "serve.log")
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                child.wait(60)


def _wait_for(child: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=10).is_success:
                return
        time.sleep(0.05)
    raise RuntimeError(f"packhouse serve did not start: {log.read_text(errors='replace')[-2000:]}")


@dataclass(frozen=True, slots=True)
class Host:
    """Where the repositories are; ``pid`` that of git's server."""

    url: str
    pid: int | None = None


@contextlib.contextmanager
def over(scheme: str, bare: Bare, away: float) -> Iterator[Host]:
    """Yield the host of the repositories: their folder, or git's own HTTP server, ``away`` seconds for a look."""
    if scheme == "file":
        yield Host(bare.folder.as_uri())
        return
    program = [sys.executable, str(PROJECT / "benchmarks/watch_host.py"), str(bare.folder), str(away / _REQUESTS)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101  # it was asked for
        yield Host(server.stdout.readline().strip(), server.pid)
