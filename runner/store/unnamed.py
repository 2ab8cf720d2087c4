# SPDX-License-Identifier: Apache-2.0
"""A file that has no name before it is finished: whoever dies while writing it leaves nothing behind.

Source: open(2), O_TMPFILE, and its way to give the file a name without privileges. File systems that cannot
do it get a file with a temporary name, which is removed in the end, unless the writer is killed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNABLE = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT}


class UnnamedFile:
    """A file open for writing at ``descriptor``, on the file system of ``folder``."""

    def __init__(self, folder: Path, descriptor: int, name: Path | None) -> None:
        self.descriptor = descriptor
        self._folder = folder
        self._name = name

    @classmethod
    @contextlib.contextmanager
    def create(cls, folder: Path) -> Iterator[UnnamedFile]:
        """Open a new file (mode 0600); it is gone after the block unless :meth:`publish` gave it a name."""
        name = None
        try:
            descriptor = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno not in _UNABLE:
                raise
            descriptor, text = tempfile.mkstemp(dir=folder)
            name = Path(text)
        try:
            yield cls(folder, descriptor, name)
        finally:
            os.close(descriptor)
            if name is not None:
                name.unlink(missing_ok=True)

    def publish(self, target: Path) -> None:
        """Show the file as ``target`` in one step, in place of what may be there."""
        name = self._name
        if name is None:
            name = self._folder / uuid.uuid4().hex
            # Only with a folder's descriptor, here without a meaning, does Python follow the link in /proc.
            os.link(f"/proc/self/fd/{self.descriptor}", name, src_dir_fd=self.descriptor, follow_symlinks=True)
        name.rename(target)
