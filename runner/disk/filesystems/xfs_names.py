# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for names that mkfs.xfs cannot read: same length, same hash, so the folder needs no new order.

The hash of a name in XFS (``xfs_da_hashname``) turns by seven bits for each byte. So bit 0 of a byte and bit 7 of
the next one fall on the same bit of the hash: turning both over leaves it as it was.
"""

from __future__ import annotations

import os

from runner.errors import BuildError

_SPACE = frozenset(b" \t\n\v\f\r")
_COMMENT = ord(":")
_END = b"$"
_LOW, _HIGH = 0x01, 0x80


def readable(word: bytes) -> bool:
    """Tell whether mkfs.xfs reads ``word`` in a protofile as one word, and as nothing else."""
    return bool(word) and word != _END and word[0] != _COMMENT and not _SPACE & {*word}


def stand_in(name: bytes) -> bytes:
    """Return a name of the same length and hash that mkfs.xfs can read; ``name`` itself if it can.

    Raises:
        BuildError: there is none.
    """
    found = bytearray(name)
    for index in range(len(found)):
        if found[index] in _SPACE or (index == 0 and not readable(name[:1])):
            first = min(index, len(found) - 2)
            if first < 0:
                break
            found[first] ^= _LOW
            found[first + 1] ^= _HIGH
    if readable(bytes(found)) and not {0, ord("/")} & {*found}:
        return bytes(found)
    raise BuildError(
        f"the file name {os.fsdecode(name)!r} cannot be written into an XFS filesystem",
        why="mkfs.xfs cannot read it",
        hint="rename the file, or use another filesystem",
    )
