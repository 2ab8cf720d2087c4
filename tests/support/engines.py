# SPDX-License-Identifier: Apache-2.0
"""The two ways a build engine runs: as real root, and as an ordinary user with a range of subordinate ids.

Both run :mod:`tests.support.sandbox_driver` in mount and process namespaces of its own. As root the ordinary
user is ``daemon``, who gets a range in ``/etc/subuid`` and ``/etc/subgid`` for the time of the tests.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.subordinate_ids import subordinate_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMESPACES = ("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "--")
_USER = "daemon"
_RANGE = f"{_USER}:2000000000:65536\n"


@dataclass(frozen=True, slots=True)
class Ran:
    """What the driver reports; ``error`` is the class of what was raised, ``living`` the pids left in the tree."""

    seconds: float
    living: list[int]
    mode: str = ""
    returncode: int = -1
    stdout: str = ""
    error: str = ""
    text: str = ""
    tail: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to run, with a folder whose files belong to its root."""

    identity: str
    enter: tuple[str, ...]
    python: str
    folder: Path

    def run(self, mode: str, root: Path, *argv: str, env_outside: dict[str, str] | None = None, **job: Any) -> Ran:
        """Run ``argv`` in the tree ``root`` under the sandbox called ``mode``, or the one that gets chosen."""
        driver = (self.python, "-I", str(Path(__file__).with_name("sandbox_driver.py")))
        done = subprocess.run(
            [*self.enter, *_NAMESPACES, *driver],
            input=json.dumps({"mode": mode, "root": str(root), "argv": argv, **job}),
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", **(env_outside or {})},
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return Ran(**json.loads(done.stdout))

    def shell(self, script: str) -> str:
        """Run ``script`` as the engine's root, outside any sandbox."""
        argv = [*self.enter, *_NAMESPACES, "sh", "-c", script]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


@contextmanager
def root_engine() -> Iterator[Engine]:
    """Real root."""
    with _folder() as folder:
        yield Engine("root", ("unshare",), sys.executable, folder)


@contextmanager
def user_engine() -> Iterator[Engine]:
    """An ordinary user: ourselves, or ``daemon`` when we are root."""
    unshare = ("unshare", "--user", "--map-root-user", "--map-auto")
    if os.geteuid() != 0:
        with _folder() as folder:
            engine = Engine("subuid", unshare, sys.executable, folder)
            try:
                yield engine
            finally:
                engine.shell(f"rm -rf '{folder}'/*")
        return
    user = pwd.getpwnam(_USER)
    enter = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *unshare)
    with _folder() as folder, subordinate_ids(_RANGE):
        os.chown(folder, user.pw_uid, user.pw_gid)
        yield Engine("subuid", enter, _python_for(enter), folder)


def _python_for(enter: tuple[str, ...]) -> str:
    """Our own interpreter if that user may run it (a home folder may be closed), else the system's."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([*enter, python, "-I", "-c", ""], capture_output=True, check=False).returncode == 0:
            return python
    raise AssertionError("the tests need a python3 that every user may run")


@contextmanager
def _folder() -> Iterator[Path]:
    """Not below pytest's own, which only its user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="packhouse-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
