# SPDX-License-Identifier: Apache-2.0
"""Take the strongest sandbox that works here."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from runner import process
from runner.errors import HostError, PackhouseError, UsageError
from runner.sandbox import environment
from runner.sandbox.api import Command
from runner.sandbox.bubblewrap import Bubblewrap
from runner.sandbox.chroot import Chroot, try_devices
from runner.sandbox.unshare import Unshare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.redact import Redactor
    from runner.sandbox.api import Sandbox

VARIABLE, PROCESSES = "PACKHOUSE_SANDBOX", "PACKHOUSE_PROCESSES"
OLDEST_BUBBLEWRAP = (0, 8)

_PROBE = Command(root=Path("/"), argv=("true",), limits=process.Limits(seconds=20))


def choose(redact: Redactor | None = None, env: Mapping[str, str] = os.environ) -> Sandbox:
    """Return bubblewrap, else unshare, else chroot: the first that runs a program here and now.

    ``PACKHOUSE_SANDBOX`` in ``env`` names one to use instead, and no other; ``PACKHOUSE_PROCESSES`` says how many
    processes a program may have at once.

    Raises:
        UsageError: that names none of the three, or is no number.
        HostError: none works; the reasons are in the error.
    """
    processes = _processes(env.get(PROCESSES, ""))
    known: dict[str, Sandbox] = {kind.mode: kind(redact, processes) for kind in (Bubblewrap, Unshare, Chroot)}
    wanted = env.get(VARIABLE, "")
    if wanted and wanted not in known:
        raise UsageError(f"{VARIABLE} names no sandbox: {wanted!r}", hint=f"use one of: {', '.join(known)}")
    reasons: list[str] = []
    for mode in [wanted] if wanted else known:
        reason = why_not(known[mode])
        if reason is None:
            return known[mode]
        reasons.append(f"{mode}: {reason}")
    raise HostError(
        "programs of the image cannot be run in isolation on this machine",
        why="; ".join(reasons),
        hint="install bubblewrap; in a container also allow namespaces. See: packhouse doctor",
    )


def _processes(wanted: str) -> int:
    if not wanted:
        return environment.PROCESSES
    if not (wanted.isascii() and wanted.isdecimal() and 0 < int(wanted) <= environment.MOST_PROCESSES):
        raise UsageError(
            f"{PROCESSES} is no number of processes: {wanted!r}", hint=f"1 to {environment.MOST_PROCESSES}"
        )
    return int(wanted)


def why_not(sandbox: Sandbox) -> str | None:
    """Return why ``sandbox`` does not work here, or None when it does. Takes some 10 ms."""
    try:
        if isinstance(sandbox, Bubblewrap):
            version = bubblewrap_version()
            if version < OLDEST_BUBBLEWRAP:
                return f"version {'.'.join(map(str, version))} is too old"
        if isinstance(sandbox, Chroot):
            try_devices()
        sandbox.run(_PROBE)
    except PackhouseError as error:
        return " ".join((error.what, *error.log_tail[-1:]))
    return None


def bubblewrap_version() -> tuple[int, ...]:
    """Return the version of bubblewrap.

    Raises:
        HostError: it is not installed.
    """
    said = process.run(["bwrap", "--version"], limits=process.Limits(seconds=20)).stdout.decode()
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", said)
    return tuple(int(part) for part in found.groups(default="0")) if found else ()
