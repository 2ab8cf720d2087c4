# SPDX-License-Identifier: Apache-2.0
"""Keep the store below its size: what was unused for longest goes first, what is in use stays."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from runner.store.layers import Layer
    from runner.store.store import Store

DEFAULT_CAP = 20 << 30
"""Bytes a store may hold."""

_JUST_MADE = 60.0
"""Seconds for which a layer is kept whatever its size: its maker may not have come to use it."""

_KEEP_AT_LEAST = 3600.0
"""Seconds for which a blob is kept whatever its size: a build that fetched it may not have used it yet."""


def evict(store: Store, cap: int = DEFAULT_CAP) -> int:
    """Remove the oldest layers, then the oldest blobs, until the store holds at most ``cap`` bytes.

    Layers go first: they are made again from blobs, and blobs may have left every mirror. Returns the bytes freed.
    """
    layers = [(layer, _layer_size(layer)) for layer in store.layers.oldest_first()]
    now = time.time()
    blobs = _blobs_oldest_first(store)
    total = sum(size for _, size in layers) + sum(size for _, _, size in blobs)
    freed = 0
    for layer, size in layers:
        if total - freed <= cap:
            return freed
        if _age(layer.path, now) < _JUST_MADE:
            break
        if store.layers.remove(layer.key):
            freed += size
    for used, path, size in blobs:
        if total - freed <= cap or now - used < _KEEP_AT_LEAST:
            break
        with contextlib.suppress(OSError):  # another user's: not ours to remove, no reason to fail
            path.unlink(missing_ok=True)
            freed += size
    return freed


def _age(path: Path, now: float) -> float:
    try:
        return now - path.stat().st_mtime
    except OSError:  # somebody else removed it meanwhile
        return 0.0


def _layer_size(layer: Layer) -> int:
    """Return the bytes of a layer: it never changes, so it is measured once and the number kept beside it."""
    mark = layer.path / "size"
    with contextlib.suppress(OSError, ValueError):
        return int(mark.read_text(encoding="ascii"))
    size = folder_size(layer.path)
    with contextlib.suppress(OSError):
        used = layer.path.stat()
        mark.write_text(str(size), encoding="ascii")
        os.utime(layer.path, ns=(used.st_atime_ns, used.st_mtime_ns))  # measuring is no use of it
    return size


def folder_size(folder: Path) -> int:
    """Return the bytes of all files below ``folder``, as their file system counts blocks."""
    total = 0
    waiting = [os.fspath(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total


def _blobs_oldest_first(store: Store) -> list[tuple[float, Path, int]]:
    found = []
    for path in store.blobs.root.glob("sha256/*/*"):
        with contextlib.suppress(OSError):
            info = path.stat()
            found.append((info.st_mtime, path, info.st_size))
    return sorted(found)
