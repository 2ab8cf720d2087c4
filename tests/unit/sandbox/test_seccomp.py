# SPDX-License-Identifier: Apache-2.0
"""The filter program, evaluated by a small interpreter of classic BPF."""

from __future__ import annotations

import errno
import struct
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.sandbox import seccomp

ALLOW = 0x7FFF0000
NOTHING = 0x00050000
X86_64, I386, AARCH64, ARM, RISCV64 = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028, 0xC00000F3
PROGRAM = [struct.unpack_from("=HBBI", seccomp.program(), at) for at in range(0, len(seccomp.program()), 8)]


def evaluate(arch: int, number: int, first: int = 0) -> int:
    """Run the program on a ``struct seccomp_data``; an IndexError is a jump out of it."""
    data = struct.pack("<IIQQ", number, arch, 0, first) + bytes(40)
    accumulator = at = 0
    while True:
        code, if_true, if_false, value = PROGRAM[at]
        at += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == 0x06:
            return int(value)
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
            at += if_true if holds else if_false


def refused(error: int) -> int:
    return NOTHING | error


def test_jumps_stay_in_the_program_and_it_ends_in_an_answer() -> None:
    for at, (code, if_true, if_false, _) in enumerate(PROGRAM):
        if code & 0x07 == 0x05:
            assert at + 1 + max(if_true, if_false) < len(PROGRAM)
    assert PROGRAM[-1][0] == 0x06
    assert len(PROGRAM) < 4096  # BPF_MAXINSNS


@given(arch=st.integers(0, 2**32 - 1), number=st.integers(0, 2**32 - 1), first=st.integers(0, 2**64 - 1))
def test_every_call_of_every_table_gets_an_answer(arch: int, number: int, first: int) -> None:
    assert evaluate(arch, number, first) & 0xFFFF0000 in {ALLOW, NOTHING}


@given(arch=st.sampled_from([X86_64, I386, AARCH64, ARM, RISCV64]), number=st.integers(0, 500))
def test_known_tables_only_answer_what_is_meant(arch: int, number: int) -> None:
    meant = {ALLOW, NOTHING, refused(errno.EPERM), refused(errno.ENOSYS), refused(errno.EAFNOSUPPORT)}
    assert evaluate(arch, number) in meant


class Table(NamedTuple):
    arch: int
    fsync: int
    mount: int
    socket: int
    unshare: int
    clone: int
    openat: int


@pytest.mark.parametrize(
    "table",
    [
        Table(X86_64, 74, 165, 41, 272, 56, 257),
        Table(I386, 118, 21, 359, 310, 120, 295),
        Table(AARCH64, 82, 40, 198, 97, 220, 56),
        Table(RISCV64, 82, 40, 198, 97, 220, 56),
        Table(ARM, 118, 21, 281, 337, 120, 322),
    ],
)
def test_rules(table: Table) -> None:
    arch = table.arch
    assert evaluate(arch, table.fsync) == NOTHING
    assert evaluate(arch, table.mount) == refused(errno.EPERM)
    assert evaluate(arch, 425) == refused(errno.EPERM)  # io_uring_setup
    assert evaluate(arch, table.openat) == ALLOW
    families = {family: evaluate(arch, table.socket, family) for family in range(46)}
    assert {family for family, verdict in families.items() if verdict == ALLOW} == {1, 16}
    assert set(families.values()) == {ALLOW, refused(errno.EAFNOSUPPORT)}
    for number in (table.unshare, table.clone):
        assert evaluate(arch, number, 0x10000000) == refused(errno.EPERM)
        assert evaluate(arch, number, 0x10000000 | 17) == refused(errno.EPERM)
        assert evaluate(arch, number, 17) == ALLOW
    assert evaluate(arch, 435) == refused(errno.ENOSYS)  # clone3


def test_the_x32_table_is_not_there() -> None:
    for number in (0, 41, 74, 165):
        assert evaluate(X86_64, 0x40000000 | number) == refused(errno.ENOSYS)


def test_the_multiplexed_socket_call_is_refused() -> None:
    assert evaluate(I386, 102) == refused(errno.EPERM)
    assert evaluate(ARM, 102) == refused(errno.EPERM)


def test_an_unknown_table_is_left_to_the_namespaces() -> None:
    assert evaluate(0x80000016, 74) == ALLOW
