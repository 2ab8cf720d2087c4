# SPDX-License-Identifier: Apache-2.0
"""The settings file of a VMware machine: one ``key = "value"`` a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.formats.hardware import Hardware, is_ide, scsi_device

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.plan.machine import DrivePlan, NetworkCardPlan

_ESCAPED = str.maketrans({'"': "|22", "|": "|7C", "\n": "|0A", "\r": "|0D", "\0": ""})
_YES = "TRUE"

Setting = tuple[str, str]


def settings_file(hardware: Hardware, *, title: str, disk_file: str) -> str:
    """Return the file for a machine with the disk in ``disk_file``; the description's own lines come last."""
    lines = [f'{key} = "{value.translate(_ESCAPED)}"' for key, value in _settings(hardware, title, disk_file)]
    return "\n".join((*lines, *hardware.plan.entries)) + "\n"


def _settings(hardware: Hardware, title: str, disk_file: str) -> Iterator[Setting]:
    plan = hardware.plan
    yield ".encoding", "UTF-8"
    yield "config.version", "8"
    yield "virtualHW.version", plan.hardware_version
    yield "displayName", title
    yield "guestOS", plan.guest_os
    yield "memsize", str(hardware.memory_mib)
    yield "numvcpus", str(hardware.cpus)
    if hardware.efi:
        yield "firmware", "efi"
    yield "uuid.action", "create"
    yield from _bridges()
    yield from _disk(plan.disk, disk_file)
    if plan.dvd is not None:
        yield from _dvd(plan.dvd)
    for number, card in hardware.cards:
        yield from _card(number, card)


def _bridges() -> Iterator[Setting]:
    """Without them there is no slot for controllers and cards of PCI Express."""
    yield "pciBridge0.present", _YES
    yield "pciBridge4.present", _YES
    yield "pciBridge4.virtualDev", "pcieRootPort"
    yield "pciBridge4.functions", "8"


def _disk(drive: DrivePlan, disk_file: str) -> Iterator[Setting]:
    """The number counts controllers, as with KIWI."""
    bus = f"{'ide' if is_ide(drive.controller) else 'scsi'}{drive.id}"
    yield f"{bus}.present", _YES
    if not is_ide(drive.controller):
        yield f"{bus}.virtualDev", scsi_device(drive.controller)
    yield f"{bus}:0.present", _YES
    yield f"{bus}:0.fileName", disk_file


def _dvd(drive: DrivePlan) -> Iterator[Setting]:
    place = f"{'ide' if is_ide(drive.controller) else 'scsi'}{drive.id}:0"
    yield f"{place}.present", _YES
    yield f"{place}.deviceType", "cdrom-raw"
    yield f"{place}.autodetect", _YES
    yield f"{place}.startConnected", _YES


def _card(number: int, card: NetworkCardPlan) -> Iterator[Setting]:
    name = f"ethernet{number}"
    yield f"{name}.present", _YES
    if card.driver:
        yield f"{name}.virtualDev", card.driver
    if card.mode:
        yield f"{name}.connectionType", card.mode
    if card.mac:
        yield f"{name}.addressType", "static"
        yield f"{name}.address", card.mac
    else:
        yield f"{name}.addressType", "generated"
