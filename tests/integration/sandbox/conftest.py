# SPDX-License-Identifier: Apache-2.0
"""A tree and a sandbox in each way it can be had: real root or subordinate ids, by each backend."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import engines, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.engines import Engine, Ran

_WAYS = {"root": ("bwrap", "unshare", "chroot"), "subuid": ("bwrap", "unshare")}
_CALLS = {
    "x86_64": {"prctl": 157, "capget": 125, "unshare": 272, "fsync": 74, "mount": 165, "setsid": 112},
    "aarch64": {"prctl": 167, "capget": 90, "unshare": 97, "fsync": 82, "mount": 40, "setsid": 157},
}


@dataclass(frozen=True, slots=True)
class World:
    """A tree, and the sandbox to run in."""

    engine: Engine
    mode: str
    root: Path

    @property
    def is_isolated(self) -> bool:
        """Whether it has namespaces, and ``/proc``."""
        return self.mode != "chroot"

    def run(self, *argv: str, **job: Any) -> Ran:
        job["env"] = {"LC_ALL": "C", **job.get("env", {})}
        return self.engine.run(self.mode, self.root, *argv, **job)

    def sh(self, script: str, **job: Any) -> Ran:
        return self.run("sh", "-c", script, **job)

    def perl(self, program: str, **job: Any) -> Ran:
        """Run a perl program; see :meth:`source`."""
        return self.run("perl", "-e", self.source(program), **job)

    @staticmethod
    def source(program: str) -> str:
        """Return ``program`` with ``call(NAME, …)``, which makes a system call and tells its ``errno``."""
        table = ", ".join(f"{name} => {number}" for name, number in _CALLS[platform.machine()].items())
        return (
            f"use strict; use warnings; use Socket; my %nr = ({table}, io_uring_setup => 425);"
            "sub call { my $nr = $nr{+shift} // die; $! = 0;"
            " my $r = syscall($nr, @_); return $r == -1 ? 'errno ' . ($!+0) : $r }"
            f"$| = 1; {program}"
        )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            (identity, mode), id=f"{identity}-{mode}", marks=[pytest.mark.root] if identity == "root" else []
        )
        for identity, modes in _WAYS.items()
        for mode in modes
    ],
)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    identity, mode = request.param
    with engines.root_engine() if identity == "root" else engines.user_engine() as engine:
        root = tree.build(engine.folder / "tree")
        if os.geteuid() == 0:
            owner = engine.folder.stat()
            for path in (root, *root.rglob("*")):
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        yield World(engine, mode, root)
