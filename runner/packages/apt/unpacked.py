# SPDX-License-Identifier: Apache-2.0
"""Package files with their payload decompressed, so that dpkg, which works alone and in order, need not.

Decompressing is a third of an installation and the only part that can use all processors. The payload stays as it
is inside an otherwise identical package (``data.tar`` without ending, allowed by deb(5)): same dpkg, same scripts.
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING

from runner.packages.apt.compression import decompress
from runner.packages.apt.deb import package_errors
from runner.store.blobs import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from runner.packages.apt.deb import Deb

_CHUNK = 1 << 20
_HEADER = "{name:<16}{time:<12}{owner:<6}{group:<6}{mode:<8}{size:<10}`\n"
_LARGEST_MEMBER = 10**10 - 1
"""Bytes: the size field of an ar header has ten digits (ar(5))."""


def unpack_all(debs: Sequence[Deb], folder: Path) -> dict[Path, Path]:
    """Write a decompressed twin of each package into ``folder``; return original path → twin.

    Raises:
        BuildError: a payload is damaged.
        HostError: the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(debs, key=lambda deb: -deb.data_size)
    with disk_errors(folder), ThreadPoolExecutor(os.cpu_count() or 1) as workers:
        twins = list(workers.map(lambda deb: _unpack(deb, folder / _twin_name(deb)), ordered))
    return {deb.path: twin for deb, twin in zip(ordered, twins, strict=True)}


def _unpack(deb: Deb, target: Path) -> Path:
    start = deb.data_offset - 60
    with package_errors(deb.field("Package")), deb.path.open("rb") as source, target.open("wb") as sink:
        sink.write(source.read(start))
        header_at = sink.tell()
        sink.write(b"\0" * 60)
        size = 0
        for chunk in _payload(source, deb):
            size += len(chunk)
            sink.write(chunk)
        if size > _LARGEST_MEMBER:
            raise ValueError(f"its payload unpacks to {size} bytes")
        if size % 2:
            sink.write(b"\n")
        sink.seek(header_at)
        sink.write(
            _HEADER.format(name="data.tar", time=deb.built, owner=0, group=0, mode="100644", size=size).encode()
        )
    return target


def _payload(source: IO[bytes], deb: Deb) -> Iterable[bytes]:
    source.seek(deb.data_offset)
    return decompress(_chunks(source, deb.data_size), deb.compression)


def _chunks(source: IO[bytes], left: int) -> Iterator[bytes]:
    while left:
        data = source.read(min(_CHUNK, left))
        if not data:
            raise ValueError("the payload is cut off")
        left -= len(data)
        yield data


def _twin_name(deb: Deb) -> str:
    """A name that tells people in dpkg's output which package it is, and is no other package's."""
    return f"{re.sub(r'[^a-z0-9.+-]', '_', deb.field('Package'))}_{deb.path.name[:12]}.deb"
