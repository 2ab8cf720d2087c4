# SPDX-License-Identifier: Apache-2.0
"""Where the store is, what it is made of, and how it is kept below its size."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.store.blobs import BlobStore, disk_errors
from runner.store.layers import LayerStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def default_location(env: Mapping[str, str]) -> Path:
    """``PACKHOUSE_STORE``, else ``packhouse`` in the XDG cache folder (XDG Base Directory Specification)."""
    if env.get("PACKHOUSE_STORE"):
        return Path(env["PACKHOUSE_STORE"])
    cache = env.get("XDG_CACHE_HOME") or ""
    base = Path(cache) if cache.startswith("/") else Path(env.get("HOME") or "/root") / ".cache"
    return base / "packhouse"


@dataclass(frozen=True, slots=True)
class Store:
    """The store at ``root``. Nothing is made on disk before it is needed."""

    root: Path

    @property
    def blobs(self) -> BlobStore:
        return BlobStore(self.root / "blobs", self.root / "staging")

    @property
    def layers(self) -> LayerStore:
        return LayerStore(self.root / "layers", self.root / "staging")

    @contextlib.contextmanager
    def scratch(self, prefix: str) -> Iterator[Path]:
        """A folder of this build's own on the store's file system, removed at the end whatever happens."""
        staging = self.root / "staging"
        with disk_errors(self.root):
            staging.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=staging))
        folder.chmod(0o755)  # programs of the tree run under other users and must pass through
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
