# SPDX-License-Identifier: Apache-2.0
"""The steps from schema 4.1 to 5.0: the descriptions of KIWI 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.upgrade import edit
from runner.description.upgrade.steps1 import nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from runner.description.upgrade.edit import Change

_MACHINES = ("vmwareconfig", "xenconfig")

_DEVICES = {
    "vmwaredisk": "vmdisk",
    "vmwarecdrom": "vmdvd",
    "vmwarenic": "vmnic",
    "xendisk": "vmdisk",
    "xenbridge": "vmnic",
}


def name_vmx_packages(root: _Element) -> Iterator[Change]:
    """4.5 → 4.6: packages for virtual disks are those of vmx."""
    yield from edit.rename_values(root, "packages", "type", {"vmware": "vmx"})


def join_machines(root: _Element) -> Iterator[Change]:
    """4.6 → 4.7: one ``machine`` for every hypervisor, and install media by attributes of their own."""
    for tag in _MACHINES:
        for element in edit.elements(root, tag):
            for device in edit.elements(element, *_DEVICES):
                yield edit.changed(device, f"renamed to <{_DEVICES[str(device.tag)]}>")
                device.tag = _DEVICES[str(device.tag)]
            yield edit.changed(element, "renamed to <machine>")
            element.tag = "machine"
    for kind, switch in (("iso", "installiso"), ("usb", "installstick")):
        for element, value in edit.values(root, "type", "format"):
            if value == kind:
                del element.attrib["format"]
                element.set(switch, "true")
                yield edit.changed(element, f'format="{kind}" is now {switch}="true"')


def name_systemdisk(root: _Element) -> Iterator[Change]:
    """4.7 → 4.8: volumes belong to the system disk; its ``lvmgroup`` is its name."""
    yield from edit.rename_attribute(root, "lvmvolumes", "lvmgroup", "name")
    yield from edit.rename_elements(root, "lvmvolumes", "systemdisk")


def name_bootwait(root: _Element) -> Iterator[Change]:
    """4.8 → 4.9: the installer waits at boot instead of after the dump."""
    yield from edit.rename_elements(root, "oem-dumphalt", "oem-bootwait")


def turn_xen_into_vmx(root: _Element) -> Iterator[Change]:
    """4.9 → 5.0: a Xen guest is a disk like others."""
    yield from edit.rename_values(root, "type", "image", {"xen": "vmx"})


STEPS = (
    ("4.1", "4.2", nothing),
    ("4.2", "4.3", nothing),
    ("4.3", "4.4", nothing),
    ("4.4", "4.5", nothing),
    ("4.5", "4.6", name_vmx_packages),
    ("4.6", "4.7", join_machines),
    ("4.7", "4.8", name_systemdisk),
    ("4.8", "4.9", name_bootwait),
    ("4.9", "5.0", turn_xen_into_vmx),
)
