# SPDX-License-Identifier: Apache-2.0
"""Run a command as if on another machine: host name, clock 400 days on, time zone, language, umask, one processor.

The real clock cannot be namespaced, so libfaketime shifts what programs see of it: for programs of this machine by
``/etc/ld.so.preload`` in a mount namespace of their own (no environment can undo it), for programs inside a
build's sandbox by a ``bwrap`` that brings the library along. The tree itself holds no trace of either.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.packhouse import PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

HOSTNAME = "elsewhere"
SHIFT_DAYS = 400
ENVIRONMENT = {"TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "tr"}

_BWRAP = """\
#!/bin/bash
arguments=()
for argument; do
    if [ "$argument" = --chdir ]; then
        arguments+=(--ro-bind {library} /dev/faketime.so --setenv LD_PRELOAD /dev/faketime.so)
        arguments+=(--setenv FAKETIME +{days}d --setenv FAKETIME_NO_CACHE 1)
        # Without this a file seems as much newer as the clock is on, and tools copy that to other files.
        arguments+=(--setenv NO_FAKE_STAT 1)
    fi
    arguments+=("$argument")
done
exec {real} "${{arguments[@]}}"
"""

_ENTER = """\
set -e
mount -t overlay overlay -o lowerdir=/etc,upperdir={work}/upper,workdir={work}/work /etc
mount --bind {work}/bwrap {bwrap}
hostname {hostname}
umask 077
exec taskset --cpu-list {cpu} "$@"
"""


def build_elsewhere(work: Path, store: Path, *args: str | Path, env: dict[str, str] | None = None) -> None:
    """Run ``packhouse build ARGS`` elsewhere, with all that it needs in the new folder ``work``."""
    (work / "tmp").mkdir(parents=True)
    environment = {**os.environ, **ENVIRONMENT, "TMPDIR": str(work / "tmp"), "HOME": str(work), **(env or {})}
    environment["PYTHONPATH"] = str(PROJECT)
    command = [sys.executable, "-m", "runner", "--json", "--store", store, "build", *args]
    done = subprocess.run(
        elsewhere(work / "world", command), env=environment, cwd=work, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    assert not list((work / "tmp").iterdir())


def missing() -> str:
    """What is not here that this needs; empty when all is."""
    if os.geteuid() != 0:
        return "needs root"
    tools = [name for name in ("bwrap", "unshare", "taskset", "mount") if shutil.which(name) is None]
    return ", ".join(tools) or ("" if _library() else "libfaketime")


def elsewhere(work: Path, command: Sequence[str | Path]) -> list[str | Path]:
    """Return the argument list that runs ``command`` elsewhere; ``work`` is an empty folder for its needs."""
    (work / "work").mkdir(parents=True)
    upper = work / "upper"
    upper.mkdir()
    bwrap = Path(shutil.which("bwrap") or "")
    real = Path(shutil.copy2(bwrap, work / "real-bwrap"))
    (work / "bwrap").write_text(_BWRAP.format(library=_library(), days=SHIFT_DAYS, real=real))
    (work / "bwrap").chmod(0o755)
    (upper / "ld.so.preload").write_text(f"{_library()}\n")
    (upper / "faketimerc").write_text(f"+{SHIFT_DAYS}d\n")
    cpu = min(os.sched_getaffinity(0))
    script = _ENTER.format(work=work, bwrap=bwrap, hostname=HOSTNAME, cpu=cpu)
    return ["unshare", "--mount", "--propagation", "private", "--uts", "--", "sh", "-c", script, "sh", *command]


def _library() -> str:
    return next(map(str, Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")
