# SPDX-License-Identifier: Apache-2.0
"""``<machine>`` and ``<vagrantconfig>``: the virtual machine a disk is for."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from runner.description.model.read import TEXT, Part


class ConfigEntry(Part, frozen=True, kw_only=True):
    """``<vmconfig-entry>``: a line for the machine's settings file, to the letter."""

    TAG: ClassVar[str] = "vmconfig-entry"

    line: str = msgspec.field(default="", name=TEXT)


class Disk(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "vmdisk"

    controller: str = ""
    id: int | None = None
    diskmode: str = ""
    device: str = ""
    disktype: str = ""


class Dvd(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "vmdvd"

    controller: str = ""
    id: int | None = None


class NetworkCard(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "vmnic"

    interface: str = ""
    driver: str = ""
    mode: str = ""
    mac: str = ""


class Machine(Part, frozen=True, kw_only=True):
    """``<machine>``. Memory is in MiB."""

    TAG: ClassVar[str] = "machine"

    memory: int | None = None
    ncpus: int | None = None
    hardware_version: str = msgspec.field(default="", name="HWversion")
    guest_os: str = msgspec.field(default="", name="guestOS")
    ovftype: str = ""
    arch: str = ""
    xen_loader: str = ""
    min_memory: int | None = None
    max_memory: int | None = None
    min_cpu: int | None = None
    max_cpu: int | None = None
    entries: tuple[ConfigEntry, ...] = ()
    disk: Disk | None = None
    dvd: Dvd | None = None
    network: tuple[NetworkCard, ...] = ()


class VagrantConfig(Part, frozen=True, kw_only=True):
    """``<vagrantconfig>``: one provider's box. ``virtualsize`` is in GB."""

    TAG: ClassVar[str] = "vagrantconfig"

    provider: str = ""
    virtualsize: int | None = None
    boxname: str = ""
    embedded_vagrantfile: str = ""
    virtualbox_guest_additions_present: bool | None = None
