# SPDX-License-Identifier: Apache-2.0
"""Stand-ins of names, and attributes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.disk.filesystems.registry import MODULES
from runner.disk.filesystems.xfs_attr import short_form
from runner.disk.filesystems.xfs_names import readable, stand_in
from runner.errors import BuildError
from runner.plan.disk_support import FILESYSTEMS

NAMES = st.binary(min_size=1, max_size=20).filter(lambda name: not {0, 47} & {*name})


def xfs_hash(name: bytes) -> int:
    """XFS's own definition, a byte at a time."""
    value = 0
    for byte in name:
        value = ((value << 7 | value >> 25) & 0xFFFFFFFF) ^ byte
    return value


@given(NAMES)
def test_a_stand_in_has_length_and_hash_of_the_name(name: bytes) -> None:
    try:
        found = stand_in(name)
    except BuildError:
        assert not readable(name)
        return
    assert readable(found)
    assert (len(found), xfs_hash(found)) == (len(name), xfs_hash(name))


def test_names_with_spaces_have_stand_ins() -> None:
    for name in (b"a b", b" a", b"a ", b"a  b", b":x", b"script (dev).tmpl"):
        assert readable(stand_in(name))


def test_attributes_are_packed_with_their_namespace() -> None:
    packed = short_form([(b"security.x", b"v"), (b"user.y", b"")])
    assert packed == b"\x00\x0d\x02\x00" + b"\x01\x01\x04xv" + b"\x01\x00\x00y"
    assert short_form([(b"other.z", b"")]) is None


def test_an_acl_is_turned_into_the_form_on_disk() -> None:
    acl = bytes.fromhex("0200000001000600ffffffff20000400ffffffff")
    packed = short_form([(b"system.posix_acl_access", acl)])
    assert packed is not None
    assert packed[7:19] == b"SGI_ACL_FILE"
    assert packed[19:].hex() == "0000000200000001ffffffff0006000000000020ffffffff00040000"


def test_the_plan_knows_the_filesystems_that_can_be_written() -> None:
    assert {""} | {*MODULES} == FILESYSTEMS
