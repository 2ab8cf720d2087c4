# SPDX-License-Identifier: Apache-2.0
"""Results appear in the target directory whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import BuildError, HostError, PackhouseError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FULL_TEXTS = ("No space left on device", "Disk quota exceeded")


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield a private folder inside ``target``; afterwards what is in it moves up, replacing what had its name.

    On failure the folder goes and ``target`` is as it was, apart from being made when missing.

    Raises:
        HostError: the disk is full, whoever noticed: this process or a tool it ran.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".packhouse-", dir=target))
        try:
            yield stage
            for result in sorted(stage.iterdir()):
                result.replace(target / result.name)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        if error.errno in _FULL:
            raise _disk_full(target, error) from error
        raise HostError(f"results cannot be made in {target}", why=str(error)) from error
    except BuildError as error:
        if any(text in line for line in error.log_tail for text in _FULL_TEXTS):
            raise _disk_full(target, error) from error
        raise


def _disk_full(target: Path, error: OSError | PackhouseError) -> HostError:
    why = error.strerror if isinstance(error, OSError) else error.what
    free = "unknown"
    with contextlib.suppress(OSError):
        free = f"{shutil.disk_usage(target).free >> 20} MiB"
    return HostError(
        f"no space left for results in {target}",
        why=f"{why}; free now: {free}",
        hint="free some space there or choose another --target-dir",
        log_tail=error.log_tail if isinstance(error, PackhouseError) else (),
    )
