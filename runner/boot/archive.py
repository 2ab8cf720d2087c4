# SPDX-License-Identifier: Apache-2.0
"""Take a disk out of the archive it is shipped in: an OVA, a Vagrant box, Compute Engine's tar, a container."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

from runner.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_ARCHIVES = (".ova", ".box", ".tar", ".tar.gz", ".tar.xz")
_DISKS = (".raw", ".img", ".qcow2", ".vmdk", ".vdi", ".vhd", ".vhdx", ".vhdfixed")
_BLOBS = "blobs"
"""Folder of a container's layers in an OCI archive, whose names have no ending."""

_CHUNK = 1 << 20
_ZEROS = bytes(_CHUNK)


def taken_out(path: Path, folder: Path) -> Path:
    """Return ``path``, or where it is an archive the disk in it, as a new file in ``folder``.

    Raises:
        UsageError: the archive is damaged, or has no disk.
    """
    if not path.name.endswith(_ARCHIVES):
        return path
    try:
        with path.open("rb") as stream:
            found = _search(stream, folder)
    except (tarfile.TarError, lzma.LZMAError, zlib.error, OSError, EOFError) as error:
        raise UsageError(f"{path} cannot be unpacked", why=str(error)) from error
    if found is None:
        raise UsageError(f"{path} has no disk in it", hint="name the disk itself")
    return found


def _search(stream: IO[bytes], folder: Path) -> Path | None:
    """Read the archive in one go, and archives in it as they come."""
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is None:
                continue
            name = PurePosixPath(member.name)
            if name.suffix in _DISKS:
                return _write(content, folder / f"unpacked{name.suffix}")
            if name.name.endswith(_ARCHIVES) or _BLOBS in name.parts:
                try:
                    found = _search(content, folder)
                except tarfile.ReadError:  # other blobs are texts
                    continue
                if found is not None:
                    return found
    return None


def _write(content: IO[bytes], path: Path) -> Path:
    """Write with holes: a disk is mostly zeros."""
    with path.open("xb") as file:
        while data := content.read(_CHUNK):
            if data == _ZEROS[: len(data)]:
                file.seek(len(data), 1)
            else:
                file.write(data)
        file.truncate()
    return path
