# SPDX-License-Identifier: Apache-2.0
"""What processes use, as the kernel tells."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from runner.service.steps.usage import family_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

_TREE = """
import os, threading, time
held = bytearray(b'x' * 50_000_000)
if not os.fork():
    os.setsid()
    if os.fork():
        os._exit(0)
    time.sleep(60)
os.wait()
for _ in range(3):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print(flush=True)
time.sleep(60)
"""


def test_a_family_is_counted_with_its_threads_and_memory() -> None:
    argv = ["unshare", "--fork", "--pid", "--kill-child", sys.executable, "-c", _TREE]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        family = family_of(child.pid)
        child.kill()
    # unshare, the program with its threads, and the daemon in a session of its own, which the program adopted
    assert sorted(process.threads for process in family) == [1, 1, 4]
    (program,) = (process for process in family if process.threads == 4)
    assert program.parent == child.pid
    assert 50_000_000 < program.memory < 200_000_000


def test_who_is_gone_has_no_family() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert family_of(child.pid) == []
