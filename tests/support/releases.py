# SPDX-License-Identifier: Apache-2.0
"""Small releases to publish, and storages that fail when told to."""

from __future__ import annotations

import json
import threading
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from runner.storage.api import ObjectInfo, Progress, Storage, silent
from runner.storage.publish import PackageBlob

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path


def make_release(
    directory: Path, *, image: str = "Test_Image", version: str = "1.0.0", seed: str = "", size: int = 3000
) -> Path:
    """Write a release as the release stage leaves it: artifact, lock, checksums, attestation, manifest."""
    directory.mkdir(parents=True)
    stem = f"{image}.x86_64-{version}"
    artifact = (sha256(f"{image} {version} {seed}".encode()).digest() * (size // 32 + 1))[:size]
    files = {
        f"{stem}.tar.xz": artifact,
        f"{stem}.packages": b"base-files|(none)|12\n",
        f"{stem}.intoto.jsonl": b'{"payload":"' + seed.encode() + b'"}\n',
        "packhouse.lock.json": b"{}\n",
    }
    manifest = {
        "schema": "urn:packhouse:schema:manifest:v1",
        "image": {"name": image, "version": version, "arch": "x86_64"},
        "build": {"id": seed or "1", "key": sha256(f"{image}{version}".encode()).hexdigest()},
        "artifacts": [
            {
                "name": f"{stem}.tar.xz",
                "size": size,
                "digest": {"sha256": sha256(artifact).hexdigest()},
                "role": "x",
            }
        ],
    }
    files[f"{stem}.manifest.json"] = json.dumps(manifest).encode()
    sums = "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    files["SHA256SUMS"] = sums.encode()
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


def make_packages(directory: Path, count: int = 2) -> list[PackageBlob]:
    """Write package files and describe them."""
    directory.mkdir(parents=True)
    blobs = []
    for number in range(count):
        data = f"package {number}".encode() * 100
        path = directory / f"p{number}.deb"
        path.write_bytes(data)
        blobs.append(PackageBlob(path, sha256(data).hexdigest(), len(data), path.name))
    return blobs


def contents(directory: Path) -> dict[str, bytes]:
    """All files of a directory, hidden ones too."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


Answer = TypeVar("Answer")


class Counter:
    """Counts steps over all threads and acts at the one chosen."""

    def __init__(self, at: int = 0, action: Callable[[], None] = lambda: None) -> None:
        self._at = at
        self._action = action
        self._lock = threading.Lock()
        self.count = 0

    def __call__(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == self._at:
                self._action()


class FaultyStorage:
    """A storage that runs ``step`` before and after every call."""

    def __init__(self, inner: Storage, step: Callable[[], None]) -> None:
        self._inner = inner
        self._step = step

    @property
    def url(self) -> str:
        return self._inner.url

    def put_blob(self, path: Path, sha256: str, size: int, progress: Progress = silent) -> bool:
        return self._around(lambda: self._inner.put_blob(path, sha256, size, progress))

    def put_if_absent(self, key: str, data: bytes) -> bool:
        return self._around(lambda: self._inner.put_if_absent(key, data))

    def get(self, key: str, max_bytes: int) -> bytes:
        return self._around(lambda: self._inner.get(key, max_bytes))

    def head(self, key: str) -> ObjectInfo | None:
        return self._around(lambda: self._inner.head(key))

    def list(self, folder: str) -> Iterator[str]:
        return self._around(lambda: self._inner.list(folder))

    def stream(self, key: str, offset: int = 0) -> Generator[bytes, None, None]:
        return self._around(lambda: self._inner.stream(key, offset))

    def _around(self, call: Callable[[], Answer]) -> Answer:
        self._step()
        answer = call()
        self._step()
        return answer
