# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import pytest

from runner.prepare.origin import Origin
from runner.prepare.step import Bench

if TYPE_CHECKING:
    from pathlib import Path

    from runner.process import Completed, LineSink
    from runner.sandbox.api import Command

EPOCH = 1_700_000_000


class NoSandbox:
    """Refuses to run anything: the steps tested here only write files."""

    mode: ClassVar[Literal["bwrap", "unshare", "chroot"]] = "chroot"

    def run(self, command: Command, *, sink: LineSink | None = None, check: bool = True) -> Completed:  # noqa: ARG002
        raise AssertionError(f"{command.argv} must not run")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    root = tmp_path / "tree"
    (root / "usr/lib").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "lib").symlink_to("usr/lib")
    return Bench(root=root, epoch=EPOCH, sandbox=NoSandbox())


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    directory = tmp_path / "checkout/image"
    directory.mkdir(parents=True)
    return Origin(directory, tmp_path / "checkout")
