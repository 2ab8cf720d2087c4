# SPDX-License-Identifier: Apache-2.0
"""Tells which compiled Python files must not stay in a tree.

A compiled file normally holds the time of its source (PEP 3147, PEP 552). When the source is newer than the
epoch that time is the build's clock, and clamping the source makes the compiled file useless besides. What was
compiled from packaged sources holds the packages' times and stays.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

_HEADER = 16
_HASH_BASED = 1
_CACHED = re.compile(r"(?P<name>.+)\.[a-z]+-[0-9]+(?:\.opt-[0-9a-z]+)?\.pyc\Z")


def is_stale(entry: os.DirEntry[str], epoch: int) -> bool:
    """Tell whether ``entry`` is a compiled file in ``__pycache__`` that does not fit its source after clamping."""
    if not entry.name.endswith(".pyc") or entry.is_symlink():
        return False
    compiled = Path(entry.path)
    match = _CACHED.match(entry.name)
    if match is None or compiled.parent.name != "__pycache__":
        return False
    with compiled.open("rb") as stream:
        header = stream.read(_HEADER)
    if len(header) < _HEADER:
        return True
    if int.from_bytes(header[4:8], "little") & _HASH_BASED:
        return False
    try:
        source = compiled.parent.parent.joinpath(match["name"] + ".py").lstat()
    except FileNotFoundError:
        return True
    compiled_from = int.from_bytes(header[8:12], "little")
    return compiled_from != min(int(source.st_mtime), epoch) & 0xFFFFFFFF
