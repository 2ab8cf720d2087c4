# SPDX-License-Identifier: Apache-2.0
"""The compressions of package members (deb(5)): none, gzip, xz and Zstandard, streamed, checked to their end."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHUNK = 1 << 20


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, /) -> bytes: ...


class _Stored:
    eof = True

    @staticmethod
    def decompress(data: bytes, /) -> bytes:
        return data


def decompress(chunks: Iterable[bytes], kind: str) -> Iterator[bytes]:
    """Yield the content of ``chunks``, compressed as ``kind`` says (empty, ``gz``, ``xz`` or ``zst``).

    Raises:
        ValueError: an unknown compression, or data that ends too early.
        Exception: one of :func:`malformed_errors` for damaged data.
    """
    decompressor = _decompressor(kind)
    for chunk in chunks:
        if out := decompressor.decompress(chunk):
            yield out
    if not decompressor.eof:
        raise ValueError(f"the {kind} data is cut off")


def decompressed(data: bytes, kind: str, *, limit: int) -> bytes:
    """Return the whole content of ``data``, which must not be larger than ``limit`` bytes.

    Raises:
        ValueError: it is larger; else as :func:`decompress`.
    """
    parts: list[bytes] = []
    size = 0
    # Small pieces, so that a bomb is seen before it has gone off.
    pieces = (data[start : start + 4096] for start in range(0, len(data), 4096))
    for part in decompress(pieces, kind):
        size += len(part)
        if size > limit:
            raise ValueError(f"it unpacks to more than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def malformed_errors() -> tuple[type[Exception], ...]:
    """Whatever the readers of archives and compressed data raise for damaged input."""
    import zstandard

    return (
        ValueError,
        EOFError,
        KeyError,
        OverflowError,
        tarfile.TarError,
        lzma.LZMAError,
        zlib.error,
        zstandard.ZstdError,
    )


def _decompressor(kind: str) -> _Decompressor:
    if kind == "":
        return _Stored()
    if kind == "xz":
        return lzma.LZMADecompressor()
    if kind == "gz":
        return zlib.decompressobj(wbits=31)
    if kind == "zst":
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj()
    raise ValueError(f"compression {kind!r} is not known")
