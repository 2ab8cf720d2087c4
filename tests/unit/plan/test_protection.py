# SPDX-License-Identifier: Apache-2.0
"""Encryption and integrity are planned, and no plan holds a passphrase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.bootloader import grub, systemd_boot
from runner.description import load
from runner.digest import canonical_json
from runner.plan import make_plan
from runner.plan.disk_support import MACHINES
from runner.plan.select import file_arch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.plan.model import Plan


def planned(write: Callable[..., Path], attributes: str, inner: str = "") -> Plan:
    kind = f'<type image="oem" filesystem="ext4" {attributes}>{inner}</type>'
    return make_plan(load(write(f"<preferences>{kind}</preferences>")), type_name="oem", arch="x86_64")


@pytest.mark.parametrize(
    ("luks", "unlock", "keyfile"),
    [
        ("s3cr3t phrase", "passphrase", ""),
        ("file:///etc/key", "keyfile", "/etc/key"),
        ("random", "random", ""),
        ("", "empty", ""),
    ],
)
def test_how_a_disk_is_unlocked(write: Callable[..., Path], luks: str, unlock: str, keyfile: str) -> None:
    plan = planned(write, f'luks="{luks}"')
    assert plan.type.luks is not None
    assert (plan.type.luks.unlock, plan.type.luks.keyfile) == (unlock, keyfile)
    assert (plan.type.luks.version, plan.type.luks.randomize) == ("luks", True)
    assert b"s3cr3t" not in canonical_json(plan)


def test_encryption_as_said(write: Callable[..., Path]) -> None:
    inner = '<luksformat><option name="--cipher" value="aes"/><option name="--x"/></luksformat>'
    luks = planned(
        write, 'luks="p" luks_version="luks2" luks_pbkdf="argon2id" luks_randomize="0"', inner
    ).type.luks
    assert luks is not None
    assert (luks.version, luks.pbkdf, luks.randomize) == ("luks2", "argon2id", False)
    assert luks.options == (("--cipher", "aes"), ("--x", ""))


def test_nothing_is_encrypted_or_checked_unasked(write: Callable[..., Path]) -> None:
    plan = planned(write, 'standalone_integrity="false"').type
    assert (plan.luks, plan.verity, plan.integrity, plan.overlay_root) == (None, None, None, None)


@pytest.mark.parametrize(("said", "blocks"), [("all", None), ("1000", 1000)])
def test_verity(write: Callable[..., Path], said: str, blocks: int | None) -> None:
    verity = planned(write, f'verity_blocks="{said}" embed_verity_metadata="true"').type.verity
    assert verity is not None
    assert (verity.blocks, verity.embed_metadata) == (blocks, True)


def test_integrity(write: Callable[..., Path]) -> None:
    integrity = planned(write, 'standalone_integrity="true" integrity_keyfile="/k"').type.integrity
    assert integrity is not None
    assert (integrity.keyfile, integrity.embed_metadata) == ("/k", False)


@pytest.mark.parametrize(
    ("attributes", "inner", "elements"),
    [
        ("", "", []),
        ('luks=""', "", ["type luks"]),
        ('mdraid="striping" overlayroot="false"', "", ["type mdraid"]),
        ('firmware="ofw"', "", ['type firmware="ofw"', 'type firmware="ofw"']),
        ("", "<systemdisk/>", ["systemdisk"]),
        ("", '<bootloader name="zipl"/>', ['bootloader name="zipl"']),
        (
            "",
            '<partitions><partition name="a" size="1" clone="1"/><partition name="b" size="1"/></partitions>',
            ["partition clone"],
        ),
    ],
)
def test_what_cannot_be_built_is_told_where_it_stands(
    write: Callable[..., Path], attributes: str, inner: str, elements: list[str]
) -> None:
    found = planned(write, attributes, "\n" + inner).unsupported
    assert [entry.element for entry in found] == elements
    lines = {entry.where for entry in found}
    assert lines <= {"appliance.kiwi:11" if inner else "appliance.kiwi:10"}


SEALED = 'verity_blocks="all"'
UNIFIED = '<initrd action="setup"><dracut uefi="true"/></initrd>'
SYSTEMD_BOOT = '<bootloader name="systemd_boot"/>'
BOOT = 'bootpartition="true" bootfilesystem="ext4"'


@pytest.mark.parametrize(
    ("filesystem", "attributes", "inner", "reasons"),
    [
        ("squashfs", f'firmware="efi" {SEALED}', SYSTEMD_BOOT + UNIFIED, []),
        ("ext4", f'firmware="efi" {SEALED}', SYSTEMD_BOOT, []),
        ("erofs", f'firmware="efi" {SEALED} {BOOT}', "", []),
        ("squashfs", BOOT, "", []),
        ("squashfs", 'firmware="efi"', SYSTEMD_BOOT, []),
        ("squashfs", "", "", ["GRUB cannot read"]),
        ("squashfs", 'bootpartition="true"', "", ["GRUB cannot read"]),
        ("ext4", 'firmware="efi"', UNIFIED, ["only systemd_boot"]),
        ("ext4", 'firmware="uefi"', SYSTEMD_BOOT, ["not signed"]),
        ("ext4", f'firmware="efi" {SEALED}', "", ["the menu with the root hash"]),
        ("ext4", f"{SEALED} {BOOT}", "", ["names in a GPT"]),
        ("ext4", f'firmware="efi" efiparttable="msdos" {SEALED}', SYSTEMD_BOOT, ["names in a GPT"]),
        ("ext4", 'firmware="efi" verity_blocks="99"', SYSTEMD_BOOT, ["a part of a filesystem"]),
        ("ext4", f'firmware="efi" {SEALED}', '<bootloader name="custom"/>', ["no script is told"]),
        ("ext4", f'firmware="efi" {SEALED} initrd_system="none"', SYSTEMD_BOOT, ["without an initrd"]),
        ("ext4", f'firmware="efi" {SEALED} editbootconfig="e.sh"', SYSTEMD_BOOT, ["it changes the menu"]),
        ("ext4", 'firmware="efi" editbootconfig="e.sh"', SYSTEMD_BOOT, []),
        ("ext4", f'firmware="efi" {SEALED} fsmountoptions="noatime"', SYSTEMD_BOOT, ["rootflags="]),
        (
            "squashfs",
            'firmware="efi"',
            f"{SYSTEMD_BOOT}<oemconfig><oem-resize>true</oem-resize></oemconfig>",
            ["cannot grow"],
        ),
    ],
)
def test_what_goes_with_a_root_that_nobody_writes_to(
    write: Callable[..., Path], filesystem: str, attributes: str, inner: str, reasons: list[str]
) -> None:
    kind = f'<type image="oem" filesystem="{filesystem}" {attributes}>{inner}</type>'
    plan = make_plan(load(write(f"<preferences>{kind}</preferences>")), type_name="oem", arch="x86_64")
    found = [entry.why for entry in plan.unsupported]
    assert len(found) == len(reasons), found
    assert all(reason in why for reason, why in zip(reasons, found, strict=True))


@pytest.mark.parametrize(
    ("filesystem", "attributes", "modules", "drivers"),
    [
        ("ext4", "", (), ()),
        ("erofs", "", (), ("erofs",)),
        ("ext4", SEALED, ("systemd-veritysetup",), ("dm-verity",)),
        ("squashfs", SEALED, ("systemd-veritysetup",), ("dm-verity", "squashfs")),
    ],
)
def test_what_a_sealed_root_needs(
    write: Callable[..., Path],
    filesystem: str,
    attributes: str,
    modules: tuple[str, ...],
    drivers: tuple[str, ...],
) -> None:
    kind = f'<type image="oem" filesystem="{filesystem}" firmware="efi" {attributes}>{SYSTEMD_BOOT}</type>'
    plan = make_plan(load(write(f"<preferences>{kind}</preferences>")), type_name="oem", arch="x86_64").type
    assert plan.oem is not None
    assert plan.initrd is not None
    assert plan.disk is not None
    assert plan.oem.resize.at_boot is (not drivers)
    added = [(entry.modules, entry.drivers) for entry in plan.initrd.actions]
    assert added == ([(modules, drivers)] if drivers else [])
    roles = [entry.role for entry in plan.disk.partitions]
    assert roles == ["bios_grub", "efi", *(["verity"] if modules else []), "root"]


def test_firmware_a_machine_does_not_have(write: Callable[..., Path]) -> None:
    kind = '<type image="oem" filesystem="ext4" firmware="bios"/>'
    description = load(write(f"<preferences>{kind}</preferences>"))
    (entry,) = make_plan(description, type_name="oem", arch="aarch64").unsupported
    assert (entry.element, entry.why) == ('type firmware="bios"', "aarch64 has no such firmware")


@pytest.mark.parametrize(
    ("attributes", "inner", "arch", "reasons"),
    [
        ("", "", "aarch64", []),
        ('firmware="efi"', "", "i686", []),
        ('firmware="uefi"', "", "x86_64", []),
        ('firmware="uefi"', '<bootloader name="custom"/>', "aarch64", []),
        ("", '<bootloader name="custom"/>', "riscv64", []),
        ("", SYSTEMD_BOOT, "riscv64", []),
        ('firmware="uefi"', "", "aarch64", ['uefi"', '<bootloader name="grub2"/>']),
        ('firmware="uefi"', "", "i686", ['uefi"', '<bootloader name="grub2"/>']),
        ("", "", "riscv64", ['efi"', "grub2 is not installed for it on riscv64", "systemd_boot"]),
        ("", "", "loongarch64", ['efi"', "systemd_boot"]),
        ('firmware="uefi"', "", "armv7l", ['uefi"', "systemd_boot"]),
        ("", "", "ppc64le", ["type image", "ppc64le is not served"]),
        ("", "", "s390x", ["type image", "s390x is not served"]),
        ("", SYSTEMD_BOOT, "armv6l", ['efi"', "systemd_boot is not installed for it on armv6l"]),
    ],
)
def test_machines_that_no_bootloader_is_installed_on(
    write: Callable[..., Path], attributes: str, inner: str, arch: str, reasons: list[str]
) -> None:
    kind = f'<type image="oem" filesystem="ext4" {attributes}>{inner}</type>'
    found = make_plan(load(write(f"\n<preferences>{kind}</preferences>")), type_name="oem", arch=arch).unsupported
    assert len(found) == bool(reasons), found
    for entry in found:
        assert entry.where == "appliance.kiwi:11"
        assert all(reason in f"{entry.element} {entry.why}" for reason in reasons)


def test_machines_are_those_that_bootloaders_know() -> None:
    known = {"grub2": {*grub.EFI_PLATFORMS}, "systemd_boot": {*systemd_boot.ARCHES}}
    assert {name: {*map(file_arch, served["efi"])} for name, served in MACHINES.items()} == known


def test_containers_brought_along(write: Callable[..., Path]) -> None:
    body = """
    <containers source="registry.example.org" backend="podman">
      <container name="a" path="x/y" tag="1"/><container name="b" fetch_only="true"/>
      <container name="c" arch="s390x"/>
    </containers>
    <containers source="other" backend="docker" arch="s390x"><container name="d"/></containers>"""
    plan = make_plan(load(write(body)), arch="x86_64")
    assert [(entry.reference, entry.backend, entry.load) for entry in plan.preload] == [
        ("registry.example.org/x/y/a:1", "podman", True),
        ("registry.example.org/b:latest", "podman", False),
    ]
