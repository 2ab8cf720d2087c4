# SPDX-License-Identifier: Apache-2.0
"""Plan how the image is started: firmware, kernel arguments and bootloader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from runner.description.model.boot import Bootloader, BootloaderSettings, SecureLinux
    from runner.plan.select import Selection

BOOTABLE = frozenset({"enclave", "iso", "kis", "oem", "pxe"})
"""Types whose result has a kernel that is started."""

_WITH_FIRMWARE = frozenset({"iso", "oem", "pxe"})
_WITH_LOADER = frozenset({"iso", "oem"})

EFI = frozenset({"efi", "uefi"})
"""Firmware that starts a program from an EFI partition; ``uefi`` checks its signature."""

_FIRMWARE = {
    "bios": ("x86_64", "i386", "i486", "i586", "i686", "ix86"),
    "efi": ("aarch64", "arm", "riscv", "loongarch"),
    "ofw": ("ppc",),
}
"""What a machine whose name begins so usually has."""

_LOADER, _TIMEOUT_SECONDS, _TERMINAL, _NO_TERMINAL = "grub2", 10, "gfxterm", "none"
_SERIAL = "serial"

Options = tuple[tuple[str, str], ...]


class SecureLinuxPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Paths of what secure execution on one kind of s390 machines needs."""

    ca_certificate: str
    signing_certificate: str
    host_keys: tuple[str, ...] = ()
    revocation_lists: tuple[str, ...] = ()


class BootloaderPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The bootloader and its menu.

    Attributes:
        name: grub2, systemd_boot, zipl, grub2_s390x_emu, or custom: the description's scripts install one.
        title: of the menu's entry for the system.
        output: terminals the menu is shown on; empty leaves it to the bootloader.
        input: terminals it is read from.
        serial_line: serial port settings, empty unless a terminal is ``serial``.
        boot_entries: entries follow the boot loader specification where the bootloader can.
        template: file that replaces the menu of an ISO.
        target: kind of disk for zipl.
        password_on_disk: the disk's passphrase is written into the bootloader's configuration.
        environment: variables kept in the bootloader's environment block.
    """

    name: str = _LOADER
    title: str = ""
    theme: str = ""
    timeout_seconds: int = _TIMEOUT_SECONDS
    timeout_style: str = "menu"
    output: tuple[str, ...] = (_TERMINAL,)
    input: tuple[str, ...] = ("console",)
    serial_line: str = ""
    video_mode: str = "auto"
    boot_entries: bool = True
    template: str = ""
    target: str = ""
    password_on_disk: bool = False
    shim_options: Options = ()
    install_options: Options = ()
    config_options: Options = ()
    environment: Options = ()
    secure: tuple[SecureLinuxPlan, ...] = ()


class BootPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How the image is started.

    Attributes:
        firmware: bios, efi, uefi, ec2, ofw, opal, custom; empty where a machine has none to choose.
        cmdline: kernel arguments as written; a ``root=`` among them replaces the computed one.
        devices_by: by-uuid, by-label or by-partuuid: how fstab and boot entries name filesystems.
        removable: nothing is written into the machine's own boot variables.
        xen_server: the system runs on Xen as its first domain.
    """

    firmware: str = ""
    cmdline: str = ""
    devices_by: str = "by-uuid"
    removable: bool = False
    xen_server: bool = False
    wwid_wait_timeout_seconds: int | None = None
    loader: BootloaderPlan | None = None


def plan_boot(chosen: Selection) -> BootPlan | None:
    """Plan how the selected type is started; None for types that are not."""
    entry = chosen.image_type
    if entry.image not in BOOTABLE:
        return None
    said = entry.boot
    return BootPlan(
        firmware=said.firmware or default_firmware(chosen.machine) if entry.image in _WITH_FIRMWARE else "",
        cmdline=said.kernelcmdline,
        devices_by=said.devicepersistency or "by-uuid",
        removable=said.target_removable or False,
        xen_server=said.xen_server or False,
        wwid_wait_timeout_seconds=said.wwid_wait_timeout,
        loader=_loader(chosen) if entry.image in _WITH_LOADER or entry.bootloader else None,
    )


def default_firmware(machine: str) -> str:
    """Return the firmware that a machine (as ``uname -m`` calls it) usually has; empty: none to name."""
    return next((name for name, prefixes in _FIRMWARE.items() if machine.startswith(prefixes)), "")


def _loader(chosen: Selection) -> BootloaderPlan:
    entry, image = chosen.image_type, chosen.description.image
    title = image.displayname or (entry.oem.boot_title if entry.oem else "") or image.name
    theme = chosen.merged.bootloader_theme
    said = entry.bootloader
    if said is None:
        return BootloaderPlan(title=title, theme=theme)
    output, input_ = _terminals(said)
    return BootloaderPlan(
        name=said.name or _LOADER,
        title=title,
        theme=theme,
        timeout_seconds=_TIMEOUT_SECONDS if said.timeout is None else said.timeout,
        timeout_style=said.timeout_style or "menu",
        output=output,
        input=input_,
        serial_line=said.serial_line if _SERIAL in {*output, *input_} else "",
        video_mode=said.video_mode or "auto",
        boot_entries=said.bls is not False,
        template=said.grub_template,
        target=said.targettype,
        password_on_disk=said.use_disk_password or False,
        secure=tuple(_secure(entry) for entry in said.secure),
        **_settings(said.settings),
    )


def _terminals(said: Bootloader) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Input follows output when only that is said."""
    output = said.output_console or _TERMINAL
    input_ = said.input_console or said.output_console or "console"
    return _list(output), _list(input_)


def _list(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split() if word != _NO_TERMINAL)


def _settings(said: BootloaderSettings | None) -> dict[str, Options]:
    if said is None:
        return {}
    variables = said.environment.variables if said.environment else ()
    return {
        "shim_options": tuple((option.name, option.value) for option in said.shim),
        "install_options": tuple((option.name, option.value) for option in said.install),
        "config_options": tuple((option.name, option.value) for option in said.config),
        "environment": tuple((variable.name, variable.value or "") for variable in variables),
    }


def _secure(said: SecureLinux) -> SecureLinuxPlan:
    return SecureLinuxPlan(
        ca_certificate=said.hkd_ca_cert,
        signing_certificate=said.hkd_sign_cert,
        host_keys=tuple(key.name for key in said.host_keys),
        revocation_lists=tuple(entry.name for entry in said.revocations),
    )
