# SPDX-License-Identifier: Apache-2.0
"""Files that stay in the tree but hold a time or an order of the build: pure functions from content to content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY = 86400
_LAST_CHANGE = 2
_UNINITIALIZED = b"uninitialized\n"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """``change`` takes the content and the epoch and returns the content to have; doing it twice is harmless."""

    path: str
    change: Callable[[bytes, int], bytes]
    why: str


def clamp_shadow(content: bytes, epoch: int) -> bytes:
    """Bring the day of the last password change, third field of shadow(5), down to the day of the epoch."""
    lines = []
    for line in content.split(b"\n"):
        fields = line.split(b":")
        if len(fields) > _LAST_CHANGE and fields[_LAST_CHANGE].isdigit():
            fields[_LAST_CHANGE] = b"%d" % min(int(fields[_LAST_CHANGE]), epoch // _DAY)
        lines.append(b":".join(fields))
    return b"\n".join(lines)


def empty_machine_id(content: bytes, _epoch: int) -> bytes:
    """Empty /etc/machine-id; ``uninitialized`` stays, it asks systemd for a first boot (machine-id(5))."""
    return _UNINITIALIZED if content == _UNINITIALIZED else b""


def sort_stanzas(content: bytes, _epoch: int) -> bytes:
    """Sort the stanzas of a deb822 file: apt writes its extended states in hash order."""
    stanzas = sorted(stanza.strip(b"\n") for stanza in re.split(rb"\n{2,}", content) if stanza.strip(b"\n"))
    return b"".join(stanza + b"\n\n" for stanza in stanzas)


def drop_generation_note(content: bytes, _epoch: int) -> bytes:
    """Drop mdadm's comment with the time its configuration was made."""
    return re.sub(rb"(?m)^# This (?:file|configuration) was auto-generated on .*\n", b"", content)


REWRITES = (
    Rewrite("/etc/shadow", clamp_shadow, "a password changed after the epoch"),
    Rewrite("/etc/machine-id", empty_machine_id, "identifies one machine"),
    Rewrite("/var/lib/apt/extended_states", sort_stanzas, "apt's list is not sorted"),
    Rewrite("/etc/mdadm/mdadm.conf", drop_generation_note, "holds the time it was made"),
)
