# SPDX-License-Identifier: Apache-2.0
"""Plan the virtual machine and the Vagrant box that a disk is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from runner.description.model.machine import Machine
    from runner.description.model.types import ImageType

_WITH_MACHINE = frozenset({"ova", "vagrant", "vmdk"})
"""Formats that come with a machine's settings, said or not."""


class DrivePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A disk or DVD drive on the bus of ``controller``; an empty controller is the format's usual one."""

    controller: str = ""
    id: int = 0
    mode: str = ""


class NetworkCardPlan(msgspec.Struct, frozen=True, kw_only=True):
    """An empty ``mac`` is made up by the machine."""

    interface: str
    driver: str = ""
    mode: str = ""
    mac: str = ""


class MachinePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual machine; None where its format decides.

    Attributes:
        hardware_version: of VMware's virtual hardware.
        guest_os: VMware's name of the system.
        entries: lines for the settings file, to the letter.
    """

    memory_mib: int | None = None
    cpus: int | None = None
    hardware_version: str = "9"
    guest_os: str = "suse-64"
    ovftype: str = "vmware"
    arch: str = ""
    xen_loader: str = ""
    min_memory_mib: int | None = None
    max_memory_mib: int | None = None
    min_cpus: int | None = None
    max_cpus: int | None = None
    entries: tuple[str, ...] = ()
    disk: DrivePlan = DrivePlan()
    dvd: DrivePlan | None = None
    network: tuple[NetworkCardPlan, ...] = ()


class VagrantPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A Vagrant box. ``virtual_size_gb`` is what its metadata promises."""

    provider: str
    virtual_size_gb: int
    box_name: str = ""
    vagrantfile: str = ""
    guest_additions: bool = False


def plan_machine(entry: ImageType, *, format_name: str) -> MachinePlan | None:
    """Plan the machine of ``entry``; a format that has settings gets the defaults when none are written."""
    if entry.machine is None:
        return MachinePlan() if format_name in _WITH_MACHINE else None
    said = entry.machine
    usual = MachinePlan()
    return MachinePlan(
        memory_mib=said.memory,
        cpus=said.ncpus,
        hardware_version=said.hardware_version or usual.hardware_version,
        guest_os=said.guest_os or usual.guest_os,
        ovftype=said.ovftype or usual.ovftype,
        arch=said.arch,
        xen_loader=said.xen_loader,
        min_memory_mib=said.min_memory,
        max_memory_mib=said.max_memory,
        min_cpus=said.min_cpu,
        max_cpus=said.max_cpu,
        entries=tuple(line.line for line in said.entries),
        disk=_disk(said),
        dvd=DrivePlan(controller=said.dvd.controller, id=said.dvd.id or 0) if said.dvd else None,
        network=tuple(
            NetworkCardPlan(interface=card.interface, driver=card.driver, mode=card.mode, mac=card.mac)
            for card in said.network
        ),
    )


def plan_vagrant(entry: ImageType) -> VagrantPlan | None:
    """Plan the box of the first provider; further ones do not count."""
    if not entry.vagrant:
        return None
    said = entry.vagrant[0]
    return VagrantPlan(
        provider=said.provider,
        virtual_size_gb=said.virtualsize or 0,
        box_name=said.boxname,
        vagrantfile=said.embedded_vagrantfile,
        guest_additions=said.virtualbox_guest_additions_present or False,
    )


def _disk(said: Machine) -> DrivePlan:
    if said.disk is None:
        return DrivePlan()
    return DrivePlan(controller=said.disk.controller, id=said.disk.id or 0, mode=said.disk.diskmode)
