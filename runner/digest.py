# SPDX-License-Identifier: Apache-2.0
"""Canonical JSON and SHA-256: how every value of the house gets its identity."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1 << 20


def canonical_json(value: Any) -> bytes:
    """Encode ``value`` as JSON with sorted keys and no white space: equal values, equal bytes."""
    return msgspec.json.encode(value, order="sorted")


def digest_of(value: Any) -> str:
    """Return the hexadecimal SHA-256 of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def sha256_bytes(data: bytes) -> str:
    """Return the hexadecimal SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of the file at ``path``."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class HashingWriter:
    """A binary sink that counts and hashes what passes through to ``sink``: no second read of a result."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        self._hash.update(data)
        self._sink.write(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        self._sink.flush()

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of everything written so far."""
        return self._hash.hexdigest()
