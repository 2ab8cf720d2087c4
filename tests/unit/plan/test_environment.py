# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.description.loader import load
from runner.plan.make import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REPOSITORY = '<repository type="apt-deb" distribution="bookworm"><source path="mirror://debian"/></repository>'
CORE = [
    "kiwi_iname",
    "kiwi_displayname",
    "kiwi_iversion",
    "kiwi_profiles",
    "kiwi_type",
    "kiwi_revision",
    "kiwi_keytable",
    "kiwi_timezone",
    "kiwi_language",
    "kiwi_splash_theme",
    "kiwi_loader_theme",
    "kiwi_showlicense",
    "kiwi_compressed",
    "kiwi_boot_timeout",
    "kiwi_wwid_wait_timeout",
    "kiwi_hybridpersistent",
    "kiwi_hybridpersistent_filesystem",
    "kiwi_initrd_system",
    "kiwi_ramonly",
    "kiwi_target_blocksize",
    "kiwi_target_removable",
    "kiwi_cmdline",
    "kiwi_firmware",
    "kiwi_bootloader",
    "kiwi_bootloader_console",
    "kiwi_btrfs_root_is_snapshot",
    "kiwi_btrfs_root_is_snapper_snapshot",
    "kiwi_gpt_hybrid_mbr",
    "kiwi_devicepersistency",
    "kiwi_installboot",
    "kiwi_bootkernel",
    "kiwi_bootprofile",
    "kiwi_fsmountoptions",
    "kiwi_vga",
    "kiwi_startsector",
    "kiwi_luks_empty_passphrase",
    "kiwi_xendomain",
    "kiwi_rootpartuuid",
    "kiwi_shasum_suffix",
    "kiwi_delete",
    "kiwi_drivers",
    "kiwi_strip_delete",
    "kiwi_strip_tools",
    "kiwi_strip_libs",
    "kiwi_align",
    "kiwi_sectorsize",
]
OEM = [
    "title",
    "kboot",
    "reboot",
    "rebootinteractive",
    "shutdown",
    "shutdowninteractive",
    "silentboot",
    "silentinstall",
    "silentverify",
    "skipverify",
    "bootwait",
    "unattended",
    "unattended_id",
    "devicefilter",
    "nicfilter",
    "multipath_scan",
    "swapMB",
    "rootMB",
    "resizeonce",
    "ramdisksize",
    "partition_install",
    "vmcp_parmfile",
    "recovery",
    "recoveryID",
    "recoveryPartSize",
    "recoveryInPlace",
]


@pytest.fixture
def variables(write: Callable[..., Path]) -> Callable[..., dict[str, str]]:
    """Make the variables of an image of this type, with ``body`` beside its preferences."""

    def make(kind: str, body: str = "", **selection: Any) -> dict[str, str]:
        text = (
            f"<preferences><version>1.2.3</version><packagemanager>apt</packagemanager>{kind}</preferences>"
            f'{REPOSITORY}<packages type="image"><package name="bash"/></packages>{body}'
        )
        return make_plan(load(write(text, preferences=False)), arch="x86_64", **selection).environment

    return make


def test_all_names_are_there(variables: Callable[..., dict[str, str]]) -> None:
    assert set(CORE) == variables('<type image="tbz"/>').keys()


def test_of_a_plain_type_nothing_is_said(variables: Callable[..., dict[str, str]]) -> None:
    said = {name: value for name, value in variables('<type image="tbz"/>').items() if value}
    assert said == {
        "kiwi_iname": "test",
        "kiwi_displayname": "test",
        "kiwi_iversion": "1.2.3",
        "kiwi_type": "tbz",
        "kiwi_initrd_system": "none",
        "kiwi_target_blocksize": "512",
        "kiwi_startsector": "2048",
        "kiwi_bootloader_console": "default:default",
        "kiwi_luks_empty_passphrase": "false",
        "kiwi_shasum_suffix": "sha256",
        "kiwi_align": "1048576",
        "kiwi_sectorsize": "512",
    }


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ('<type image="oem" filesystem="ext4"/>', "kiwi_install_volid", "INSTALL"),
        ('<type image="oem" filesystem="ext4" volid="MINE"/>', "kiwi_install_volid", "MINE"),
        ('<type image="iso"/>', "kiwi_live_volid", "CDROM"),
        ('<type image="iso"/>', "kiwi_initrd_system", "dracut"),
        ('<type image="pxe" filesystem="ext4"/>', "kiwi_initrd_system", "kiwi"),
        ('<type image="kis" initrd_system="none"/>', "kiwi_initrd_system", "none"),
        ('<type image="oem" filesystem="ext4"/>', "kiwi_bootloader", "grub2"),
        ('<type image="oem" filesystem="ext4" luks=""/>', "kiwi_luks_empty_passphrase", "true"),
        ('<type image="oem" filesystem="ext4" gpt_hybrid_mbr="1"/>', "kiwi_gpt_hybrid_mbr", "true"),
        ('<type image="oem" filesystem="ext4" target_blocksize="4096"/>', "kiwi_target_blocksize", "4096"),
        (
            '<type image="oem" filesystem="ext4"><bootloader name="systemd_boot" timeout="3"/></type>',
            "kiwi_bootloader",
            "systemd_boot",
        ),
        (
            '<type image="iso"><bootloader name="grub2" output_console="serial"/></type>',
            "kiwi_bootloader_console",
            "serial:default",
        ),
        ('<type image="oem" filesystem="ext4" xen_server="true"/>', "kiwi_xendomain", "dom0"),
        ('<type image="cpio"/>', "kiwi_cpio_name", "test"),
    ],
)
def test_of_types(variables: Callable[..., dict[str, str]], kind: str, name: str, value: str) -> None:
    assert variables(kind)[name] == value


def test_of_an_installer(variables: Callable[..., dict[str, str]]) -> None:
    said = variables(
        '<type image="oem" filesystem="ext4"><oemconfig><oem-unattended>true</oem-unattended>'
        "<oem-reboot>false</oem-reboot><oem-device-filter>/dev/ram</oem-device-filter>"
        "<oem-systemsize>2048</oem-systemsize><oem-swap>true</oem-swap></oemconfig></type>"
    )
    assert {f"kiwi_oem{name}" for name in OEM} <= said.keys()
    told = {name: value for name, value in said.items() if name.startswith("kiwi_oem") and value}
    assert told == {
        "kiwi_oemunattended": "true",
        "kiwi_oemreboot": "false",
        "kiwi_oemdevicefilter": "/dev/ram",
        "kiwi_oemrootMB": "2048",
        "kiwi_oemswap": "true",
        "kiwi_oemswapMB": "128",
    }


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        (
            "<systemdisk/>",
            {"kiwi_Volume_Root": "LVRoot|size:all|", "kiwi_lvm": "true", "kiwi_lvmgroup": "systemVG"},
        ),
        (
            (
                '<systemdisk name="vg"><volume name="usr/lib" size="1G"/><volume name="@root=R" freespace="500"/>'
                '<volume name="data" mountpoint="/srv/data" size="all"/><volume name="home"/>'
                '<volume name="other" arch="s390x"/></systemdisk>'
            ),
            {
                "kiwi_Volume_1": "usr_lib|size:1024|usr/lib",
                "kiwi_Volume_2": "data|size:all|srv/data",
                "kiwi_Volume_3": "home|freespace:30|home",
                "kiwi_Volume_Root": "R|freespace:500|",
                "kiwi_lvm": "true",
                "kiwi_lvmgroup": "vg",
            },
        ),
        (
            '<systemdisk><volume name="all" size="all"/></systemdisk>',
            {
                "kiwi_Volume_1": "all|size:all|all",
                "kiwi_Volume_Root": "LVRoot|freespace:30|",
                "kiwi_lvm": "true",
                "kiwi_lvmgroup": "systemVG",
            },
        ),
    ],
)
def test_of_volumes(variables: Callable[..., dict[str, str]], disk: str, expected: dict[str, str]) -> None:
    said = variables(f'<type image="oem" filesystem="ext4">{disk}</type>')
    assert {k: v for k, v in said.items() if k.startswith(("kiwi_Volume", "kiwi_lvm"))} == expected


def test_subvolumes_are_no_lvm(variables: Callable[..., dict[str, str]]) -> None:
    said = variables('<type image="oem" filesystem="btrfs"><systemdisk><volume name="home"/></systemdisk></type>')
    assert said["kiwi_Volume_1"] == "home|freespace:120|home"
    assert "kiwi_lvm" not in said


def test_lists(variables: Callable[..., dict[str, str]]) -> None:
    said = variables(
        '<type image="tbz"/>',
        '<packages type="delete"><package name="z"/><package name="a"/><package name="b" arch="s390x"/></packages>'
        '<drivers><file name="net/*"/><file name="usb.ko" arch="x86_64"/><file name="x" arch="s390x"/></drivers>'
        '<strip type="tools"><file name="ls"/><file name="cp"/></strip>'
        '<profiles><profile name="p" description="p"/></profiles>'
        '<strip type="libs" profiles="p"><file name="libz"/></strip>',
    )
    assert said["kiwi_delete"] == "a z"
    assert said["kiwi_drivers"] == "net/*,usb.ko"
    assert (said["kiwi_strip_tools"], said["kiwi_strip_libs"], said["kiwi_strip_delete"]) == ("ls cp", "", "")
