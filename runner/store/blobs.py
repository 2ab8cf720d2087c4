# SPDX-License-Identifier: Apache-2.0
"""Files by digest. A blob appears under its name only complete and checked, so readers need no lock."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.digest import sha256_file
from runner.errors import HostError, IntegrityError
from runner.store.unnamed import UnnamedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path


_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class BlobStore:
    """Blobs below ``root`` as ``sha256/ab/abcd…``; ``staging`` lies on the same file system."""

    root: Path
    staging: Path

    def path(self, sha256: str) -> Path:
        """Where the blob is, or would be.

        Raises:
            IntegrityError: that is no digest, and might be a path to anywhere.
        """
        if not _DIGEST.fullmatch(sha256):
            raise IntegrityError(f"{sha256!r} is not a SHA-256 digest")
        return self.root / "sha256" / sha256[:2] / sha256

    def has(self, sha256: str, size: int) -> bool:
        """Whether a blob of that size is here. Its content is checked when it is used."""
        try:
            return self.path(sha256).stat().st_size == size
        except FileNotFoundError:
            return False

    def touch(self, sha256: str) -> None:
        """Say that a blob is about to be used, so that nobody evicts it meanwhile."""
        with contextlib.suppress(OSError):
            os.utime(self.path(sha256))  # the time of last use decides what is evicted first

    def verified(self, sha256: str, *, name: str) -> Path:
        """Return the path of a blob after reading it once against its digest.

        A blob that does not match is removed, so that the next run fetches it anew.

        Raises:
            IntegrityError: the content is not what the digest says.
        """
        path = self.path(sha256)
        actual = sha256_file(path)
        if actual != sha256:
            path.unlink(missing_ok=True)
            raise IntegrityError(
                f"{name} in the store is damaged",
                where=str(path),
                why=f"its sha256 is {actual}, not {sha256}",
                hint="it has been removed; run the command again to fetch it anew",
            )
        self.touch(sha256)
        return path

    def add(
        self,
        chunks: Iterable[bytes],
        *,
        sha256: str,
        size: int,
        name: str,
        also: Callable[[bytes], object] | None = None,
    ) -> Path:
        """Write ``chunks`` under ``sha256`` if they hash to it; ``also`` sees every chunk as it passes.

        Raises:
            IntegrityError: they are not ``size`` bytes with that digest; nothing is left behind.
            HostError: the disk is full.
        """
        digest = hashlib.sha256()
        seen = 0
        target = self.path(sha256)
        with contextlib.ExitStack() as held:
            held.enter_context(disk_errors(self.root))
            self.staging.mkdir(parents=True, exist_ok=True)
            new = held.enter_context(UnnamedFile.create(self.staging))
            for chunk in chunks:
                seen += len(chunk)
                if seen > size:
                    break
                digest.update(chunk)
                os.write(new.descriptor, chunk)
                if also is not None:
                    also(chunk)
            if seen != size or digest.hexdigest() != sha256:
                raise IntegrityError(
                    f"{name} is not the file that was locked",
                    why=f"got {'more than ' if seen > size else ''}{seen} bytes with sha256 {digest.hexdigest()}, "
                    f"expected {size} bytes with sha256 {sha256}",
                    hint="the mirror serves something else under that name; try another mirror",
                )
            os.fchmod(new.descriptor, 0o644)
            target.parent.mkdir(parents=True, exist_ok=True)
            new.publish(target)
        return target


@contextlib.contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Turn a full or unwritable disk into an error that says where and what to do."""
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: "no space is left",
            errno.EDQUOT: "the disk quota is used up",
            errno.EROFS: "it is read-only",
        }
        if error.errno in reasons:
            raise HostError(
                f"cannot write to {place}",
                why=reasons[error.errno],
                hint="free some space there, or choose another place with --store or PACKHOUSE_STORE",
            ) from error
        if error.errno == errno.EACCES:
            raise HostError(
                f"cannot write to {place}", why="permission denied", hint="choose another place with --store"
            ) from error
        raise
