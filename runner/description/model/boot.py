# SPDX-License-Identifier: Apache-2.0
"""How a machine starts the image: firmware and kernel attributes of ``<type>``, and ``<bootloader>``."""

from __future__ import annotations

from typing import ClassVar

from runner.description.model.read import Attributes, Part


class BootAttributes(Attributes, frozen=True, kw_only=True):
    """Firmware, kernel arguments, and the scripts that edit boot code."""

    firmware: str = ""
    kernelcmdline: str = ""
    devicepersistency: str = ""
    target_removable: bool | None = None
    xen_server: bool | None = None
    wwid_wait_timeout: int | None = None
    editbootconfig: str = ""
    editbootinstall: str = ""


class ShimOption(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "shimoption"

    name: str = ""
    value: str = ""


class InstallOption(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "installoption"

    name: str = ""
    value: str = ""


class ConfigOption(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "configoption"

    name: str = ""
    value: str = ""


class Variable(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "env"

    name: str = ""
    value: str | None = None


class Environment(Part, frozen=True, kw_only=True):
    """``<environment>`` of a bootloader: variables kept in its environment block."""

    TAG: ClassVar[str] = "environment"

    variables: tuple[Variable, ...] = ()


class BootloaderSettings(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "bootloadersettings"

    shim: tuple[ShimOption, ...] = ()
    install: tuple[InstallOption, ...] = ()
    config: tuple[ConfigOption, ...] = ()
    environment: Environment | None = None


class HostKey(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "hkd_cert"

    name: str = ""


class HostKeyRevocations(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "hkd_revocation_list"

    name: str = ""


class SecureLinux(Part, frozen=True, kw_only=True):
    """``<securelinux>``: paths of the certificates and host keys for secure execution on s390."""

    TAG: ClassVar[str] = "securelinux"

    hkd_ca_cert: str = ""
    hkd_sign_cert: str = ""
    host_keys: tuple[HostKey, ...] = ()
    revocations: tuple[HostKeyRevocations, ...] = ()


class Bootloader(Part, frozen=True, kw_only=True):
    """``<bootloader>``. ``timeout`` is in seconds."""

    TAG: ClassVar[str] = "bootloader"

    name: str = ""
    timeout: int | None = None
    timeout_style: str = ""
    output_console: str = ""
    input_console: str = ""
    serial_line: str = ""
    video_mode: str = ""
    bls: bool | None = None
    grub_template: str = ""
    targettype: str = ""
    use_disk_password: bool | None = None
    settings: BootloaderSettings | None = None
    secure: tuple[SecureLinux, ...] = ()
