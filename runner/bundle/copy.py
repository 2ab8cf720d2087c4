# SPDX-License-Identifier: Apache-2.0
"""Brings one result file into a bundle: copied, renamed inside or compressed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.create.compress import compressing, xz_command
from runner.digest import CHUNK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TEXT_BYTES = 1 << 20
_BLOCK = 64 << 10


def compress(source: Path, target: Path) -> None:
    """Write ``source`` to the new file ``target`` through xz.

    The same bytes give the same file on every machine, see :func:`runner.create.compress.xz_command`.

    Raises:
        HostError: xz is not installed.
        BuildError: xz failed.
    """
    with source.open("rb") as stream, compressing(target, xz_command()) as packed:
        while data := stream.read(CHUNK):
            packed.write(data)


def copy(source: Path, target: Path) -> None:
    """Copy ``source`` to the new file ``target``.

    Blocks of zeros become holes: disk images are full of them.
    """
    with source.open("rb") as stream, target.open("xb") as file:
        while data := stream.read(_BLOCK):
            if data.count(0) == len(data):
                file.seek(len(data), os.SEEK_CUR)
            else:
                file.write(data)
        file.truncate(file.tell())


def rewrite(source: Path, target: Path, names: Mapping[str, str]) -> bool:
    """Write ``source`` to the new file ``target`` with old file names replaced; false when it names none.

    Only small text files are looked at: descriptors such as ``.vmx`` and ``.append`` name the files beside them.
    """
    if source.stat().st_size > _TEXT_BYTES:
        return False
    content = source.read_bytes()
    if b"\0" in content or not any(old.encode() in content for old in names):
        return False
    for old in sorted(names, key=len, reverse=True):
        content = content.replace(old.encode(), names[old].encode())
    with target.open("xb") as file:
        file.write(content)
    return True
