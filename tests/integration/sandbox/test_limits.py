# SPDX-License-Identifier: Apache-2.0
"""Whatever a program does, it ends, and nothing of it is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.sandbox import environment, pids
from runner.sandbox.choose import PROCESSES, VARIABLE

if TYPE_CHECKING:
    from tests.integration.sandbox.conftest import World

pytestmark = pytest.mark.integration

_FORKS = "my $n = 0; while ($n < 200) { my $p = fork; last unless defined $p; if (!$p) { sleep 20; exit } $n++ }"
_COUNT = "$| = 1;" + _FORKS + "print $n; kill 9, -getpgrp"


def running(marker: str) -> list[str]:
    """Command lines of processes of the whole machine with ``marker`` in them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if marker in line:
                found.append(line)
    return found


def test_a_time_limit_ends_everything(world: World) -> None:
    marker = f"marker-{uuid.uuid4().hex}"
    body = f"$0 = q({marker}); sleep 300"
    ran = world.perl(
        f"if (!fork) {{ {body} }} if (!fork) {{ call('setsid'); exit if fork; exit if fork; {body} }} sleep 300",
        seconds=2.0,
    )
    assert ran.error == "LimitError", ran
    assert ran.living == []
    assert running(marker) == []
    assert ran.seconds < 15


def test_what_a_program_leaves_running_ends_with_it(world: World) -> None:
    marker = f"marker-{uuid.uuid4().hex}"
    ran = world.perl(f"if (!fork) {{ call('setsid'); exit if fork; $0 = q({marker}); sleep 300 }} exit 7")
    assert (ran.returncode, ran.living) == (7, [])
    assert ran.seconds < 15
    assert running(marker) == []


def test_a_flood_of_output_is_stopped(world: World) -> None:
    ran = world.run("yes", output_bytes=1 << 16, seconds=60.0)
    assert (ran.error, ran.living) == ("LimitError", [])
    assert ran.seconds < 30


def test_files_in_memory_are_bounded(world: World) -> None:
    if not world.is_isolated:
        pytest.skip("/dev is a folder of the tree")
    ran = world.perl(
        "open my $file, '>', '/dev/shm/fill'; my $piece = 'x' x 0x100000; my $many = 0;"
        "while ($many < 100 && syswrite($file, $piece)) { $many++ } print qq($many $!); unlink '/dev/shm/fill'"
    )
    assert ran.stdout == f"{environment.MEMORY_FILES >> 20} No space left on device", ran


def test_orphans_are_reaped(world: World) -> None:
    if not world.is_isolated:
        pytest.skip("needs a process namespace")
    ran = world.sh("(sleep 0.05 &); (sleep 0.05 &); sleep 0.4; cat /proc/[0-9]*/stat")
    assert " Z " not in ran.stdout, ran


def test_the_number_of_processes_is_bounded(world: World) -> None:
    """Of root by a control group, whose name a process namespace hides; see below for its effect."""
    if world.engine.identity != "subuid":
        pytest.skip("root is exempt from this limit")
    limits = world.run("cat", "/proc/self/limits").stdout
    line = next(line for line in limits.splitlines() if line.startswith("Max processes"))
    assert line.split()[2] == str(environment.PROCESSES)


def test_another_number_of_processes_can_be_asked_for(world: World) -> None:
    with pids.bounded(30) as prefix:
        if not prefix:
            pytest.skip("no writable control groups here")
    outside = {VARIABLE: world.mode, PROCESSES: "50"}
    ran = world.engine.run("any", world.root, "perl", "-e", _COUNT, env_outside=outside)
    assert ran.mode == world.mode, ran
    assert 30 <= int(ran.stdout) < 50


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs real root")
def test_a_fork_bomb_of_root_ends_in_its_control_group() -> None:
    with pids.bounded(30) as prefix:
        if not prefix:
            pytest.skip("no writable control groups here")
        group = Path(prefix[-1]).parent
        done = subprocess.run(
            [*prefix, "perl", "-e", _COUNT], capture_output=True, check=False, start_new_session=True, timeout=60
        )
    assert 20 <= int(done.stdout) < 30
    assert not group.exists()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs real root")
def test_a_group_that_a_killed_build_left_is_swept() -> None:
    with pids.bounded(30) as prefix:
        if not prefix:
            pytest.skip("no writable control groups here")
        base = Path(prefix[-1]).parent.parent
    old, fresh = base / f"{pids.PREFIX}1-1", base / f"{pids.PREFIX}{time.monotonic_ns():x}-1"
    for group in (old, fresh):
        group.mkdir()
    try:
        with pids.bounded(30):
            assert not old.exists()
            assert fresh.exists()
    finally:
        fresh.rmdir()


def test_without_control_groups_there_is_no_bound(tmp_path: Path) -> None:
    with pids.bounded(30, (tmp_path, tmp_path / "none")) as prefix:
        assert prefix == () or "prlimit" in prefix[0]
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing(world: World) -> None:
    """The engine is ended from outside, as an interrupted build does; its process namespace goes with it."""
    marker = f"marker-{uuid.uuid4().hex}"
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); from tests.support.sandbox_driver import answer;"
        "answer(json.loads(sys.argv[2]))"
    )
    job = f'{{"mode": "{world.mode}", "root": "{world.root}", "argv": ["perl", "-e", "$0=q({marker});sleep 300"]}}'
    argv = [*world.engine.enter, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    program = [world.engine.python, "-I", "-c", code, str(Path(__file__).parents[3]), job]
    with subprocess.Popen([*argv, *program], start_new_session=True) as engine:
        deadline = time.monotonic() + 20
        while not any(line.startswith(marker) for line in running(marker)):
            assert time.monotonic() < deadline
            assert engine.poll() is None
            time.sleep(0.05)
        os.killpg(engine.pid, 9)
    deadline = time.monotonic() + 10
    while running(marker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running(marker) == []
    if world.mode == "chroot":  # the devices of a killed engine stay: it had no chance
        for path in (world.root / "dev").iterdir():
            path.unlink()


def test_this_interpreter_is_one_the_launcher_can_use() -> None:
    code = "import sys; sys.path.append('runner/sandbox'); import launcher; print(len(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert int(done.stdout) < 50, "the launcher imports more than it needs, and starts slower"
