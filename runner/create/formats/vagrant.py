# SPDX-License-Identifier: Apache-2.0
"""``vagrant``: a box for libvirt or VirtualBox, ``N.vagrant.libvirt.box`` or ``N.vagrant.virtualbox.box``.

A box is a compressed archive of ``metadata.json``, a Vagrantfile and what its provider takes: ``box.img``, which
is a qcow2, or ``box.ovf`` with ``box.vmdk``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec.structs import replace as replace_struct

from runner.create.compress import compressing
from runner.create.formats import ova, qcow2, vmdk
from runner.create.formats.api import described
from runner.create.formats.archive import pack
from runner.create.formats.hardware import Hardware
from runner.create.formats.ovf import descriptor
from runner.create.formats.vagrantfile import vagrantfile
from runner.digest import canonical_json
from runner.disk.grow import grow
from runner.errors import BuildError
from runner.plan.machine import NetworkCardPlan
from runner.seed import Seed

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.formats.api import Disk
    from runner.create.image import ResultFile
    from runner.plan.machine import VagrantPlan

TOOLS = ("gzip",)

_MEDIA_TYPE = "application/gzip"
_PACK = ("gzip", "--no-name", "--stdout", "-1")
"""The disk in it is compressed already."""

_GIB = 1 << 30
_VIRTUALBOX = "virtualbox-2.2"
_MAC_PREFIX = "080027"
"""Addresses of VirtualBox's machines begin with it."""


def convert(disk: Disk) -> tuple[ResultFile, ...]:
    """Write the box; see :class:`runner.create.formats.api.Convert`.

    Raises:
        BuildError: there is no provider, or the disk is larger than the box may promise.
    """
    plan = disk.inputs.type.vagrant
    if plan is None:
        raise BuildError("the plan has no Vagrant box", hint="add a <vagrantconfig> to the type")
    _check_size(disk, plan)
    members: dict[str, bytes | Path] = {
        "metadata.json": canonical_json(_metadata(plan)),
        "Vagrantfile": disk.inputs.vagrantfile or _vagrantfile(disk, plan).encode(),
    }
    members |= _virtualbox(disk, plan) if plan.provider == "virtualbox" else _libvirt(disk)
    path = disk.path(f"vagrant.{plan.provider}.box")
    with compressing(path, _PACK) as stream:
        pack(stream, members, disk.inputs.epoch)
    return (described(path, _MEDIA_TYPE),)


def _check_size(disk: Disk, plan: VagrantPlan) -> None:
    size = disk.raw.stat().st_size
    if size > plan.virtual_size_gb * _GIB:
        raise BuildError(
            f'the disk does not fit into virtualsize="{plan.virtual_size_gb}"',
            why=f"it has {size} bytes, which are {-(-size // _GIB)} GB",
            hint="promise a larger one in <vagrantconfig>",
        )


def _metadata(plan: VagrantPlan) -> dict[str, str | int]:
    """Vagrant reads the provider; the size and the format are for vagrant-libvirt, the name for people."""
    said: dict[str, str | int] = {"provider": plan.provider}
    if plan.box_name:
        said["name"] = plan.box_name
    if plan.provider == "libvirt":
        said |= {"format": "qcow2", "virtual_size": plan.virtual_size_gb}
    return said


def _vagrantfile(disk: Disk, plan: VagrantPlan) -> str:
    mac = Seed(bytes.fromhex(disk.inputs.seed)).bytes("vagrant mac", 3).hex()
    return vagrantfile(plan, Hardware.of(disk.inputs), mac=f"{_MAC_PREFIX}{mac}".upper())


def _libvirt(disk: Disk) -> dict[str, bytes | Path]:
    """vagrant-libvirt makes the disk as large as promised by itself."""
    image = disk.scratch / "box.img"
    qcow2.write(disk, image)
    return {image.name: image}


def _virtualbox(disk: Disk, plan: VagrantPlan) -> dict[str, bytes | Path]:
    grow(disk.raw, plan.virtual_size_gb * _GIB)  # the machine gets the disk as it is in the box
    image = disk.scratch / "box.vmdk"
    vmdk.write(disk, image, (*disk.plan.options, vmdk.STREAM))
    hardware = Hardware.of(disk.inputs)
    if not hardware.plan.network:  # Vagrant talks to the machine through the first
        card = NetworkCardPlan(interface="0", mode="NAT")
        hardware = replace(hardware, plan=replace_struct(hardware.plan, network=(card,)))
    text = descriptor(ova.appliance(disk, hardware, image, family=_VIRTUALBOX))
    return {"box.ovf": text, image.name: image}
