# SPDX-License-Identifier: Apache-2.0
"""What folders take on disk, found in the background."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from typing import TYPE_CHECKING

from runner.service.steps.disk import DiskMeter
from tests.support.bench import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def test_it_sees_what_is_written(tmp_path: Path) -> None:
    meter = DiskMeter(lambda: [tmp_path / "a", tmp_path / "not-there"])
    with meter.walking():
        assert meter.used == 0
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "file").write_bytes(os.urandom(3_000_000))
        (tmp_path / "b").write_bytes(os.urandom(9_000_000))
        wait_until(lambda: 3_000_000 <= meter.used < 4_000_000, seconds=10)


def test_empty_files_and_folders_count(tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / f"d{number}").mkdir()
        (tmp_path / f"f{number}").touch()
    meter = DiskMeter(lambda: [tmp_path])
    with meter.walking():
        wait_until(lambda: meter.used > 4_000_000, seconds=10)


def test_no_depth_hides_a_file(tmp_path: Path) -> None:
    """A path so deep that no call takes it whole."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    file = os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here)
    os.write(file, os.urandom(20_000_000))
    os.close(file)
    os.close(here)
    meter = DiskMeter(lambda: [tmp_path])
    try:
        with meter.walking():
            wait_until(lambda: meter.used > 20_000_000, seconds=10)
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)


def test_it_ends_at_once_in_mid_walk(tmp_path: Path) -> None:
    began = time.monotonic()
    with DiskMeter(lambda: [tmp_path]).walking():
        pass
    assert time.monotonic() - began < 1


def test_it_goes_on_after_a_walk_that_could_not_begin(tmp_path: Path) -> None:
    """The jobs beside may have taken all that a machine has of processes, or files."""
    (tmp_path / "file").write_bytes(os.urandom(3_000_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        meter = DiskMeter(lambda: [tmp_path])
        with meter.walking():
            time.sleep(0.3)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            wait_until(lambda: meter.used > 3_000_000, seconds=10)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
