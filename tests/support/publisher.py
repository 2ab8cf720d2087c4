# SPDX-License-Identifier: Apache-2.0
"""A publisher to kill: ``publisher.py URL DIRECTORY CHANNEL AT`` kills itself with SIGKILL at step AT.

Steps are every call of the storage, before and after, and every flush, link and part in it. Prints what happened
and how many steps there were.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.storage.location import open_storage
from runner.storage.publish import publish_release
from tests.support.releases import Counter, FaultyStorage

if TYPE_CHECKING:
    from collections.abc import Callable


def main(url: str, directory: str, channel: str, at: str) -> None:
    step = Counter(int(at), lambda: os.kill(os.getpid(), signal.SIGKILL))
    for name in ("fsync", "link"):
        setattr(os, name, _around(getattr(os, name), step))
    storage = FaultyStorage(open_storage(url), step)
    published = publish_release(storage, Path(directory), channel=channel, progress=lambda *_: step())
    print(json.dumps({"number": published.number, "created": published.created, "steps": step.count}))  # noqa: T201


def _around(function: Callable[..., Any], step: Counter) -> Callable[..., Any]:
    def wrapped(*args: Any, **options: Any) -> Any:
        step()
        answer = function(*args, **options)
        step()
        return answer

    return wrapped


if __name__ == "__main__":
    main(*sys.argv[1:])
