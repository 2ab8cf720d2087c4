# SPDX-License-Identifier: Apache-2.0
"""The first choice: bubblewrap, the smallest audited launcher (bwrap(1), version 0.8 or newer)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from runner import process
from runner.sandbox import environment, seccomp
from runner.sandbox.launch import OWN_ENVIRONMENT, inheritable, program
from runner.sandbox.mountpoints import mount_points
from runner.sandbox.pids import bounded
from runner.sandbox.strays import none_left

if TYPE_CHECKING:
    from runner.process import Completed, LineSink
    from runner.redact import Redactor
    from runner.sandbox.api import Command, Isolation


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Runs commands with their own user-visible world: tree as root, no network, own processes.

    Must run as (real or namespaced) root: it makes no user namespace of its own, so that owners in the tree are
    real.
    """

    mode: ClassVar[Isolation] = "bwrap"
    redact: Redactor | None = None
    processes: int = environment.PROCESSES

    def run(self, command: Command, *, sink: LineSink | None = None, check: bool = True) -> Completed:
        with (
            mount_points(command),
            none_left(command.root),
            bounded(self.processes) as bound,
            inheritable(seccomp.program()) as filter_fd,
        ):
            return process.run(
                [*bound, *self._argv(command, filter_fd)],
                env=OWN_ENVIRONMENT,
                stdin=command.stdin,
                sink=sink,
                redact=self.redact,
                limits=command.limits,
                pass_fds=(filter_fd,),
                umask=environment.UMASK,
                check=check,
                what=command.what or command.argv[0],
            )

    @staticmethod
    def _argv(command: Command, filter_fd: int) -> list[str]:
        argv = [
            *_without_groups(),
            program("bwrap"),
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
        for name in environment.PROC_READ_ONLY:
            argv += ["--ro-bind-try", f"/proc/{name}", f"/proc/{name}"]
        size = str(environment.MEMORY_FILES)
        argv += ["--perms", "1777", "--size", size, "--tmpfs", "/dev/shm"]  # noqa: S108  # the sandbox's own
        for bind in command.binds:
            argv += ["--bind" if bind.writable else "--ro-bind", str(bind.source), bind.target]
        argv += ["--seccomp", str(filter_fd), "--clearenv"]
        for name, value in sorted(environment.environment(command.env, command.cwd).items()):
            argv += ["--setenv", name, value]
        return [*argv, "--chdir", command.cwd, "--", *command.argv]


def _without_groups() -> tuple[str, ...]:
    """Bubblewrap keeps the caller's supplementary groups, which say something about this machine."""
    return (program("setpriv"), "--clear-groups", "--") if set(os.getgroups()) - {0} else ()
