# SPDX-License-Identifier: Apache-2.0
"""Unpacks tar archives of a description into the tree: ``<archive>`` and ``root.tar.gz``.

Owners, modes (setuid too), times and extended attributes in the archive count, as for ``tar`` run by root. Numbers
count, never names: those would be looked up on this machine. Unlike GNU tar, directories that are links in the
tree are kept (a merged ``/usr`` stays merged). Nothing in an archive can reach out of the tree.
"""

from __future__ import annotations

import contextlib
import lzma
import os
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from runner.errors import DescriptionError, LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.prepare.origin import Origin
    from runner.prepare.paths import TreePaths
    from runner.prepare.step import Bench

VERSION = 1

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_XATTR = "SCHILY.xattr."
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Caps:
    """Bounds of one archive: unpacked bytes, members, and unpacked bytes for each packed byte beyond ``free``."""

    size: int = 64 << 30
    members: int = 2_000_000
    ratio: int = 500
    free: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Inputs:
    """One archive beside the description and the directory of the image it is unpacked in."""

    origin: Origin
    name: str
    target_dir: str = "/"
    caps: Caps = Caps()


def run(inputs: Inputs, bench: Bench) -> None:
    """Unpack the archive; compression is found by content (gzip, bzip2, xz, zstd or none).

    Raises:
        DescriptionError: no archive, damaged, or a member that is refused (absolute, ``..``, link to outside,
            device).
        LimitError: it unpacks to more than the caps allow.
        BuildError: a member does not fit what is in the tree.
    """
    archive = inputs.origin.file(inputs.name)
    unpacking = _Unpacking(inputs, bench.paths, archive.stat().st_size)
    try:
        with _opened(archive) as (tar, plain):
            for member in tar:
                unpacking.add(tar, member)
            unpacking.read_to_end(plain)
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError, _zstd_error()) as error:
        if getattr(error, "errno", None) is not None:  # gzip and bz2 tell of damage by an OSError without a number
            raise
        raise DescriptionError(f"{inputs.name} is no readable tar archive", why=str(error)) from error


def _zstd_error() -> type[Exception]:
    import zstandard

    return zstandard.ZstdError


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[tuple[tarfile.TarFile, IO[bytes]]]:
    """Yield the archive and the stream it is read from, uncompressed."""
    with archive.open("rb") as raw:
        is_zstd = raw.read(len(_ZSTD_MAGIC)) == _ZSTD_MAGIC
        raw.seek(0)
        if not is_zstd:
            with tarfile.open(fileobj=raw, mode="r:*", errorlevel=2) as tar:
                yield tar, cast("IO[bytes]", tar.fileobj)
            return
        import zstandard

        with (
            zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as plain,
            tarfile.open(fileobj=plain, mode="r|", errorlevel=2) as tar,
        ):
            yield tar, cast("IO[bytes]", plain)


@dataclass(slots=True)
class _Unpacking:
    """One archive on its way into the tree, with what it has used of its caps."""

    inputs: Inputs
    paths: TreePaths
    packed: int
    size: int = 0
    count: int = 0

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self._account(member)
        name = self._inside(member.name, member)
        if member.isdir():
            self._directory(name, member)
        elif member.issym():
            self._symlink(name, member)
        elif member.islnk():
            self._hardlink(name, member)
        elif member.isreg():
            self._file(name, member, tar.extractfile(member))
        elif member.isfifo():
            location = self.paths.make_room(name)
            os.mkfifo(location)
            _dress(location, member)
        else:
            raise self._refused(member, "it is a device or of an unknown kind")

    def read_to_end(self, plain: IO[bytes]) -> None:
        """Read what follows the last member: only at the end of a stream is its checksum looked at."""
        while piece := plain.read(_CHUNK):
            self.size += len(piece)
            self._check_size()

    def _account(self, member: tarfile.TarInfo) -> None:
        caps = self.inputs.caps
        self.count += 1
        self.size += member.size if member.isreg() else 0
        if self.count > caps.members:
            raise LimitError(f"{self.inputs.name} has more than {caps.members} members")
        self._check_size()

    def _check_size(self) -> None:
        caps = self.inputs.caps
        if self.size > min(caps.size, caps.free + caps.ratio * self.packed):
            raise LimitError(f"{self.inputs.name} unpacks to {self.size} bytes or more from {self.packed}")

    def _inside(self, name: str, member: tarfile.TarInfo) -> str:
        """Return the path in the tree that ``name`` of the archive means."""
        if name.startswith("/"):
            raise self._refused(member, "its path is absolute")
        if ".." in name.split("/"):
            raise self._refused(member, "its path has a .. in it")
        return f"{self.inputs.target_dir}/{name}"

    def _directory(self, name: str, member: tarfile.TarInfo) -> None:
        location = self.paths.make_directory(name, replace=True)
        if member.name.strip("./"):  # the top of the archive says nothing about the directory it is unpacked in
            _dress(location, member)

    def _symlink(self, name: str, member: tarfile.TarInfo) -> None:
        if _climbs_out(name, member.linkname):
            raise self._refused(member, f"it links to {member.linkname}, above the top of the image")
        _dress(self.paths.link(name, member.linkname), member)

    def _hardlink(self, name: str, member: tarfile.TarInfo) -> None:
        source = self.paths.resolve(self._inside(member.linkname, member), follow_last=False)
        if not source.is_file() or source.is_symlink():
            raise self._refused(member, f"it links to {member.linkname}, which is not in the archive")
        if self.paths.resolve(name, follow_last=False) != source:
            os.link(source, self.paths.make_room(name))

    def _file(self, name: str, member: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        location = self.paths.make_room(name)
        with location.open("xb") as target:
            if content is not None:
                shutil.copyfileobj(content, target, _CHUNK)
        _dress(location, member)

    def _refused(self, member: tarfile.TarInfo, why: str) -> DescriptionError:
        return DescriptionError(f"{self.inputs.name} holds {member.name!r}, which is refused", why=why)


def _climbs_out(name: str, target: str) -> bool:
    """Tell whether a relative link at ``name`` has more ``..`` than there are directories above it."""
    if target.startswith("/"):
        return False  # the image's own top
    depth = len([part for part in name.split("/") if part not in {"", "."}]) - 1
    for part in target.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return True
    return False


def _dress(location: Path, member: tarfile.TarInfo) -> None:
    """Give the new entry its owner, mode, attributes and time; the owner first, for it clears setuid bits."""
    os.lchown(location, member.uid, member.gid)
    if not member.issym():
        location.chmod(member.mode & 0o7777)
    for key, value in sorted(member.pax_headers.items()):
        if key.startswith(_XATTR):
            raw = value.encode("utf-8", "surrogateescape")
            os.setxattr(location, key.removeprefix(_XATTR), raw, follow_symlinks=False)
    if not member.isdir():
        os.utime(location, (member.mtime, member.mtime), follow_symlinks=False)
