# SPDX-License-Identifier: Apache-2.0
"""A build that is ended, in any stage and by anybody: soon, with one line, and nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import BUCKET
from tests.support.apt_repo import build_deb
from tests.support.bench import wait_for
from tests.support.git_http import serve_git
from tests.support.git_repo import GitRepo
from tests.support.stalling_proxy import stalling

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.support.bench import Bench
    from tests.support.s3 import S3Address

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

BUILD, INTERRUPTED, KILLED = 8, 130, -signal.SIGKILL
SOON = 20
"""Seconds: far less than any time limit of what stands still."""

INSIDE = ("resolve", "fetch", "packages", "configure", "create")
"""Stages that stand still when the tiny distribution is spoilt."""

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SIGNALS = pytest.mark.parametrize("number", NUMBERS, ids=lambda it: it.name)


@dataclass(frozen=True, slots=True)
class Standstill:
    """How to start a build that stands still, and how to see that it does."""

    reached: Callable[[], bool]
    arguments: tuple[str, ...] = ()
    source: str = ""
    env: dict[str, str] = field(default_factory=dict)

    def start(self, bench: Bench) -> subprocess.Popen[str]:
        child = bench.start(*self.arguments, source=self.source, **self.env)
        wait_for(self.reached, child)
        return child


def inside(stage: str, bench: Bench) -> Standstill:
    """A build that stands still in ``stage``."""
    mirror = bench.setup.mirror
    hang = f"setsid sleep {bench.nap} &\nsleep {bench.nap}\n"
    if stage in {"resolve", "fetch"}:
        mirror.stall_on = "InRelease" if stage == "resolve" else ".deb"
        mirror.go.clear()
        return Standstill(lambda: any(mirror.stall_on in path for path in mirror.asked))
    if stage == "packages":
        _hanging_package(bench, hang)
    elif stage == "configure":
        bench.setup.script(hang)
    else:
        (bench.setup.description / "images.sh").write_text(f"#!/bin/bash\n{hang}")
    return Standstill(bench.hangs)


@contextlib.contextmanager
def fetching_source(word: str, bench: Bench) -> Iterator[Standstill]:
    """A build whose git server falls silent at requests of the kind ``word``."""
    repo = GitRepo.create(bench.base / "served" / "images")
    shutil.copytree(bench.setup.description, repo.path, dirs_exist_ok=True)
    repo.commit()
    with serve_git(repo.path.parent) as url, stalling(url, word) as proxy:
        yield Standstill(proxy.stalled.is_set, source=f"{proxy.endpoint}/images/.git")


@contextlib.contextmanager
def publishing(word: str, s3: S3Address) -> Iterator[tuple[Standstill, str]]:
    """A build whose storage falls silent at requests of the kind ``word``; and its prefix there."""
    prefix = f"interrupted-{uuid.uuid4().hex}"
    with stalling(s3.endpoint, word) as proxy:
        env = {**s3.environment(), "AWS_ENDPOINT_URL_S3": proxy.endpoint}
        yield Standstill(proxy.stalled.is_set, ("--publish", f"s3://{BUCKET}/{prefix}"), env=env), prefix


def _hanging_package(bench: Bench, hang: str) -> None:
    scripts = {"postinst": f"#!/bin/sh\nset -e\n{hang}"}
    bench.setup.repo.add(build_deb(bench.base, "hello", bench.base / "hanging", version="2.0", scripts=scripts))
    bench.setup.repo.write(bench.setup.signer)


def end(child: subprocess.Popen[str], number: signal.Signals, bench: Bench, *, times: int = 1) -> None:
    """Send the signal; see that the build ends as promised and that nothing of it is left."""
    start = time.monotonic()
    for _ in range(times):
        # A terminal tells the whole process group; a service manager the main process alone.
        (os.kill if number is signal.SIGTERM else os.killpg)(child.pid, number)
        time.sleep(0.02)
    out, err = child.communicate(timeout=120)
    assert child.returncode == INTERRUPTED, (out, err)
    assert time.monotonic() - start < SOON
    assert "Traceback" not in err
    assert err.count("interrupted") == 1, err
    assert err.splitlines()[-1].startswith("interrupted: "), err
    assert not bench.hangs()
    assert bench.mounts() == []
    bench.nothing_left()


@pytest.mark.parametrize(
    ("stage", "number"),
    [
        pytest.param(stage, number, id=f"{stage}-{number.name}")
        for stage in INSIDE
        for number in NUMBERS
        # One stage shows that the end of a terminal acts as the other signals do.
        if number is not signal.SIGHUP or stage == "configure"
    ],
)
def test_while_building(stage: str, number: signal.Signals, bench: Bench) -> None:
    end(inside(stage, bench).start(bench), number, bench)


@SIGNALS
@pytest.mark.parametrize("word", ["GET ", "command=fetch"], ids=["lookup", "fetch"])
def test_while_the_source_is_fetched(word: str, number: signal.Signals, bench: Bench) -> None:
    with fetching_source(word, bench) as standstill:
        end(standstill.start(bench), number, bench)


@SIGNALS
@pytest.mark.parametrize("word", ["GET ", "PUT "], ids=["lookup", "upload"])
def test_while_publishing(word: str, number: signal.Signals, bench: Bench, s3: S3Address) -> None:
    with publishing(word, s3) as (standstill, prefix):
        child = standstill.start(bench)
        start = time.monotonic()
        (os.kill if number is signal.SIGTERM else os.killpg)(child.pid, number)
        out, err = child.communicate(timeout=120)
    assert child.returncode == INTERRUPTED, (out, err)
    assert time.monotonic() - start < SOON
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("interrupted: "), err
    found = s3.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    assert not [item["Key"] for item in found.get("Contents", ()) if "/channels/" in item["Key"]]
    assert bench.command.leftovers() == []


def test_by_an_impatient_user(bench: Bench) -> None:
    """Further signals do not cut the cleaning up short."""
    end(inside("configure", bench).start(bench), signal.SIGINT, bench, times=5)


def test_what_the_caller_ignores_is_ignored(bench: Bench) -> None:
    """As nohup(1) wants it."""
    bench.setup.script(f"sleep 4 # {bench.nap}\n")
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        child = bench.start()
    finally:
        signal.signal(signal.SIGHUP, previous)
    wait_for((bench.command.store / "staging").is_dir, child)
    os.kill(child.pid, signal.SIGHUP)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 0, err


def test_killed_and_run_again(bench: Bench) -> None:
    child = inside("configure", bench).start(bench)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate(timeout=30)
    assert child.returncode == KILLED
    deadline = time.monotonic() + 20
    while bench.hangs():
        assert time.monotonic() < deadline, "the sandbox outlived its builder"
        time.sleep(0.1)
    assert bench.mounts() == []
    staging = bench.command.store / "staging"
    for entry in [*staging.iterdir(), *staging.glob("*/*")]:
        os.utime(entry, (1, 1))  # as if long ago
    for left in bench.target.parent.iterdir():
        os.utime(left, (1, 1))
    bench.setup.script("echo fine now\n")
    bench.build(expect=0)


def test_a_killed_engine_is_one_error(bench: Bench) -> None:
    """As the kernel does it when memory is short."""
    child = inside("configure", bench).start(bench)
    (engine,) = _engines_of(child.pid)
    os.kill(engine, signal.SIGKILL)
    out, err = child.communicate(timeout=60)
    assert child.returncode == BUILD, (out, err)
    assert "Traceback" not in err
    assert err.count("error") == 1, err
    assert "was killed or crashed at: configure" in err
    assert "memory" in err
    assert not bench.hangs()
    assert bench.mounts() == []
    bench.nothing_left()


def _engines_of(pid: int) -> list[int]:
    """Engines (not the tools that start them) among the descendants of ``pid``."""
    children = [
        int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()
    ]
    found = [engine for child in children for engine in _engines_of(child)]
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return [pid] if b"runner.engine" in arguments and not found and b"unshare" not in arguments else found
