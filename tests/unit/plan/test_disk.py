# SPDX-License-Identifier: Apache-2.0
"""The partitions and volumes a disk is planned with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.description import load
from runner.plan import make_plan
from runner.plan.sizes import mebibytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.plan.disk import DiskPlan
    from runner.plan.partitions import PartitionPlan
    from runner.plan.volumes import VolumePlan

SWAP = "<oemconfig><oem-swap>true</oem-swap></oemconfig>"


def disk(
    write: Callable[..., Path],
    attributes: str = "",
    inner: str = "",
    *,
    filesystem: str = "ext4",
    arch: str = "x86_64",
) -> DiskPlan:
    kind = f'<type image="oem" filesystem="{filesystem}" {attributes}>{inner}</type>'
    plan = make_plan(load(write(f"<preferences>{kind}</preferences>")), type_name="oem", arch=arch)
    assert plan.type.disk is not None
    return plan.type.disk


def roles(planned: DiskPlan) -> list[str]:
    return [entry.role for entry in planned.partitions]


def the(planned: DiskPlan, role: str) -> PartitionPlan:
    (entry,) = (entry for entry in planned.partitions if entry.role == role)
    return entry


@pytest.mark.parametrize(
    ("attributes", "arch", "table", "expected"),
    [
        ("", "x86_64", "msdos", ["root"]),
        ("", "i686", "msdos", ["root"]),
        ("", "aarch64", "gpt", ["efi", "root"]),
        ("", "riscv64", "gpt", ["efi", "root"]),
        ("", "ppc64le", "gpt", ["prep", "root"]),
        ("", "s390x", "msdos", ["root"]),
        ('firmware="efi"', "x86_64", "gpt", ["bios_grub", "efi", "root"]),
        ('firmware="uefi" eficsm="false"', "x86_64", "gpt", ["efi", "root"]),
        ('firmware="uefi" efiparttable="msdos"', "x86_64", "msdos", ["efi", "root"]),
        ('firmware="efi"', "aarch64", "gpt", ["efi", "root"]),
        ('firmware="custom"', "x86_64", "msdos", ["root"]),
        ('firmware="opal"', "ppc64le", "gpt", ["root"]),
    ],
)
def test_table_and_boot_code(
    write: Callable[..., Path], attributes: str, arch: str, table: str, expected: list[str]
) -> None:
    planned = disk(write, attributes, arch=arch)
    assert (planned.table, roles(planned)) == (table, expected)


def test_everything_in_its_order_with_its_usual_size(write: Callable[..., Path]) -> None:
    attributes = 'firmware="uefi" bootpartition="true" spare_part="1G"'
    inner = SWAP + '<partitions><partition name="data" size="2G" filesystem="xfs" mountpoint="/srv"/></partitions>'
    planned = disk(write, attributes, inner)
    assert [(p.role, p.partition_name, p.filesystem, p.label, p.size_mib) for p in planned.partitions] == [
        ("bios_grub", "p.legacy", "", "", 2),
        ("efi", "p.UEFI", "fat16", "EFI", 20),
        ("boot", "p.lxboot", "ext4", "BOOT", 300),
        ("swap", "p.swap", "swap", "SWAP", 128),
        ("custom", "p.lxdata", "xfs", "DATA", 2048),
        ("spare", "p.spare", "", "", 1024),
        ("root", "p.lxroot", "ext4", "ROOT", None),
    ]
    assert (planned.first_sector, planned.sector_bytes) == (2048, 512)


def test_what_is_said_counts(write: Callable[..., Path]) -> None:
    attributes = (
        'firmware="efi" efipartsize="64" efipart_id="3" eficsmpart_id="9" bootpartition="1" bootpartsize="500" '
        'bootfilesystem="fat32" bootpart_id="4" boot_clone="1" rootpart_id="7" root_clone="2" rootfs_label="SYS" '
        'spare_part="10" spare_part_fs="btrfs" spare_part_mountpoint="/s" spare_part_is_last="true" '
        'spare_part_fs_attributes="no-copy-on-write" disk_start_sector="4096" target_blocksize="4096" '
        'gpt_hybrid_mbr="true"'
    )
    inner = "<oemconfig><oem-swap>true</oem-swap><oem-swapsize>512</oem-swapsize></oemconfig>"
    planned = disk(write, attributes, inner)
    assert roles(planned) == ["bios_grub", "efi", "boot", "swap", "root", "spare"]
    assert [entry.number for entry in planned.partitions] == [9, 3, 4, None, 7, None]
    assert [entry.clones for entry in planned.partitions] == [0, 0, 1, 0, 2, 0]
    assert [entry.size_mib for entry in planned.partitions] == [2, 64, 500, 512, None, 10]
    assert (the(planned, "boot").filesystem, the(planned, "root").label) == ("fat32", "SYS")
    spare = the(planned, "spare")
    assert (spare.filesystem, spare.mountpoint, spare.file_attributes) == ("btrfs", "/s", ("no-copy-on-write",))
    assert (planned.first_sector, planned.sector_bytes, planned.hybrid_mbr) == (4096, 4096, True)


@pytest.mark.parametrize("said", ["/srv/data", "srv/data", "srv//data/"])
def test_a_mountpoint_is_a_path_from_the_top(write: Callable[..., Path], said: str) -> None:
    inner = f'<partitions><partition name="a" size="1G" filesystem="ext4" mountpoint="{said}"/></partitions>'
    assert the(disk(write, "", inner), "custom").mountpoint == "/srv/data"


@pytest.mark.parametrize(
    ("filesystem", "attributes", "inner", "wanted"),
    [
        ("ext4", "", "", False),
        ("btrfs", "", "<systemdisk/>", False),
        ("ext4", "", "<systemdisk/>", True),
        ("btrfs", "", '<systemdisk preferlvm="true"/>', True),
        ("ext4", 'mdraid="mirroring"', "", True),
        ("ext4", 'overlayroot="true"', "", True),
        ("ext4", 'overlayroot="false"', "", False),
        ("ext4", 'mdraid="mirroring" bootpartition="false"', "", False),
        ("btrfs", 'bootpartition="true"', "", True),
    ],
)
def test_boot_gets_a_partition_where_the_root_cannot_be_read(
    write: Callable[..., Path], filesystem: str, attributes: str, inner: str, *, wanted: bool
) -> None:
    assert ("boot" in roles(disk(write, attributes, inner, filesystem=filesystem))) is wanted


@pytest.mark.parametrize(
    ("attributes", "inner", "content", "name"),
    [
        ("", "", "filesystem", "p.lxroot"),
        ("", "<systemdisk/>", "lvm", "p.lxlvm"),
        ('mdraid="striping"', "", "raid", "p.lxraid"),
    ],
)
def test_what_the_root_partition_holds(
    write: Callable[..., Path], attributes: str, inner: str, content: str, name: str
) -> None:
    root = the(disk(write, attributes, inner), "root")
    assert (root.content, root.partition_name) == (content, name)


def test_an_overlay_root(write: Callable[..., Path]) -> None:
    attributes = 'overlayroot="true" overlayroot_readonly_filesystem="erofs" overlayroot_readonly_partsize="700"'
    planned = disk(write, attributes)
    readonly = the(planned, "readonly")
    assert (readonly.filesystem, readonly.size_mib, readonly.partition_name) == ("erofs", 700, "p.lxreadonly")
    assert roles(planned) == ["boot", "readonly", "root"]
    alone = disk(write, 'overlayroot="true" overlayroot_write_partition="false"')
    assert roles(alone) == ["boot", "readonly"]
    assert the(alone, "readonly").filesystem == "squashfs"


@pytest.mark.parametrize(("resize", "size"), [("true", None), ("false", 4096)])
def test_the_size_of_a_root_that_does_not_grow(write: Callable[..., Path], resize: str, size: int | None) -> None:
    config = f"<oem-resize>{resize}</oem-resize><oem-systemsize>4096</oem-systemsize>"
    assert the(disk(write, "", f"<oemconfig>{config}</oemconfig>"), "root").size_mib == size


def volumes(
    write: Callable[..., Path], inner: str, *, filesystem: str = "ext4", more: str = ""
) -> list[VolumePlan]:
    planned = disk(write, "", inner + more, filesystem=filesystem).volumes
    assert planned is not None
    return list(planned.volumes)


def test_logical_volumes(write: Callable[..., Path]) -> None:
    inner = """<systemdisk name="vg">
      <volume name="usr/lib" freespace="100"/><volume name="@root=system" size="2G"/>
      <volume name="data" mountpoint="srv/data" size="all" label="D" filesystem_check="true"/>
      <volume name="var"/><volume name="arm" arch="aarch64"/>
    </systemdisk>"""
    planned = disk(write, "", inner + SWAP)
    assert planned.volumes is not None
    assert (planned.volumes.manager, planned.volumes.group) == ("lvm", "vg")
    assert [(v.name, v.path, v.purpose, v.size_mib, v.freespace_mib) for v in planned.volumes.volumes] == [
        ("LVusr_lib", "/usr/lib", "data", None, 100),
        ("system", "/", "root", 2048, None),
        ("data", "/srv/data", "data", None, None),
        ("LVvar", "/var", "data", None, 30),
        ("LVSwap", "", "swap", 128, None),
    ]
    data = planned.volumes.volumes[2]
    assert (data.takes_the_rest, data.label, data.check) == (True, "D", True)
    assert "swap" not in roles(planned)


def test_a_root_volume_is_added(write: Callable[..., Path]) -> None:
    root, var = volumes(write, '<systemdisk><volume name="var" size="1G"/></systemdisk>', filesystem="xfs")
    assert (root.name, root.path, root.takes_the_rest) == ("LVRoot", "/", True)
    assert var.size_mib == 1024
    root, _ = volumes(write, '<systemdisk><volume name="var" size="all"/></systemdisk>', filesystem="xfs")
    assert (root.takes_the_rest, root.freespace_mib) == (False, 300)


def test_subvolumes(write: Callable[..., Path]) -> None:
    inner = """<systemdisk><volume name="var/lib" parent="/" copy_on_write="false" quota="1G"/>
      <volume name="@root"/></systemdisk>"""
    planned = disk(write, 'btrfs_root_is_snapper_snapshot="true"', inner + SWAP, filesystem="btrfs")
    assert planned.volumes is not None
    assert (planned.volumes.manager, planned.volumes.group) == ("btrfs", "systemVG")
    library, root = planned.volumes.volumes
    assert (library.name, library.path, library.parent) == ("var/lib", "/var/lib", "/")
    assert (library.copy_on_write, library.quota, library.freespace_mib) == (False, "1G", 120)
    assert (root.name, root.path) == ("@", "/")
    assert planned.btrfs is not None
    assert (planned.btrfs.root_is_subvolume, planned.btrfs.root_is_snapshot) == (True, True)
    assert (planned.btrfs.root_is_readonly, planned.btrfs.set_default_volume) == (False, True)
    assert "swap" in roles(planned)


@pytest.mark.parametrize(
    ("attributes", "inner", "subvolume"),
    [
        ("", "", False),
        ("", "<systemdisk/>", True),
        ('btrfs_root_is_subvolume="true"', "", True),
        ('btrfs_root_is_subvolume="false"', "<systemdisk/>", False),
    ],
)
def test_when_the_root_is_a_subvolume(
    write: Callable[..., Path], attributes: str, inner: str, *, subvolume: bool
) -> None:
    planned = disk(write, attributes, inner, filesystem="btrfs").btrfs
    assert planned is not None
    assert planned.root_is_subvolume is subvolume


@given(st.integers(0, 10**12), st.sampled_from(["", "M", "G"]))
def test_sizes(value: int, unit: str) -> None:
    assert mebibytes(f"{value}{unit}") == value * (1024 if unit == "G" else 1)
