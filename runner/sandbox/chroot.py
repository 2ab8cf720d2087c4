# SPDX-License-Identifier: Apache-2.0
"""The last choice: chroot(2), for root in a container that may make no namespaces and mount nothing.

The filter still keeps programs off the network, and they see no files but the tree's. There is no ``/proc``, and
processes of the container are not hidden: one that sets out to harm the build can. That is for
trusted descriptions; the manifest says which isolation a build had.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from runner import process
from runner.errors import HostError
from runner.sandbox import environment
from runner.sandbox.launch import launch
from runner.sandbox.mountpoints import mount_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.process import Completed, LineSink
    from runner.redact import Redactor
    from runner.sandbox.api import Bind, Command, Isolation

CAPABILITIES = tuple(name for name in environment.CAPABILITIES if name != "CAP_SYS_CHROOT")
"""With the right to change the root a program could leave it."""


@dataclass(frozen=True, slots=True)
class Chroot:
    """Runs commands with the tree as root directory, filtered, with few capabilities; nothing else is hidden."""

    mode: ClassVar[Isolation] = "chroot"
    redact: Redactor | None = None
    processes: int = environment.PROCESSES

    def run(self, command: Command, *, sink: LineSink | None = None, check: bool = True) -> Completed:
        with ExitStack() as stack:
            stack.enter_context(mount_points(command))
            stack.enter_context(_devices(command.root))
            for bind in command.binds:
                stack.enter_context(_shown(command.root, bind))
            return launch(
                command, CAPABILITIES, processes=self.processes, sink=sink, redact=self.redact, check=check
            )


def try_devices() -> None:
    """Make a device file somewhere and remove it.

    Raises:
        HostError: this machine does not let us, and so there is no chroot.
    """
    with tempfile.TemporaryDirectory() as folder:
        _make_device(Path(folder) / "null", os.makedev(*environment.DEVICES["null"]))


@contextmanager
def _devices(root: Path) -> Iterator[None]:
    """Make the devices of the sandbox in the tree's own ``/dev``, and remove them afterwards.

    Raises:
        HostError: this machine does not let us; without ``/dev/null`` nothing works.
    """
    made: list[Path] = []
    try:
        for name, (major, minor) in environment.DEVICES.items():
            path = root / "dev" / name
            if path.exists() or path.is_symlink():
                continue
            _make_device(path, os.makedev(major, minor))
            made.append(path)
        yield
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def _make_device(path: Path, number: int) -> None:
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, number)
    except OSError as error:
        raise HostError(
            f"device files cannot be made in {path.parent}",
            why=error.strerror,
            hint="give the container the capability MKNOD, or let it make namespaces and install bubblewrap",
        ) from error
    path.chmod(0o666)  # whatever the umask


@contextmanager
def _shown(root: Path, bind: Bind) -> Iterator[None]:
    """Copy what would be mounted to its mount point, and empty that afterwards.

    Raises:
        HostError: the program should write to it, which a copy cannot give.
    """
    if bind.writable:
        raise HostError(
            f"{bind.source} cannot be shown writable at {bind.target}",
            why="this machine lets us mount nothing",
            hint="run where namespaces can be made; see: packhouse doctor",
        )
    target = root / bind.target.lstrip("/")
    options = ("--archive", "--reflink=auto", "--no-target-directory")
    process.run(["cp", *options, str(bind.source), str(target)], what=f"copying {bind.source}")
    try:
        yield
    finally:
        _empty(target)


def _empty(target: Path) -> None:
    if target.is_dir():
        process.run(["find", target, "-mindepth", "1", "-delete"], what=f"emptying {target}")
    else:
        target.unlink(missing_ok=True)
