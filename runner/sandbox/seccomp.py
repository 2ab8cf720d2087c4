# SPDX-License-Identifier: Apache-2.0
"""The system-call filter of the sandbox, as a classic BPF program.

Four rules, none of which needs a privilege to install:

* the fsync family returns 0 at once: a tree that is thrown away after a crash gains nothing from it, and dpkg
  calls it for every file;
* only UNIX and netlink sockets can be made, so that a script cannot reach a network even where no network
  namespace could be had;
* calls that reach the kernel itself (modules, kexec, bpf, keyrings, io_uring which could do the above behind the
  filter's back) are refused;
* no user namespace can be made: its maker has every capability in it, also those taken away here. clone3(2) is
  answered as by a kernel without it, because a filter cannot read its arguments; libraries then use clone(2).

Source: seccomp(2), ``linux/filter.h``, ``linux/audit.h`` and the kernel's system-call tables.
"""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass

_LD_W_ABS = 0x20
_JMP_JEQ = 0x15
_JMP_JGE = 0x35
_JMP_JSET = 0x45
_RET = 0x06

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000

_OFFSET_NR = 0
_OFFSET_ARCH = 4
_OFFSET_ARG0 = 16  # low half of the first argument on little-endian machines

_AF_UNIX = 1
_AF_NETLINK = 16
_X32_BIT = 0x40000000
_CLONE_NEWUSER = 0x10000000
_NR_CLONE3 = 435  # the same in every table

Instruction = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Abi:
    """One system-call table: AUDIT_ARCH number, calls that do nothing, calls refused, calls looked into."""

    audit_arch: int
    ignored: tuple[int, ...]
    refused: tuple[int, ...]
    socket: int
    clone: int
    unshare: int
    has_x32: bool = False


# ignored: fsync fdatasync sync syncfs msync sync_file_range
# refused: bpf keyctl add_key request_key kexec_load kexec_file_load init_module finit_module delete_module
#          perf_event_open userfaultfd swapon swapoff reboot open_by_handle_at mount umount2 pivot_root setns;
#          socketcall on the 32-bit tables, whose arguments a filter cannot read
# newer calls have one number everywhere: io_uring_{setup,enter,register} open_tree move_mount fsopen fsconfig
#          fsmount fspick mount_setattr
_UNIFIED_REFUSED = (425, 426, 427, 428, 429, 430, 431, 432, 433, 442)
_GENERIC_IGNORED = (82, 83, 81, 267, 227, 84)
_GENERIC_REFUSED = (280, 219, 217, 218, 104, 294, 105, 273, 106, 241, 282, 224, 225, 142, 265, 40, 39, 41, 268)

ABIS = (
    Abi(
        audit_arch=0xC000003E,  # x86_64
        ignored=(74, 75, 162, 306, 26, 277),
        refused=(321, 250, 248, 249, 246, 320, 175, 313, 176, 298, 323, 167, 168, 169, 304, 165, 166, 155, 308),
        socket=41,
        clone=56,
        unshare=272,
        has_x32=True,
    ),
    Abi(
        audit_arch=0x40000003,  # i386
        ignored=(118, 148, 36, 344, 144, 314),
        refused=(357, 288, 286, 287, 283, 128, 350, 129, 336, 374, 87, 115, 88, 342, 21, 52, 217, 346, 102),
        socket=359,
        clone=120,
        unshare=310,
    ),
    *(
        Abi(number, _GENERIC_IGNORED, _GENERIC_REFUSED, socket=198, clone=220, unshare=97)
        for number in (0xC00000B7, 0xC00000F3)  # aarch64, riscv64
    ),
    Abi(
        audit_arch=0x40000028,  # arm
        ignored=(118, 148, 36, 373, 144, 341),
        refused=(386, 311, 309, 310, 347, 401, 128, 379, 129, 364, 388, 87, 115, 88, 371, 21, 52, 218, 375, 102),
        socket=281,
        clone=120,
        unshare=337,
    ),
)


def program() -> bytes:
    """Return the filter as an array of ``struct sock_filter``, as bubblewrap's ``--seccomp`` reads it."""
    code: list[Instruction] = [(_LD_W_ABS, 0, 0, _OFFSET_ARCH)]
    for abi in ABIS:
        body = _table(abi)
        code.append((_JMP_JEQ, 0, len(body), abi.audit_arch))
        code += body
    # A table we do not know: let it run, the namespaces still hold.
    code.append(_answer(_ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _table(abi: Abi) -> list[Instruction]:
    body: list[Instruction] = [(_LD_W_ABS, 0, 0, _OFFSET_NR)]
    if abi.has_x32:
        body += [(_JMP_JGE, 0, 1, _X32_BIT), _answer(_ERRNO | errno.ENOSYS)]
    for number in abi.ignored:
        body += [(_JMP_JEQ, 0, 1, number), _answer(_ERRNO)]
    for number in (*abi.refused, *_UNIFIED_REFUSED):
        body += [(_JMP_JEQ, 0, 1, number), _answer(_ERRNO | errno.EPERM)]
    body += [
        (_JMP_JEQ, 0, 1, _NR_CLONE3),
        _answer(_ERRNO | errno.ENOSYS),
        (_JMP_JEQ, 1, 0, abi.clone),
        (_JMP_JEQ, 0, 4, abi.unshare),
        (_LD_W_ABS, 0, 0, _OFFSET_ARG0),
        (_JMP_JSET, 0, 1, _CLONE_NEWUSER),
        _answer(_ERRNO | errno.EPERM),
        _answer(_ALLOW),
        (_JMP_JEQ, 0, 4, abi.socket),
        (_LD_W_ABS, 0, 0, _OFFSET_ARG0),
        (_JMP_JEQ, 2, 0, _AF_UNIX),
        (_JMP_JEQ, 1, 0, _AF_NETLINK),
        _answer(_ERRNO | errno.EAFNOSUPPORT),
        _answer(_ALLOW),
    ]
    return body


def _answer(value: int) -> Instruction:
    return (_RET, 0, 0, value)
