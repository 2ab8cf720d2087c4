# SPDX-License-Identifier: Apache-2.0
"""A tar archive of a few files, the same for the same content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.tar import TarWriter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.create.tar import Sink


def pack(sink: Sink, members: Mapping[str, bytes | Path], epoch: int) -> None:
    """Write an archive of ``members``, by their names in it and in that order, all of root's and of ``epoch``."""
    tar = TarWriter(sink, epoch)
    for name, content in members.items():
        if isinstance(content, bytes):
            tar.add_bytes(name, content)
        else:
            tar.add_file(name, content)
    tar.close()
