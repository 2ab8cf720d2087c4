# SPDX-License-Identifier: Apache-2.0
"""Where subvolumes lie, and what fstab and the kernel are told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.bootloader.facts import BootFacts
from runner.disk.fstab import fstab
from runner.disk.identity import identify
from runner.disk.subvolumes import Subvolume, has_quotas, path_on_disk, subvolumes
from runner.disk.volume_tree import prepare_volumes
from runner.errors import BuildError
from runner.plan.boot import BootPlan
from runner.plan.disk import DiskPlan
from runner.plan.model import TypePlan
from runner.plan.partitions import PartitionPlan
from runner.plan.protection import VerityPlan
from runner.plan.volumes import BtrfsPlan, VolumePlan, VolumesPlan
from runner.seed import Seed

if TYPE_CHECKING:
    from pathlib import Path

ROOT = PartitionPlan(role="root", name="root", partition_name="p.lxroot", filesystem="btrfs", mountpoint="/")


def disk(root: str, *volumes: VolumePlan, **said: bool) -> DiskPlan:
    volume = VolumePlan(name=root, path="/", purpose="root")
    plan = VolumesPlan(manager="btrfs", group="systemVG", volumes=(volume, *volumes))
    return DiskPlan(table="gpt", partitions=(ROOT,), volumes=plan, btrfs=BtrfsPlan(**said))


HOME = VolumePlan(name="home", path="/home", check=True)
LOG = VolumePlan(name="var/log", path="/var/log", copy_on_write=False, quota="2G")
NESTED = disk("@", HOME, LOG, root_is_subvolume=True)
FLAT = disk(
    "root", VolumePlan(name="home", path="/home", parent="/"), root_is_subvolume=True, set_default_volume=False
)
SNAPSHOT = disk("@", HOME, root_is_subvolume=True, root_is_snapshot=True, root_is_readonly=True)
TOP = disk("@", HOME)


def lines(plan: DiskPlan, *, verity: VerityPlan | None = None) -> list[str]:
    identity = identify(plan, arch="x86_64", seed=Seed(b"1" * 32))
    uuid = identity.partitions[0].filesystem_uuid
    kind = TypePlan(image="oem", disk=plan, boot=BootPlan(), fsmountoptions=("noatime",), verity=verity)
    return fstab(identity, kind).replace(f"UUID={uuid}", "ROOT").splitlines()


def cmdline(plan: DiskPlan, *, more: str = "") -> str:
    identity = identify(plan, arch="x86_64", seed=Seed(b"1" * 32))
    facts = BootFacts(
        identity=identity, boot=BootPlan(cmdline=more), arch="x86_64", kernels=(), volumes=subvolumes(plan)
    )
    return facts.cmdline.partition(" ")[2]


def test_volumes_lie_in_that_of_the_root() -> None:
    assert subvolumes(NESTED) == (
        Subvolume(path="@", mountpoint="/", is_default=True),
        Subvolume(path="@/home", mountpoint="/home", check=True),
        Subvolume(path="@/var/log", mountpoint="/var/log", copy_on_write=False, quota_bytes=2 << 30),
    )
    assert has_quotas(NESTED)
    assert lines(NESTED) == [
        "ROOT / btrfs noatime 0 1",
        "ROOT /home btrfs noatime,subvol=@/home 0 2",
        "ROOT /var/log btrfs noatime,subvol=@/var/log 0 0",
    ]
    assert cmdline(NESTED) == "ro"


def test_a_root_that_is_not_the_default_is_asked_for() -> None:
    assert lines(FLAT) == ["ROOT / btrfs noatime,subvol=root 0 1", "ROOT /home btrfs noatime,subvol=home 0 0"]
    assert cmdline(FLAT) == "ro rootflags=subvol=root"
    assert cmdline(FLAT, more="quiet rootflags=subvol=other") == "ro quiet rootflags=subvol=other"
    assert not has_quotas(FLAT)


def test_the_layout_of_snapper() -> None:
    root, *others = subvolumes(SNAPSHOT)
    assert root == Subvolume(path="@/.snapshots/1/snapshot", mountpoint="/", is_default=True, read_only=True)
    assert [entry.path for entry in others] == ["@", "@/.snapshots", "@/home"]
    assert "ROOT /.snapshots btrfs noatime,subvol=@/.snapshots 0 0" in lines(SNAPSHOT)


def test_without_a_subvolume_for_the_root_the_others_lie_at_the_top() -> None:
    assert [entry.path for entry in subvolumes(TOP)] == ["", "home"]
    assert lines(TOP)[0] == "ROOT / btrfs noatime 0 1"


@pytest.mark.parametrize(
    ("plan", "path", "expected"),
    [
        (NESTED, "/boot", "/@/boot"),
        (NESTED, "/var/log/x", "/@/var/log/x"),
        (FLAT, "/home/a", "/home/a"),
        (SNAPSHOT, "/boot", "/@/.snapshots/1/snapshot/boot"),
        (TOP, "/boot", "/boot"),
        (None, "/boot", "/boot"),
    ],
)
def test_a_bootloader_looks_from_the_top(plan: DiskPlan | None, path: str, expected: str) -> None:
    assert path_on_disk(subvolumes(plan), path) == expected


def test_mountpoints_are_made_and_the_snapshot_is_described(tmp_path: Path) -> None:
    prepare_volumes(tmp_path, subvolumes(SNAPSHOT), 1_700_000_000)
    assert (tmp_path / "home").is_dir()
    assert (tmp_path / ".snapshots").stat().st_mode & 0o777 == 0o700
    assert "<date>2023-11-14 22:13:20</date>" in (tmp_path / ".snapshots/1/info.xml").read_text()


def test_a_mountpoint_that_is_a_file_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(BuildError, match="/home"):
        prepare_volumes(tmp_path, subvolumes(NESTED), 0)


def test_volumes_of_a_root_under_verity_come_from_the_device_that_checks_them() -> None:
    found = lines(NESTED, verity=VerityPlan())
    assert found == [
        "/dev/mapper/root /home btrfs ro,noatime,subvol=@/home 0 2",
        "/dev/mapper/root /var/log btrfs ro,noatime,subvol=@/var/log 0 0",
    ]
