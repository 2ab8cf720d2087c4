# SPDX-License-Identifier: Apache-2.0
"""The folder of results: replaced as a whole when a build succeeds, untouched otherwise.

Only a folder that holds an earlier result and nothing else is replaced. Somebody's own file in it stops the build
before it starts, and is not just carried over: a release with a file that nobody vouches for does not verify.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import HostError, IntegrityError
from runner.release.files import MANIFEST_SUFFIX, ReleaseNames
from runner.storage.records import ManifestView, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 5
_STAGE, _OLD = ".stage-", ".old-"
"""What follows the target's name. No target's name makes one of them look like another target's."""
_RANDOM = "????????"
"""As many characters as :func:`tempfile.mkdtemp` appends."""


@contextlib.contextmanager
def staged_target(target: Path) -> Iterator[Path]:
    """A folder beside ``target`` that replaces it when the block succeeds; otherwise nothing has happened.

    What stood in ``target`` before is replaced only if it is an earlier result of ours. What a killed run left
    beside it is cleared away first. A link is followed: the folder that it leads to is replaced.

    Raises:
        HostError: the place cannot be written to, or holds something that is not ours.
    """
    try:
        target = target.resolve()
        _check_replaceable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.parent):
            _clear_abandoned(target)
            stage = Path(tempfile.mkdtemp(prefix=f".{target.name}{_STAGE}", dir=target.parent))
            lock = _lock(stage, fcntl.LOCK_EX)
    except (OSError, RuntimeError) as error:  # pathlib's word for a loop of links, before Python 3.13
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise HostError(f"cannot write to {target}", why=why) from error
    try:
        stage.chmod(0o755)
        yield stage
        try:
            _replace(target, stage)
        except OSError as error:
            raise HostError(f"cannot put the results into {target}", why=error.strerror) from error
    finally:
        os.close(lock)
        _remove(stage)


def _check_replaceable(target: Path) -> None:
    """Refuse to replace anything but results; what is one, the manifests there say."""
    if not target.exists():
        return
    if target.is_mount():
        raise HostError(
            f"{target} is a mount point, and results replace their folder as a whole",
            hint=f"name a folder in it: --target-dir {target / 'image'}",
        )
    try:
        known = {name for path in target.glob(f"*{MANIFEST_SUFFIX}") for name in _named_by(path)}
        strangers = sorted(item.name for item in target.iterdir() if item.name not in known or item.is_dir())
    except OSError as error:
        raise HostError(f"{target} cannot be read as a folder", why=error.strerror) from error
    if not strangers:
        return
    more = ", …" if len(strangers) > _SHOWN else ""
    raise HostError(
        f"{target} holds {'files that are no part of' if known else 'no'} earlier result",
        why=f"not ours: {', '.join(strangers[:_SHOWN])}{more}",
        hint="choose another --target-dir, or move them away; nothing was touched",
    )


def _named_by(manifest: Path) -> frozenset[str]:
    """Return the files of the release that ``manifest`` describes; none when it is no manifest of ours."""
    try:
        view = decode(manifest.read_bytes(), ManifestView, manifest.name)
    except (OSError, IntegrityError):
        return frozenset()
    names = ReleaseNames(manifest.name.removesuffix(MANIFEST_SUFFIX))
    return names.around | {artifact.name for artifact in view.artifacts}


def _replace(target: Path, stage: Path) -> None:
    with _locked(target.parent):
        if not target.exists():
            stage.rename(target)
            return
        _check_replaceable(target)  # a build takes its time, and others may have put something there
        old = target.with_name(f".{target.name}{_OLD}{stage.name.rpartition('-')[2]}")
        target.rename(old)
        try:
            stage.rename(target)
        except OSError:
            old.rename(target)
            raise
        _remove(old)


def _clear_abandoned(target: Path) -> None:
    """Remove folders that nobody holds any more; a result put aside when a run was killed goes back."""
    name = glob.escape(target.name)
    for old in target.parent.glob(f".{name}{_OLD}{_RANDOM}"):
        if target.exists():
            _remove(old)
        else:
            old.rename(target)
    for stage in target.parent.glob(f".{name}{_STAGE}{_RANDOM}"):
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
