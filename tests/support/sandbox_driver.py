# SPDX-License-Identifier: Apache-2.0
"""Stand-in for the build engine: runs one sandbox command, described as JSON on standard input, and reports it.

It uses the standard library and the package alone, so that a plain interpreter can run it as another user.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from runner import process
from runner.errors import PackhouseError
from runner.sandbox.api import Bind, Command
from runner.sandbox.bubblewrap import Bubblewrap
from runner.sandbox.choose import choose
from runner.sandbox.chroot import Chroot
from runner.sandbox.strays import living_in
from runner.sandbox.unshare import Unshare

_KNOWN: dict[str, type[Bubblewrap | Unshare | Chroot]] = {
    "bwrap": Bubblewrap,
    "unshare": Unshare,
    "chroot": Chroot,
}


def answer(job: dict[str, Any]) -> dict[str, object]:
    """Run the command of ``job`` and return what came of it."""
    root = Path(job["root"])
    command = Command(
        root=root,
        argv=tuple(job["argv"]),
        env=job.get("env", {}),
        cwd=job.get("cwd", "/"),
        binds=tuple(Bind(Path(source), target, writable) for source, target, writable in job.get("binds", ())),
        stdin=job["stdin"].encode() if job.get("stdin") is not None else None,
        limits=process.Limits(job.get("seconds", 60.0), job.get("output_bytes", 1 << 20)),
    )
    os.umask(job.get("umask", 0o022))
    began = time.monotonic()
    try:
        sandbox = _KNOWN[job["mode"]]() if job["mode"] in _KNOWN else choose()
        done = sandbox.run(command, check=job.get("check", False))
    except PackhouseError as error:
        outcome: dict[str, object] = {"error": type(error).__name__, "text": str(error), "tail": error.log_tail}
    else:
        outcome = {
            "mode": sandbox.mode,
            "returncode": done.returncode,
            "stdout": done.stdout.decode(),
            "tail": done.tail,
        }
    return {**outcome, "seconds": time.monotonic() - began, "living": living_in(root)}


if __name__ == "__main__":
    print(json.dumps(answer(json.load(sys.stdin))))  # noqa: T201
