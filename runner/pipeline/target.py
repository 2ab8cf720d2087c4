# SPDX-License-Identifier: Apache-2.0
"""The folder of results: replaced as a whole when a build succeeds, untouched otherwise."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

_RANDOM = "????????"
"""As many characters as :func:`tempfile.mkdtemp` appends."""


@contextlib.contextmanager
def staged_target(target: Path) -> Iterator[Path]:
    """A folder beside ``target`` that replaces it when the block succeeds; otherwise nothing has happened.

    What stood in ``target`` before is replaced only if it is an earlier result of ours. What a killed run left
    beside it is cleared away first.

    Raises:
        HostError: the place cannot be written to, or holds something that is not ours.
    """
    target = target.absolute()
    if target.is_dir() and any(target.iterdir()) and not any(target.glob("*.manifest.json")):
        raise HostError(
            f"{target} is not empty and holds no earlier result",
            hint="choose another --target-dir; nothing in it was touched",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.parent):
            _clear_abandoned(target)
            stage = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
            lock = _lock(stage, fcntl.LOCK_EX)
    except OSError as error:
        raise HostError(f"cannot write to {target.parent}", why=error.strerror) from error
    try:
        stage.chmod(0o755)
        yield stage
        _replace(target, stage)
    finally:
        os.close(lock)
        _remove(stage)


def _replace(target: Path, stage: Path) -> None:
    with _locked(target.parent):
        if not target.exists():
            stage.rename(target)
            return
        old = target.with_name(f".{target.name}-old-{stage.name.rpartition('-')[2]}")
        target.rename(old)
        stage.rename(target)
        _remove(old)


def _clear_abandoned(target: Path) -> None:
    """Remove folders that nobody holds any more; a result put aside when a run was killed goes back."""
    for old in target.parent.glob(f".{target.name}-old-{_RANDOM}"):
        if target.exists():
            _remove(old)
        else:
            old.rename(target)
    for stage in target.parent.glob(f".{target.name}-{_RANDOM}"):
        with contextlib.suppress(OSError):
            os.close(_lock(stage, fcntl.LOCK_EX | fcntl.LOCK_NB))
            _remove(stage)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for a moment, so that no folder in it is seen before it is locked."""
    lock = _lock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path, operation: int) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, operation)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
