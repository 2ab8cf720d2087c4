# SPDX-License-Identifier: Apache-2.0
"""Reading ``.deb`` files (deb(5)): an ar archive of a version, a control tarball and a data tarball.

A package file is input like any other: whatever is wrong with it ends as one error that names it.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import BuildError
from runner.packages.apt.compression import decompressed, malformed_errors
from runner.packages.apt.index import parse_stanza

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
_LARGEST_CONTROL = 64 << 20
"""Bytes of a control tarball; those of real packages stay below one MiB."""


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


@contextlib.contextmanager
def package_errors(name: str) -> Iterator[None]:
    """Turn whatever reading a malformed package raises into a BuildError that names it."""
    try:
        yield
    except malformed_errors() as error:
        raise BuildError(
            f"{name} is not a well-formed Debian package",
            why=str(error) or type(error).__name__,
            hint="the package file is malformed; make the lock anew: packhouse lock SOURCE --update",
        ) from error


def build_time(path: Path, *, name: str = "") -> int:
    """Return when the package was built (seconds since 1970), from its first archive header.

    Raises:
        BuildError: it is not a Debian package; the error calls it ``name``.
    """
    with package_errors(name or path.name), path.open("rb") as stream:
        head = stream.read(len(_AR_MAGIC) + _AR_HEADER)
        if not head.startswith(_AR_MAGIC + b"debian-binary"):
            raise ValueError("it does not begin as one")
        return _decimal(head[24:36])


def read_deb(path: Path, *, name: str = "") -> Deb:
    """Read the control fields and find the data tarball of ``path``.

    Raises:
        BuildError: it is not a Debian package; the error calls it ``name``.
    """
    built = build_time(path, name=name)
    with package_errors(name or path.name):
        members = _members(path)
        control_name = _named("control.tar", members)
        data_name = _named("data.tar", members)
        offset, size = members[control_name]
        with path.open("rb") as stream:
            stream.seek(offset)
            packed = stream.read(size)
        control = decompressed(packed, _ending(control_name), limit=_LARGEST_CONTROL)
        offset, size = members[data_name]
        return Deb(path, _control_fields(control), built, offset, size, _ending(data_name))


def _named(start: str, members: dict[str, tuple[int, int]]) -> str:
    name = next((name for name in members if name.startswith(start)), None)
    if name is None:
        raise ValueError(f"it has no {start}")
    return name


def _ending(name: str) -> str:
    return name.partition(".tar")[2].lstrip(".")


def _control_fields(control: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(control), mode="r:") as tar:
        for member in tar:
            if member.isreg() and member.name.removeprefix("./") == "control":
                extracted = tar.extractfile(member)
                return parse_stanza(extracted.read() if extracted else b"")
    raise ValueError("its control.tar has no control file")


def _members(path: Path) -> dict[str, tuple[int, int]]:
    """Offset and size in bytes of each archive member (ar(5))."""
    found: dict[str, tuple[int, int]] = {}
    end = path.stat().st_size
    with path.open("rb") as stream:
        position = len(_AR_MAGIC)
        stream.seek(position)
        while len(header := stream.read(_AR_HEADER)) == _AR_HEADER:
            name = header[:16].decode("ascii", "replace").strip().rstrip("/")
            size = _decimal(header[48:58])
            position += _AR_HEADER
            if position + size > end:
                raise ValueError(f"{name} is cut off")
            found[name] = (position, size)
            position += size + size % 2
            stream.seek(position)
    return found


def _decimal(field: bytes) -> int:
    text = field.strip()
    if not text.isdigit():  # of bytes: ASCII digits alone, and no sign
        raise ValueError(f"{field!r} is no number")
    return int(text)
