# SPDX-License-Identifier: Apache-2.0
"""Extended attributes in an XFS inode: the short form, which lies behind the data in the inode itself.

Source: "XFS Algorithms & Data Structures", chapter Extended Attributes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FLAGS = {b"user": 0, b"trusted": 2, b"security": 4}
_ROOT = _FLAGS[b"trusted"]
_ACLS = {b"system.posix_acl_access": b"SGI_ACL_FILE", b"system.posix_acl_default": b"SGI_ACL_DEFAULT"}
_ACL_HEAD, _ACL_ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_LONGEST = 255
_MOST_BYTES = 0xFFFF


def short_form(attributes: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return ``attributes`` (name with namespace, and value) as an inode holds them; None if it cannot."""
    entries = []
    for name, value in attributes:
        entry = _entry(name, value)
        if entry is None:
            return None
        entries.append(entry)
    body = b"".join(entries)
    if len(entries) > _LONGEST or len(body) + 4 > _MOST_BYTES:
        return None
    return struct.pack(">HBx", 4 + len(body), len(entries)) + body


def _entry(name: bytes, value: bytes) -> bytes | None:
    if name in _ACLS:
        own, value, flags = _ACLS[name], _acl(value), _ROOT
    else:
        space, _, own = name.partition(b".")
        flags = _FLAGS.get(space, -1)
    if flags < 0 or len(own) > _LONGEST or len(value) > _LONGEST:
        return None
    return bytes((len(own), len(value), flags)) + own + value


def _acl(value: bytes) -> bytes:
    """Turn an ACL as the kernel shows it (acl(5), version 2, little-endian) into XFS's own form."""
    entries = [*_ACL_ENTRY.iter_unpack(value[_ACL_HEAD.size :])]
    packed = (struct.pack(">IIHxx", tag, identity, rights) for tag, rights, identity in entries)
    return struct.pack(">I", len(entries)) + b"".join(packed)
