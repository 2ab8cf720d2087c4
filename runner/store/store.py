# SPDX-License-Identifier: Apache-2.0
"""Where the store is, what it is made of, and how it is kept below its size."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.store.blobs import BlobStore, disk_errors
from runner.store.layers import LayerStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ABANDONED_AFTER = 60.0
"""Seconds after which an unlocked entry of the staging area belongs to nobody."""


def default_location(env: Mapping[str, str]) -> Path:
    """``PACKHOUSE_STORE``, else ``packhouse`` in the XDG cache folder (XDG Base Directory Specification)."""
    if env.get("PACKHOUSE_STORE"):
        return Path(env["PACKHOUSE_STORE"])
    cache = env.get("XDG_CACHE_HOME") or ""
    base = Path(cache) if cache.startswith("/") else Path(env.get("HOME") or "/root") / ".cache"
    return base / "packhouse"


@dataclass(frozen=True, slots=True)
class Store:
    """The store at ``root``. Nothing is made on disk before it is needed.

    The names of scratch folders begin with ``label``, so that somebody else can tell whose they are.
    """

    root: Path
    label: str = ""

    @property
    def blobs(self) -> BlobStore:
        return BlobStore(self.root / "blobs", self.root / "staging")

    @property
    def layers(self) -> LayerStore:
        return LayerStore(self.root / "layers")

    @contextlib.contextmanager
    def scratch(self, prefix: str, *, remove: Callable[[Path], None] | None = None) -> Iterator[Path]:
        """A folder of this build's own on the store's file system, removed at the end whatever happens.

        ``remove`` deletes it where its content may have owners that only a user namespace can touch. The folder is
        locked while in use, so that what a killed build left behind can be told from what a living one needs.
        """
        staging = self.root / "staging"
        erase = remove or _erase
        with disk_errors(self.root):
            staging.mkdir(parents=True, exist_ok=True)
            self._sweep(erase)
            folder = Path(tempfile.mkdtemp(prefix=f"{self.label}{prefix}-", dir=staging))
        folder.chmod(0o755)  # programs of the tree run under other users and must pass through
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(lock)
            erase(folder)

    def _sweep(self, erase: Callable[[Path], None]) -> None:
        for entry in (self.root / "staging").iterdir():
            with contextlib.suppress(OSError):
                descriptor = os.open(entry, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    abandoned = time.time() - entry.stat().st_mtime > _ABANDONED_AFTER
                except BlockingIOError:
                    abandoned = False
                finally:
                    os.close(descriptor)
                if abandoned:
                    erase(entry)


def _erase(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
