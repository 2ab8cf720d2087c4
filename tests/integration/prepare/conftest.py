# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.prepare import Bench
from runner.process import Limits
from runner.sandbox.bubblewrap import Bubblewrap

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH = 1_750_000_000
_MMDEBSTRAP = (
    "mmdebstrap",
    "--quiet",
    "--variant=apt",
    "--include=passwd,hello",
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale", "info")),
)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Debian tree, made once for all workers. PACKHOUSE_TEST_TREE names one that exists."""
    if given := os.environ.get("PACKHOUSE_TEST_TREE"):
        return Path(given)
    shared = tmp_path_factory.getbasetemp().parent / "prepare-tree"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            part = shared.with_suffix(".part")
            subprocess.run([*_MMDEBSTRAP, "bookworm", part], check=True)
            part.rename(shared)
    return shared


@pytest.fixture(scope="session")
def make_bench(pristine: Path) -> Callable[[Path, list[str]], Bench]:
    """Makes a copy of the small tree and a bench on it."""

    def make(root: Path, lines: list[str]) -> Bench:
        root.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "--archive", "--reflink=auto", pristine, root], check=True)
        return Bench(root=root, epoch=EPOCH, sandbox=Bubblewrap(), sink=lines.append, limits=Limits(seconds=60))

    return make


@pytest.fixture(scope="module")
def bench(make_bench: Callable[[Path, list[str]], Bench], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A tree for tests that do not mind what others have left in it: a copy takes seconds."""
    return make_bench(tmp_path_factory.mktemp("shared") / "tree", [])


@pytest.fixture
def description(tmp_path: Path) -> Path:
    folder = tmp_path / "description"
    folder.mkdir()
    return folder
