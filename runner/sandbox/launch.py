# SPDX-License-Identifier: Apache-2.0
"""Hand a command to our own launcher program; what the ``unshare`` and ``chroot`` sandboxes share."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runner import process
from runner.sandbox import environment, launcher, seccomp
from runner.sandbox.pids import bounded
from runner.sandbox.strays import none_left

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.process import Completed, LineSink
    from runner.redact import Redactor
    from runner.sandbox.api import Command

OWN_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
"""What a launcher itself gets: the program can read it in ``/proc/1/environ``."""

_START = "import sys; sys.path.append(sys.argv[1]); import launcher; sys.exit(launcher.main())"
"""Imported and not run as a file, so that its compiled form is used."""


def launch(
    command: Command,
    capabilities: Sequence[str],
    namespaces: Sequence[str] = (),
    *,
    processes: int,
    sink: LineSink | None,
    redact: Redactor | None,
    check: bool,
) -> Completed:
    """Run ``command`` by the launcher, in the namespaces that the argument list ``namespaces`` enters first.

    It may have so many ``processes`` at once.
    """
    spec = launcher.Spec(
        root=str(command.root.resolve()),
        argv=list(command.argv),
        env=environment.environment(command.env, command.cwd),
        cwd=command.cwd,
        isolate=bool(namespaces),
        hostname=environment.HOSTNAME,
        umask=environment.UMASK,
        binds=[(str(bind.source.resolve()), bind.target, bind.writable) for bind in command.binds],
        devices=sorted(environment.DEVICES),
        memory_files=environment.MEMORY_FILES,
        read_only=list(environment.PROC_READ_ONLY),
        capabilities=[environment.CAPABILITY_NUMBERS[name] for name in capabilities],
        program=seccomp.program(),
    )
    interpreter = (sys.executable, "-I", "-S", "-c", _START, str(Path(launcher.__file__).parent))
    with none_left(command.root), bounded(processes) as bound, inheritable(spec.dump()) as descriptor:
        return process.run(
            [*bound, *namespaces, *interpreter, str(descriptor)],
            env=OWN_ENVIRONMENT,
            stdin=command.stdin,
            sink=sink,
            redact=redact,
            limits=command.limits,
            pass_fds=(descriptor,),
            check=check,
            what=command.what or command.argv[0],
        )


def program(name: str) -> str:
    """Return the absolute path of a launcher's program, or ``name`` when it is not installed."""
    return shutil.which(name, path=process.tool_environment()["PATH"]) or name


@contextmanager
def inheritable(content: bytes) -> Iterator[int]:
    """Yield a descriptor from which a child can read ``content`` once."""
    descriptor = os.memfd_create("sandbox", 0)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as stream:
            stream.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
