# SPDX-License-Identifier: Apache-2.0
"""Reading ``.deb`` files (deb(5)): an ar archive of a version, a control tarball and a data tarball."""

from __future__ import annotations

import io
import lzma
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import BuildError
from runner.packages.apt.index import parse_stanza

if TYPE_CHECKING:
    from pathlib import Path

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60


@dataclass(frozen=True, slots=True)
class Deb:
    """What a package file says of itself.

    Attributes:
        built: seconds since 1970 when it was built: the time stamp of its first archive member.
        data_offset, data_size: where in the file the data tarball lies, in bytes.
        compression: ending of the data tarball: empty, ``gz``, ``xz`` or ``zst``.
    """

    path: Path
    fields: dict[str, str]
    built: int
    data_offset: int
    data_size: int
    compression: str

    def field(self, name: str) -> str:
        return self.fields.get(name.lower(), "")


def build_time(path: Path) -> int:
    """Return when the package was built (seconds since 1970), from its first archive header."""
    with path.open("rb") as stream:
        head = stream.read(len(_AR_MAGIC) + _AR_HEADER)
    if not head.startswith(_AR_MAGIC + b"debian-binary"):
        raise BuildError(f"{path.name} is not a Debian package")
    return int(head[24:36])


def read_deb(path: Path) -> Deb:
    """Read the control fields and find the data tarball of ``path``.

    Raises:
        BuildError: it is not a Debian package.
    """
    members = _members(path)
    try:
        control_name = next(name for name in members if name.startswith("control.tar"))
        data_name = next(name for name in members if name.startswith("data.tar"))
    except StopIteration:
        raise BuildError(
            f"{path.name} has no control or data member", hint="the package file is malformed"
        ) from None
    offset, size = members[control_name]
    with path.open("rb") as stream:
        stream.seek(offset)
        control = _decompress(stream.read(size), control_name.removeprefix("control.tar").lstrip("."))
    with tarfile.open(fileobj=io.BytesIO(control)) as tar:
        member = next(item for item in tar.getmembers() if item.name.removeprefix("./") == "control")
        extracted = tar.extractfile(member)
        fields = parse_stanza(extracted.read() if extracted else b"")
    offset, size = members[data_name]
    return Deb(path, fields, build_time(path), offset, size, data_name.removeprefix("data.tar").lstrip("."))


def _members(path: Path) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    with path.open("rb") as stream:
        if stream.read(len(_AR_MAGIC)) != _AR_MAGIC:
            raise BuildError(f"{path.name} is not a Debian package")
        position = len(_AR_MAGIC)
        while len(header := stream.read(_AR_HEADER)) == _AR_HEADER:
            name = header[:16].decode("ascii", "replace").strip().rstrip("/")
            size = int(header[48:58])
            position += _AR_HEADER
            found[name] = (position, size)
            position += size + size % 2
            stream.seek(position)
    return found


def _decompress(data: bytes, kind: str) -> bytes:
    if kind == "xz":
        return lzma.decompress(data)
    if kind == "gz":
        import gzip

        return gzip.decompress(data)
    if kind == "zst":
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data
