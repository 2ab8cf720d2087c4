# SPDX-License-Identifier: Apache-2.0
"""The descriptor of an OVF package: one virtual machine with one disk (DMTF DSP0243, version 1.1).

Numbers of resources and of operating systems are those of CIM (``CIM_ResourceAllocationSettingData.ResourceType``,
``CIM_OperatingSystem.OSType``). What only VMware knows is marked as not required.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from runner.create.formats.hardware import is_ide

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element

    from runner.create.formats.hardware import Hardware
    from runner.plan.machine import DrivePlan, NetworkCardPlan

_OVF = "http://schemas.dmtf.org/ovf/envelope/1"
_CIM = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2"
_RASD = f"{_CIM}/CIM_ResourceAllocationSettingData"
_VSSD = f"{_CIM}/CIM_VirtualSystemSettingData"
_VMW = "http://www.vmware.com/schema/ovf"
_NAMESPACES = {None: _OVF, "ovf": _OVF, "rasd": _RASD, "vssd": _VSSD, "vmw": _VMW}

_DISK_FORMAT = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
_DISK_ID, _FILE_ID = "disk1", "file1"

_CPU, _MEMORY, _IDE, _SCSI, _ETHERNET, _DVD, _DISK = 3, 4, 5, 6, 10, 15, 17
_CONTROLLER_ID, _DVD_CONTROLLER_ID, _FIRST_CARD_ID = 3, 5, 7

_LINUX, _LINUX_64 = 36, 101
_SCSI_KINDS = {"legacyESX": "buslogic", "lsisas1068": "lsilogicsas", "pvscsi": "VirtualSCSI", "scsi": "lsilogic"}
_CARD_KINDS = {"e1000": "E1000", "e1000e": "E1000e", "vlance": "PCNet32", "vmxnet3": "VmxNet3"}
_USUAL_CARD, _USUAL_NETWORK = "E1000", "bridged"
_SETTING = re.compile(r'\s*([^\s=]+)\s*=\s*"(.*)"\s*')

Fields = dict[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Appliance:
    """What a package holds.

    Attributes:
        name: of the machine; ``about`` says more, and may be empty.
        family: kind of virtual hardware, such as ``vmx-09`` or ``virtualbox-2.2``.
        disk_file: name of the disk, a streamOptimized VMDK; ``disk_bytes`` is its size.
        capacity: bytes of the disk that the machine sees.
    """

    hardware: Hardware
    name: str
    about: str
    arch: str
    family: str
    disk_file: str
    disk_bytes: int
    capacity: int


def descriptor(appliance: Appliance) -> bytes:
    """Return the descriptor as a file."""
    top = etree.Element(f"{{{_OVF}}}Envelope", nsmap=_NAMESPACES)
    reference: Fields = {"id": _FILE_ID, "href": appliance.disk_file, "size": appliance.disk_bytes}
    _add(_add(top, "References"), "File", reference)
    _add(_section(top, "DiskSection", "Virtual disks"), "Disk", _disk(appliance))
    networks = dict.fromkeys(_network(card) for _, card in appliance.hardware.cards)
    if networks:
        section = _section(top, "NetworkSection", "Networks that cards are connected to")
        for name in networks:
            _add(section, "Network", {"name": name})
    _system(top, appliance)
    return etree.tostring(top, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def guest_of(name: str) -> str:
    """Return vSphere's name of what a settings file calls ``name``: ``debian12-64`` is ``debian12_64Guest``."""
    if name.endswith("Guest"):
        return name
    base, dash, bits = name.rpartition("-")
    if not dash:
        return f"{name}Guest"
    return f"{base}{'_' if base[-1:].isdigit() else ''}{bits}Guest"


def _disk(appliance: Appliance) -> Fields:
    return {
        "diskId": _DISK_ID,
        "fileRef": _FILE_ID,
        "capacity": appliance.capacity,
        "capacityAllocationUnits": "byte",
        "format": _DISK_FORMAT,
    }


def _system(top: _Element, appliance: Appliance) -> None:
    hardware = appliance.hardware
    system = _section(top, "VirtualSystem", "A virtual machine", {"id": appliance.name})
    _add(system, "Name", text=appliance.name)
    if appliance.about:
        _add(_section(system, "AnnotationSection", "What it is"), "Annotation", text=appliance.about)
    kind = _LINUX_64 if appliance.arch == "x86_64" else _LINUX
    guest = _section(system, "OperatingSystemSection", "The system in it", {"id": kind})
    guest.set(f"{{{_VMW}}}osType", guest_of(hardware.plan.guest_os))
    section = _section(system, "VirtualHardwareSection", "Virtual hardware")
    identity: Fields = {
        "ElementName": "Virtual hardware",
        "InstanceID": 0,
        "VirtualSystemIdentifier": appliance.name,
        "VirtualSystemType": appliance.family,
    }
    _fill(_add(section, "System"), _VSSD, identity)
    for item in _items(hardware):
        _fill(_add(section, "Item"), _RASD, item)
    if hardware.efi:
        _extra(section, "Config", "firmware", "efi")
    for line in hardware.plan.entries:
        found = _SETTING.fullmatch(line)
        if found:
            _extra(section, "ExtraConfig", found[1], found[2])


def _items(hardware: Hardware) -> Iterator[Fields]:
    disk, dvd = hardware.plan.disk, hardware.plan.dvd
    yield _item(_CPU, 1, "CPUs", AllocationUnits="hertz * 10^6", VirtualQuantity=hardware.cpus)
    yield _item(_MEMORY, 2, "Memory", AllocationUnits="byte * 2^20", VirtualQuantity=hardware.memory_mib)
    yield _controller(disk, _CONTROLLER_ID)
    yield _item(_DISK, 4, "Disk", AddressOnParent=0, HostResource=f"ovf:/disk/{_DISK_ID}", Parent=_CONTROLLER_ID)
    if dvd is not None:
        shared = (is_ide(dvd.controller), dvd.id) == (is_ide(disk.controller), disk.id)
        if not shared:
            yield _controller(dvd, _DVD_CONTROLLER_ID)
        parent = _CONTROLLER_ID if shared else _DVD_CONTROLLER_ID
        place: Fields = {"AddressOnParent": int(shared), "Parent": parent}
        yield _item(_DVD, 6, "CD drive", AutomaticAllocation="true", **place)
    for number, card in hardware.cards:
        yield _card(number, card)


def _controller(drive: DrivePlan, instance: int) -> Fields:
    if is_ide(drive.controller):
        return _item(_IDE, instance, "IDE controller", Address=drive.id)
    kind = _SCSI_KINDS.get(drive.controller, drive.controller)
    return _item(_SCSI, instance, "SCSI controller", Address=drive.id, ResourceSubType=kind)


def _card(number: int, card: NetworkCardPlan) -> Fields:
    fixed: Fields = {"Address": card.mac} if card.mac else {}
    return _item(
        _ETHERNET,
        _FIRST_CARD_ID + number,
        f"Network card {number}",
        AddressOnParent=number,
        AutomaticAllocation="true",
        Connection=_network(card),
        ResourceSubType=_CARD_KINDS.get(card.driver, card.driver) or _USUAL_CARD,
        **fixed,
    )


def _network(card: NetworkCardPlan) -> str:
    return card.mode or _USUAL_NETWORK


def _item(kind: int, instance: int, name: str, **more: str | int) -> Fields:
    return {"ResourceType": kind, "InstanceID": instance, "ElementName": name, **more}


def _section(
    parent: _Element, name: str, info: str, attributes: Mapping[str, str | int] | None = None
) -> _Element:
    section = _add(parent, name, attributes)
    _add(section, "Info", text=info)
    return section


def _add(
    parent: _Element, name: str, attributes: Mapping[str, str | int] | None = None, *, text: str = ""
) -> _Element:
    element = etree.SubElement(parent, f"{{{_OVF}}}{name}")
    for key, value in (attributes or {}).items():
        element.set(f"{{{_OVF}}}{key}", str(value))
    element.text = text or None
    return element


def _fill(element: _Element, namespace: str, fields: Fields) -> None:
    """CIM's schema wants the fields in the order of their names."""
    for key in sorted(fields):
        etree.SubElement(element, f"{{{namespace}}}{key}").text = str(fields[key])


def _extra(section: _Element, name: str, key: str, value: str) -> None:
    element = etree.SubElement(section, f"{{{_VMW}}}{name}")
    element.set(f"{{{_OVF}}}required", "false")
    element.set(f"{{{_VMW}}}key", key)
    element.set(f"{{{_VMW}}}value", value)
