# SPDX-License-Identifier: Apache-2.0
"""On a disk that is nearly full the step that fills it is ended, and no other one."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from runner.errors import LimitError
from runner.service.config.model import Repository
from runner.service.steps.disk import DiskMeter
from runner.service.steps.launch import Surroundings, run_step
from runner.service.steps.order import ScanOrder
from tests.support.bench import wait_until
from tests.support.git_http import serve_git
from tests.support.stalling_proxy import stalling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tmpfs")]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """One of 100 MiB, of which an earlier step of the job has left four."""
    (folder := tmp_path / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100M", "none", folder], check=True)
    try:
        (folder / "result").write_bytes(bytes(96 << 20))
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_step_is_not_ended_for_what_an_earlier_one_wrote(disk: Path, tmp_path: Path) -> None:
    """It may be the one that publishes the result."""
    with serve_git(tmp_path) as url, stalling(url, "GET ") as deaf:
        settings = Repository(url=f"{deaf.endpoint}/images.git")
        order = ScanOrder(name="images", commit="c" * 40, settings=settings, arch="x86_64")
        around = Surroundings(
            environment={**os.environ, "PACKHOUSE_STORE": str(tmp_path / "store")},
            seconds=5,
            log_bytes=1 << 20,
            disk=1 << 30,
            folders=lambda: [disk],
        )
        with pytest.raises(LimitError, match="the job was ended: it took longer than 5 s"):
            run_step(order, around, lambda _event: None)


def test_who_writes_little_is_not_the_one_that_fills_it(disk: Path) -> None:
    (disk / "result").unlink()
    (mine := disk / "mine").mkdir()
    meter, over = DiskMeter(lambda: [mine]), threading.Event()

    def trickle() -> None:
        with (mine / "file").open("ab") as file:
            while not over.wait(0.2):
                file.write(bytes(1000))
                file.flush()

    with meter.walking():
        time.sleep(1)  # the first walk is over
        (mine / "much").write_bytes(bytes(50 << 20))
        wait_until(lambda: meter.last.new > 49 << 20, seconds=10)
        (disk / "of-another-job").write_bytes(bytes(46 << 20))
        thread = threading.Thread(target=trickle)
        thread.start()
        wait_until(lambda: meter.last.room < 5 << 20 and 0 < meter.last.grown < 1 << 20, seconds=10)
        assert not meter.last.fills(0)
        over.set()
        thread.join()
        (mine / "more").write_bytes(bytes(3 << 20))
        wait_until(lambda: meter.last.fills(0), seconds=10)
