# SPDX-License-Identifier: Apache-2.0
"""Package files with their payload decompressed, so that dpkg, which works alone and in order, need not.

Decompressing is a third of an installation and the only part that can use all processors. The payload stays as it
is inside an otherwise identical package (``data.tar`` without ending, allowed by deb(5)): same dpkg, same scripts.
"""

from __future__ import annotations

import lzma
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Protocol

from runner.store.blobs import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from runner.packages.apt.deb import Deb

_CHUNK = 1 << 20
_HEADER = "{name:<16}{time:<12}{owner:<6}{group:<6}{mode:<8}{size:<10}`\n"


class _Decompressor(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...


class _Stored:
    @staticmethod
    def decompress(data: bytes, /) -> bytes:
        return data


def unpack_all(debs: Sequence[Deb], folder: Path) -> dict[Path, Path]:
    """Write a decompressed twin of each package into ``folder``; return original path → twin."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(debs, key=lambda deb: -deb.data_size)
    with disk_errors(folder), ThreadPoolExecutor(os.cpu_count() or 1) as workers:
        twins = list(workers.map(lambda deb: _unpack(deb, folder / f"{deb.path.name}.deb"), ordered))
    return {deb.path: twin for deb, twin in zip(ordered, twins, strict=True)}


def _unpack(deb: Deb, target: Path) -> Path:
    start = deb.data_offset - 60
    with deb.path.open("rb") as source, target.open("wb") as sink:
        sink.write(source.read(start))
        source.seek(deb.data_offset)
        header_at = sink.tell()
        sink.write(b"\0" * 60)
        size = 0
        for chunk in _payload(source, deb):
            size += len(chunk)
            sink.write(chunk)
        if size % 2:
            sink.write(b"\n")
        sink.seek(header_at)
        sink.write(
            _HEADER.format(name="data.tar", time=deb.built, owner=0, group=0, mode="100644", size=size).encode()
        )
    return target


def _payload(source: IO[bytes], deb: Deb) -> Iterable[bytes]:
    decompressor = _decompressor(deb.compression)
    left = deb.data_size
    while left:
        data = source.read(min(_CHUNK, left))
        left -= len(data)
        if out := decompressor.decompress(data):
            yield out


def _decompressor(kind: str) -> _Decompressor:
    if kind == "xz":
        return lzma.LZMADecompressor()
    if kind == "gz":
        return zlib.decompressobj(wbits=31)
    if kind == "zst":
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj()
    return _Stored()
