# SPDX-License-Identifier: Apache-2.0
"""The first choice: bubblewrap, the smallest audited launcher (bwrap(1), version 0.8 or newer)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from runner import process
from runner.sandbox import environment, seccomp
from runner.sandbox.mountpoints import mount_points

if TYPE_CHECKING:
    from runner.process import Completed, LineSink
    from runner.redact import Redactor
    from runner.sandbox.api import Command


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Runs commands with their own user-visible world: tree as root, no network, own processes.

    Must run as (real or namespaced) root: it makes no user namespace of its own, so that owners in the tree are
    real.
    """

    mode: ClassVar[str] = "bwrap"
    redact: Redactor | None = None

    def run(self, command: Command, *, sink: LineSink | None = None, check: bool = True) -> Completed:
        with mount_points(command), seccomp_fd() as filter_fd:
            return process.run(
                self._argv(command, filter_fd),
                env={"PATH": os.environ.get("PATH", os.defpath)},
                stdin=command.stdin,
                sink=sink,
                redact=self.redact,
                limits=command.limits,
                pass_fds=(filter_fd,),
                check=check,
                what=command.what or command.argv[0],
            )

    @staticmethod
    def _argv(command: Command, filter_fd: int) -> list[str]:
        argv = [
            "bwrap",
            "--unshare-pid",
            "--unshare-net",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
            *("--hostname", environment.HOSTNAME),
            "--die-with-parent",
            "--new-session",
            *("--cap-drop", "ALL"),
        ]
        for capability in environment.CAPABILITIES:
            argv += ["--cap-add", capability]
        argv += ["--bind", str(command.root), "/", "--proc", "/proc", "--dev", "/dev"]
        # As real root the kernel's settings are writable by ownership, whatever the capabilities.
        argv += [
            "--ro-bind",
            "/proc/sys",
            "/proc/sys",
            "--ro-bind-try",
            "/proc/sysrq-trigger",
            "/proc/sysrq-trigger",
        ]
        argv += ["--perms", "1777", "--tmpfs", "/dev/shm"]  # noqa: S108  # the sandbox's own
        for bind in command.binds:
            argv += ["--bind" if bind.writable else "--ro-bind", str(bind.source), bind.target]
        argv += ["--seccomp", str(filter_fd), "--clearenv"]
        for name, value in sorted(environment.environment(command.env).items()):
            argv += ["--setenv", name, value]
        return [*argv, "--chdir", command.cwd, "--", *command.argv]


class seccomp_fd:  # noqa: N801  # used as a context manager, like those of contextlib
    """An inheritable descriptor from which the filter program can be read once."""

    def __enter__(self) -> int:
        self._fd = os.memfd_create("seccomp", 0)
        os.write(self._fd, seccomp.program())
        os.lseek(self._fd, 0, os.SEEK_SET)
        return self._fd

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
