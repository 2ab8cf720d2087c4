# SPDX-License-Identifier: Apache-2.0
"""Finished folders by key: root trees, overlays on them, results.

How a layer survives a crash: it is made in the staging area and renamed into place in one step, so a half-made one
is never seen. Its *data*, though, may not have reached the disk when the machine dies: the rename can survive what
it names. Flushing 300 MB before each rename would cost more than the build, so a layer instead records the boot it
was made in. In that boot the page cache is the truth. Reuse in the same boot flushes it (by then the kernel mostly
has) and marks it as flushed; a layer of an earlier boot without that mark is discarded.

How readers and eviction agree: who uses a layer holds a shared lock on ``<key>.lock`` beside it; who removes one
needs the exclusive lock.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.store.blobs import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_WRITTEN_BACK_AFTER = 60.0
"""Seconds after which the kernel has written dirty pages by itself (twice its default expiry)."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A finished folder in the store. ``content`` must not be changed."""

    key: str
    path: Path

    @property
    def content(self) -> Path:
        return self.path / "content"


@dataclass(frozen=True, slots=True)
class LayerStore:
    """Layers below ``root``, one folder each with its content and the marks of its state."""

    root: Path

    @contextlib.contextmanager
    def use(self, key: str) -> Iterator[Layer | None]:
        """Yield the layer ``key``, protected from eviction while the block runs, or None (and no lock is held)."""
        with contextlib.ExitStack() as held:
            held.enter_context(self._locked(key, fcntl.LOCK_SH))
            layer = Layer(key, self.root / key)
            if layer.content.is_dir() and self._survived(layer):
                os.utime(layer.path)
                yield layer
                return
        yield None

    def adopt(self, key: str, folder: Path) -> None:
        """Show the finished ``folder`` (on the same file system) as layer ``key``; ``folder`` is gone afterwards.

        If somebody else finished the same layer meanwhile, theirs stays: equal keys mean equal content.
        """
        with disk_errors(self.root):
            staged = folder.with_name(f"{folder.name}.layer")
            staged.mkdir()
            folder.rename(staged / "content")
            (staged / "boot").write_text(_BOOT_ID.read_text())
            with self._locked(key, fcntl.LOCK_EX):
                target = self.root / key
                if target.exists() and not self._survived(Layer(key, target)):
                    shutil.rmtree(target)
                if not target.exists():
                    staged.rename(target)
            if staged.exists():
                shutil.rmtree(staged)

    def remove(self, key: str) -> bool:
        """Remove a layer nobody uses. Returns whether it is gone."""
        with self._locked(key, fcntl.LOCK_EX | fcntl.LOCK_NB) as held:
            if not held:
                return False
            # Marks first: without them what a killed removal leaves behind is nobody's layer.
            for mark in ("flushed", "boot"):
                try:
                    (self.root / key / mark).unlink(missing_ok=True)
                except OSError:  # another user's
                    return False
            shutil.rmtree(self.root / key, ignore_errors=True)
            return True

    def oldest_first(self) -> list[Layer]:
        """All layers, the one unused for longest first."""
        if not self.root.is_dir():
            return []
        found = []
        for path in self.root.iterdir():
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                if path.is_dir():
                    found.append((path.stat().st_mtime_ns, path))
        return [Layer(path.name, path) for _, path in sorted(found)]

    @staticmethod
    def _survived(layer: Layer) -> bool:
        flushed = layer.path / "flushed"
        if flushed.exists():
            return True
        boot = layer.path / "boot"
        if not boot.exists() or boot.read_text() != _BOOT_ID.read_text():
            return False
        if time.time() - boot.stat().st_mtime > _WRITTEN_BACK_AFTER:
            _flush_file_system(layer.content)
            flushed.touch()
        return True

    @contextlib.contextmanager
    def _locked(self, key: str, operation: int) -> Iterator[bool]:
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.root / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, operation)
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(descriptor)


def _flush_file_system(folder: Path) -> None:
    """syncfs(2) on the file system that holds ``folder``; Python has no call of its own for it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        ctypes.CDLL(None, use_errno=True).syncfs(descriptor)
    finally:
        os.close(descriptor)
