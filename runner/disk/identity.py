# SPDX-License-Identifier: Apache-2.0
"""Who the partitions of a disk are: numbers, types and UUIDs, all derived from the plan and the image's seed.

GUIDs of types are those of the Discoverable Partitions Specification and the UEFI specification (5.3.3), types of
an MBR the customary ones.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from runner.disk.model import DiskIdentity, Partition
from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.plan.disk import DiskPlan
    from runner.plan.partitions import PartitionPlan
    from runner.seed import Seed

LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
_GPT_TYPES = {
    "bios_grub": "21686148-6449-6E6F-744E-656564454649",
    "efi": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
    "prep": "9E1A2D38-C612-4316-AA26-8B49521E5A8B",
    "swap": "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F",
}
_CONTENT_TYPES = {
    "lvm": "E6D6D379-F507-44C2-A23C-238F2A3DF928",
    "raid": "A19D880F-05FC-4D3B-A006-743F0F84911E",
}
_ROOT_TYPES = {
    "x86_64": "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
    "ix86": "44479540-F297-41B2-9AF7-D131D5F0458A",
    "aarch64": "B921B045-1DF0-41C3-AF44-4C6F280D3FAE",
    "armv7l": "69DAD710-2CE4-4E3C-B16C-21A1D49ABED3",
    "riscv64": "72EC70A6-CF74-40E6-BD49-4BDA08E8F224",
    "ppc64le": "C31C45E6-3F39-412E-80FB-4809C4980599",
    "s390x": "5EEAD9A9-FE09-4A1E-A1D7-520D00531306",
    "loongarch64": "77055800-792C-4F94-B39A-98C91B762BB6",
}
_VERITY_TYPES = {
    "x86_64": "2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5",
    "ix86": "D13C5D3B-B5D1-422A-B29F-9454FDC89D76",
    "aarch64": "DF3300CE-D69F-4C92-978C-9BFB0F38D820",
    "armv7l": "7386CDF2-203C-47A9-A498-F2ECCE45A2D6",
    "riscv64": "B6ED5582-440B-4209-B8DA-5FF7C419EA3D",
    "ppc64le": "906BD944-4589-4AAE-A4E4-DD983917446A",
    "s390x": "B325BFBE-C7BE-4AB8-8357-139E652D2F6B",
    "loongarch64": "F3393B22-E9AF-4613-A948-9D3BFBD0C535",
}
_DISCOVERABLE = {
    "home": "933AC7E1-2EB4-4F13-B844-0E14E2AEF915",
    "srv": "3B8F8425-20E0-4F3B-907F-1A25A76F98E8",
    "tmp": "7EC6F557-3BC5-4ACA-B293-16EF5DF639D1",
    "user-home": "773F91EF-66D4-49B5-BD83-D683BF40AD16",
    "var": "4D21B016-B534-45C2-A9FB-5C16E091FD2D",
    "xbootldr": "BC13C2FF-59E6-4262-A352-B275FD6F7172",
}
"""Type of a partition that the description calls so in the table."""

_MBR_TYPES = {"efi": "ef", "swap": "82", "prep": "41"}
_MBR_CONTENT_TYPES = {"lvm": "8e", "raid": "fd"}
_FAT_MBR_TYPES = {"fat16": "0e", "fat32": "0c"}
_MBR_LINUX = "83"
_PRIMARY = 4
_MOST_OF_GPT = 128


def identify(plan: DiskPlan, *, arch: str, seed: Seed) -> DiskIdentity:
    """Give every partition of ``plan`` its number, type and UUIDs.

    Raises:
        BuildError: more partitions than the table holds.
    """
    numbers = _numbers(plan)
    disk = seed.bytes("disk identifier", 4).hex()
    gpt = plan.table == "gpt"
    return DiskIdentity(
        table=plan.table,
        sector_bytes=plan.sector_bytes,
        identifier=str(seed.uuid("disk identifier")).upper() if gpt else disk,
        partitions=tuple(
            Partition(
                plan=entry,
                number=number,
                type=_gpt_type(entry, arch) if gpt else _mbr_type(entry),
                uuid=str(seed.uuid(f"partition {entry.name}")) if gpt else f"{disk}-{number:02x}",
                filesystem_uuid=_filesystem_uuid(entry, seed),
            )
            for entry, number in zip(plan.partitions, numbers, strict=True)
        ),
    )


def _numbers(plan: DiskPlan) -> tuple[int, ...]:
    """Fixed numbers as asked, and the lowest free ones for the rest; with an MBR logical ones start at 5."""
    taken = {entry.number for entry in plan.partitions if entry.number is not None}
    free, wanted = _free(plan, taken), len(plan.partitions) - len(taken)
    given = list(itertools.islice(free, wanted))
    if len(given) < wanted:
        raise BuildError(
            f"{len(plan.partitions)} partitions do not fit into the partition table",
            why=f"an MBR has {_PRIMARY}" if plan.table != "gpt" else f"a GPT has {_MOST_OF_GPT}",
            hint='use efiparttable="gpt", or dosparttable_extended_layout="true"',
        )
    return tuple(given.pop(0) if entry.number is None else entry.number for entry in plan.partitions)


def _free(plan: DiskPlan, taken: set[int]) -> Iterator[int]:
    last = _MOST_OF_GPT if plan.table == "gpt" or has_extended(plan) else _PRIMARY
    skipped = {_PRIMARY} if has_extended(plan) else set()
    yield from (number for number in range(1, last + 1) if number not in taken | skipped)


def has_extended(plan: DiskPlan) -> bool:
    """Tell whether the fourth partition of an MBR is an extended one that holds the others."""
    return plan.table == "msdos" and plan.extended_layout and len(plan.partitions) > _PRIMARY - 1


def _gpt_type(entry: PartitionPlan, arch: str) -> str:
    if entry.content in _CONTENT_TYPES:
        return _CONTENT_TYPES[entry.content]
    if entry.role in _GPT_TYPES:
        return _GPT_TYPES[entry.role]
    if entry.role == "root":
        return _ROOT_TYPES.get(arch, LINUX_DATA)
    if entry.role == "verity":
        return _VERITY_TYPES.get(arch, LINUX_DATA)
    return _DISCOVERABLE.get(entry.partition_name, LINUX_DATA)


def _mbr_type(entry: PartitionPlan) -> str:
    by_content = _MBR_CONTENT_TYPES.get(entry.content)
    by_filesystem = _FAT_MBR_TYPES.get(entry.filesystem)
    return by_content or _MBR_TYPES.get(entry.role) or by_filesystem or _MBR_LINUX


def _filesystem_uuid(entry: PartitionPlan, seed: Seed) -> str:
    if entry.content != "filesystem" or not entry.filesystem:
        return ""
    purpose = f"filesystem {entry.name}"
    if entry.filesystem.startswith("fat"):
        volume = seed.bytes(purpose, 4).hex().upper()
        return f"{volume[:4]}-{volume[4:]}"
    return str(seed.uuid(purpose))
