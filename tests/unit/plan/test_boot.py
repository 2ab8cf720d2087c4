# SPDX-License-Identifier: Apache-2.0
"""Firmware, bootloader, initrd, installers, media and machines with their defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.description import load
from runner.plan import make_plan
from runner.plan.boot import default_firmware

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.plan.boot import BootloaderPlan
    from runner.plan.model import TypePlan


def planned(
    write: Callable[..., Path], image: str, attributes: str = "", inner: str = "", *, arch: str = "x86_64"
) -> TypePlan:
    needed = 'filesystem="ext4"' if image == "oem" and "filesystem" not in attributes else ""
    kind = f'<type image="{image}" {needed} {attributes}>{inner}</type>'
    body = f"<preferences><bootloader-theme>t</bootloader-theme>{kind}</preferences>"
    return make_plan(load(write(body)), type_name=image, arch=arch).type


@pytest.mark.parametrize(
    ("machine", "firmware"),
    [
        ("x86_64", "bios"),
        ("i686", "bios"),
        ("aarch64", "efi"),
        ("armv7l", "efi"),
        ("riscv64", "efi"),
        ("loongarch64", "efi"),
        ("ppc64le", "ofw"),
        ("s390x", ""),
        ("ia64", ""),
    ],
)
def test_firmware_by_machine(machine: str, firmware: str) -> None:
    assert default_firmware(machine) == firmware


@pytest.mark.parametrize("image", ["tbz", "oci", "ext4", "squashfs", "cpio", "appx", "wsl"])
def test_what_does_not_boot_has_nothing_to_boot_with(write: Callable[..., Path], image: str) -> None:
    attributes = 'metadata_path="/m"' if image == "appx" else ""
    plan = planned(write, image, attributes)
    assert (plan.boot, plan.initrd, plan.disk, plan.oem, plan.media, plan.live, plan.netboot) == (None,) * 7


def loader(plan: TypePlan) -> BootloaderPlan:
    assert plan.boot is not None
    assert plan.boot.loader is not None
    return plan.boot.loader


@pytest.mark.parametrize("image", ["oem", "iso"])
def test_a_bootloader_by_default(write: Callable[..., Path], image: str) -> None:
    plan = planned(write, image)
    found = loader(plan)
    assert (found.name, found.title, found.theme, found.timeout_seconds) == ("grub2", "test", "t", 10)
    assert (found.output, found.input, found.video_mode) == (("gfxterm",), ("console",), "auto")
    assert (found.timeout_style, found.boot_entries) == ("menu", True)
    assert plan.boot is not None
    assert (plan.boot.firmware, plan.boot.devices_by) == ("bios", "by-uuid")


@pytest.mark.parametrize(
    ("attributes", "output", "input_", "serial"),
    [
        ('output_console="serial"', ("serial",), ("serial",), "9600"),
        ('output_console="serial gfxterm" input_console="console"', ("serial", "gfxterm"), ("console",), "9600"),
        ('output_console="none"', (), (), ""),
        ('input_console="serial"', ("gfxterm",), ("serial",), "9600"),
        ('output_console="console"', ("console",), ("console",), ""),
    ],
)
def test_terminals(
    write: Callable[..., Path], attributes: str, output: tuple[str, ...], input_: tuple[str, ...], serial: str
) -> None:
    found = loader(planned(write, "oem", "", f'<bootloader name="grub2" {attributes} serial_line="9600"/>'))
    assert (found.output, found.input, found.serial_line) == (output, input_, serial)


def test_a_bootloader_as_said(write: Callable[..., Path]) -> None:
    inner = """<bootloader name="grub2" timeout="0" timeout_style="hidden" bls="false" video_mode="800x600">
      <bootloadersettings><shimoption name="--s"/><installoption name="--i" value="1"/><configoption name="--c"/>
        <environment><env name="A" value=" 1"/></environment></bootloadersettings>
    </bootloader><oemconfig><oem-boot-title>Title</oem-boot-title></oemconfig>"""
    attributes = 'kernelcmdline="quiet splash" devicepersistency="by-label" target_removable="true"'
    plan = planned(write, "oem", attributes, inner)
    found = loader(plan)
    assert (found.timeout_seconds, found.timeout_style, found.boot_entries) == (0, "hidden", False)
    assert (found.title, found.video_mode) == ("Title", "800x600")
    assert (found.shim_options, found.install_options) == ((("--s", ""),), (("--i", "1"),))
    assert (found.config_options, found.environment) == ((("--c", ""),), (("A", " 1"),))
    assert plan.boot is not None
    assert (plan.boot.cmdline, plan.boot.devices_by, plan.boot.removable) == ("quiet splash", "by-label", True)


@pytest.mark.parametrize(
    ("image", "said", "system"),
    [
        ("oem", "", "dracut"),
        ("oem", "none", "none"),
        ("kis", "", "dracut"),
        ("pxe", "", "kiwi"),
        ("pxe", "dracut", "dracut"),
        ("iso", "", "dracut"),
    ],
)
def test_who_makes_the_initrd(write: Callable[..., Path], image: str, said: str, system: str) -> None:
    initrd = planned(write, image, f'initrd_system="{said}"' if said else "").initrd
    assert initrd is not None
    assert initrd.system == system


def test_what_goes_into_the_initrd(write: Callable[..., Path]) -> None:
    inner = """<initrd action="add"><dracut module="a"/><dracut driver="d"/><dracut module="b"/></initrd>
      <initrd action="setup"><dracut uefi="true"/></initrd>"""
    initrd = planned(write, "oem", "", inner).initrd
    assert initrd is not None
    add, setup = initrd.actions
    assert (add.action, add.modules, add.drivers, add.unified) == ("add", ("a", "b"), ("d",), False)
    assert (setup.action, setup.unified, initrd.unified) == ("setup", True, True)


def test_first_boot(write: Callable[..., Path]) -> None:
    oem = planned(write, "oem").oem
    assert oem is not None
    assert (oem.resize.at_boot, oem.resize.limit_mib, oem.multipath_scan, oem.recovery) == (
        True,
        None,
        False,
        None,
    )
    inner = """<oemconfig><oem-resize>true</oem-resize><oem-systemsize>2048</oem-systemsize>
      <oem-unattended>true</oem-unattended><oem-device-filter>^/dev/x</oem-device-filter>
      <oem-recovery>true</oem-recovery><oem-recovery-part-size>9</oem-recovery-part-size></oemconfig>"""
    oem = planned(write, "oem", "", inner).oem
    assert oem is not None
    assert (oem.resize.limit_mib, oem.dump.unattended, oem.dump.device_filter) == (2048, True, "^/dev/x")
    assert oem.recovery is not None
    assert oem.recovery.partition_size_mib == 9
    assert planned(write, "oem", "", "<oemconfig><oem-resize>false</oem-resize></oemconfig>").oem != oem


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ("", None),
        ('installiso="false"', None),
        ('installiso="true"', (True, False)),
        ('installstick="true"', (True, False)),
        ('installpxe="true"', (False, True)),
    ],
)
def test_installers(write: Callable[..., Path], attributes: str, wanted: tuple[bool, bool] | None) -> None:
    plan = planned(write, "oem", attributes)
    assert (plan.install and (plan.install.iso, plan.install.pxe)) == wanted
    assert (plan.media is not None) is bool(wanted and wanted[0])
    if plan.media:
        assert (plan.media.volume_id, plan.media.efi_image_mib) == ("INSTALL", 20)


def test_an_installer_as_said(write: Callable[..., Path]) -> None:
    attributes = 'installiso="true" installboot="install" installprovidefailsafe="false" volid="V"'
    inner = '<installmedia><initrd action="omit"><dracut module="m"/></initrd></installmedia>'
    plan = planned(write, "oem", attributes + ' install_continue_on_timeout="false"', inner)
    assert plan.install is not None
    assert (plan.install.default_entry, plan.install.failsafe_entry) == ("install", False)
    assert (plan.install.start_after_timeout, plan.install.initrd[0].modules) == (False, ("m",))
    assert plan.media is not None
    assert plan.media.volume_id == "V"


def test_live_systems(write: Callable[..., Path]) -> None:
    plan = planned(write, "iso")
    assert plan.media is not None
    assert (plan.media.volume_id, plan.media.mediacheck, plan.media.application_id) == ("CDROM", False, "")
    assert plan.live is not None
    assert (plan.live.module, plan.live.filesystem, plan.live.persistent) == ("overlay", "", False)
    attributes = 'flags="dmsquash" hybridpersistent="true" hybridpersistent_filesystem="xfs" mediacheck="true"'
    plan = planned(write, "iso", attributes + ' filesystem="squashfs" publisher="P" application_id="I"')
    assert plan.live is not None
    assert (plan.live.module, plan.live.filesystem) == ("dmsquash", "squashfs")
    assert (plan.live.persistent, plan.live.persistent_filesystem) == (True, "xfs")
    assert plan.media is not None
    assert (plan.media.publisher, plan.media.application_id, plan.media.mediacheck) == ("P", "I", True)


def test_network_boot(write: Callable[..., Path]) -> None:
    kis = planned(write, "kis").netboot
    assert kis is not None
    assert (kis.compressed, kis.archive) == (False, True)
    kis = planned(write, "kis", 'compressed="true" archive="false"').netboot
    assert kis is not None
    assert (kis.compressed, kis.archive) == (True, False)


def test_disk_formats(write: Callable[..., Path]) -> None:
    machine = '<machine memory="512"><vmdisk controller="pvscsi" diskmode="streamOptimized"/></machine>'
    plan = planned(write, "oem", 'format="vmdk" formatoptions="a=1, b=2"', machine)
    assert plan.disk_format is not None
    assert plan.disk_format.options == ("subformat=streamOptimized", "adapter_type=lsilogic", "a=1", "b=2")
    assert plan.machine is not None
    assert (plan.machine.memory_mib, plan.machine.hardware_version, plan.machine.guest_os) == (512, "9", "suse-64")
    plain = planned(write, "oem")
    assert (plain.disk_format and plain.disk_format.name, plain.machine) == ("", None)
    assert planned(write, "oem", 'format="ova"').machine is not None
    package = planned(write, "oem", 'format="ova" formatoptions="a=1"', machine).disk_format
    assert package is not None
    assert package.options == ("adapter_type=lsilogic", "a=1")  # its kind of disk is not to be chosen


def test_a_disk_in_a_container(write: Callable[..., Path]) -> None:
    plan = planned(write, "oem", 'format="oci:qcow2"', '<containerconfig name="n"/>')
    assert plan.disk_format is not None
    assert (plan.disk_format.wrapper, plan.disk_format.name) == ("oci", "qcow2")
    assert plan.container is not None
    assert plan.container.name == "n"
    raw = planned(write, "oem", 'format="docker:raw"').disk_format
    assert raw is not None
    assert (raw.wrapper, raw.name) == ("docker", "")


def test_a_box(write: Callable[..., Path]) -> None:
    inner = "".join(
        f'<vagrantconfig provider="{provider}" virtualsize="{size}"/>'
        for provider, size in (("libvirt", 42), ("virtualbox", 1))
    )
    box = planned(write, "oem", 'format="vagrant"', inner).vagrant
    assert box is not None
    assert (box.provider, box.virtual_size_gb) == ("libvirt", 42)
