# SPDX-License-Identifier: Apache-2.0
"""What processes hold out of sight is found."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from runner.service.steps.hidden import Hidden, hidden_of
from runner.service.steps.usage import family_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SIZE = 5 << 20
_WAIT = "print(flush=True); time.sleep(60)"


@contextmanager
def holding(program: str, *before: str) -> Iterator[Hidden]:
    """What a program holds that has a child of the same open files."""
    program = f"import os, sys, time\nx = os.urandom({_SIZE})\n{program}\nos.fork() or time.sleep(60)\n{_WAIT}"
    argv = [*before, sys.executable, "-c", program]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            yield hidden_of(family_of(child.pid))
        finally:
            os.killpg(child.pid, 9)


def test_files_without_a_name_count_once(tmp_path: Path) -> None:
    program = f"""
f = open("{tmp_path}/file", "wb"); f.write(x); f.flush(); os.unlink(f.name)
m = os.memfd_create("m"); os.write(m, x); os.write(m, x)
n = open("{tmp_path}/named", "wb"); n.write(x); n.flush()
"""
    with holding(program) as hidden:
        assert _SIZE <= hidden.disk < _SIZE * 1.1
        assert 2 * _SIZE <= hidden.memory < 2.1 * _SIZE


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_tmpfs_of_their_own_counts_and_the_machines_does_not(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    mount = f'mount -t tmpfs none {tmp_path}/own && exec "$0" "$@"'
    program = f'open("{tmp_path}/own/file", "wb").write(x)'
    with holding(program, "unshare", "--mount", "sh", "-c", mount) as hidden:
        assert _SIZE <= hidden.memory < _SIZE * 1.1
        assert hidden.disk == 0


def test_who_is_gone_hides_nothing() -> None:
    with subprocess.Popen(["true"]) as child:
        family = family_of(child.pid)
        child.wait()
    assert hidden_of(family) == Hidden(0, 0)
