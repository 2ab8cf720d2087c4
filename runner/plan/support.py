# SPDX-License-Identifier: Apache-2.0
"""Say what a plan asks for that this engine cannot build, element by element, each with its place.

To support something new, take it out of the tables here when its builder is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.plan.disk_support import X86, disk_gaps
from runner.plan.model import Unsupported
from runner.plan.volumes import plan_volumes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.description.model.element import Node
    from runner.description.model.packages import PackageSection
    from runner.description.model.repositories import Repository
    from runner.description.model.types import ImageType
    from runner.errors import Location
    from runner.plan.select import Selection

TYPES = frozenset({"btrfs", "docker", "erofs", "ext2", "ext3", "ext4", "oci", "oem", "squashfs", "tbz", "xfs"})
MANAGERS = frozenset({"apt"})
REPOSITORY_KINDS = frozenset({"", "apt-deb"})

IN_TYPE = {
    "bootloader@name=grub2_s390x_emu": "mainframes are not served",
    "bootloader@name=zipl": "mainframes are not served",
    "bootloader@use_disk_password": "encryption is not built yet",
    "partition@clone": "copies of partitions are not made",
    "partition@partition_type=t.raid": "software RAID is not built yet",
    "type@boot_clone": "copies of partitions are not made",
    "type@delta_root": "shipping only the difference to a base image is not built yet",
    "type@derived_from": "building on top of another container image is not built yet",
    "type@embed_integrity_metadata": "dm-integrity is not built yet",
    "type@embed_verity_metadata": "signed verity metadata is not written yet",
    "type@firmware=ec2": "this firmware is not served",
    "type@firmware=ofw": "Power machines are not served",
    "type@firmware=opal": "Power machines are not served",
    "type@force_mbr": "a GPT is not converted to an MBR",
    "type@gpt_hybrid_mbr": "a GPT gets no MBR with the same partitions",
    "type@initrd_system=kiwi": "initrds with a description of their own are not built",
    "type@luks": "encryption is not built yet",
    "type@mdraid": "software RAID is not built yet",
    "type@overlayroot": "read-only roots under a writable one are not built yet",
    "type@provide_system_files": "system file manifests are not written yet",
    "type@require_system_files": "system file manifests are not read yet",
    "type@root_clone": "copies of partitions are not made",
    "type@standalone_integrity": "dm-integrity is not built yet",
    "type@xen_server": "Xen servers are not built",
}
"""``element@attribute``, or with ``=value`` only that value, in a type; ``false`` and 0 ask for nothing."""

MACHINES = {
    "bios": X86,
    "ec2": X86,
    "efi": (*X86, "aarch64", "arm", "riscv", "loongarch"),
    "uefi": (*X86, "aarch64", "arm", "riscv", "loongarch"),
    "ofw": ("ppc",),
    "opal": ("ppc",),
}
"""Firmware and the beginnings of the names of machines that have it."""

ELEMENTS = {
    "containers": "containers are not preloaded yet",
    "extension": "foreign extensions are not read",
    "include": "included descriptions are not read yet",
}
"""Root-level elements without which the image would be another one."""

SCHEMES = {
    "obs:": "no mapping says where this Open Build Service source is: give --repo-map obs:=URL",
    "obsrepositories:": (
        "which repositories these are is known only inside a build service: give --repo-map obsrepositories:=URL"
    ),
}

_NOTHING = frozenset({"false", "0"})


def unsupported(chosen: Selection) -> tuple[Unsupported, ...]:
    """List what cannot be built of what was selected, in the order type, manager, repositories, packages, rest."""
    return (
        *_type(chosen.image_type, chosen.machine),
        *_manager(chosen),
        *_repositories(chosen.repositories),
        *_packages(chosen.packages, chosen.image_type),
        *_elements(chosen),
    )


def _type(entry: ImageType, machine: str) -> Iterator[Unsupported]:
    if entry.image not in TYPES:
        yield _item(f'type image="{entry.image}"', entry.at, "this image type is not built yet")
    yield from _attributes("type", entry.attributes, entry.at)
    yield from _nodes(entry.children)
    yield from (_item(element, entry.at, why) for element, why in disk_gaps(entry, machine))
    if not machine.startswith(MACHINES.get(entry.boot.firmware, "")):
        yield _item(f'type firmware="{entry.boot.firmware}"', entry.at, f"{machine} has no such firmware")
    volumes = plan_volumes(entry, machine)
    if volumes and volumes.manager == "lvm" and entry.system_disk:
        yield _item("systemdisk", entry.system_disk.at, "logical volumes are not built yet")


def _nodes(nodes: Iterable[Node]) -> Iterator[Unsupported]:
    for node in nodes:
        yield from _attributes(node.name, node.attributes, node.at)
        yield from _nodes(node.children)


def _attributes(element: str, attributes: Mapping[str, str], at: Location) -> Iterator[Unsupported]:
    for name, value in attributes.items():
        key, text = f"{element}@{name}", value.strip()
        if key in IN_TYPE and text not in _NOTHING:
            yield _item(f"{element} {name}", at, IN_TYPE[key])
        elif f"{key}={text}" in IN_TYPE:
            yield _item(f'{element} {name}="{text}"', at, IN_TYPE[f"{key}={text}"])


def _manager(chosen: Selection) -> Iterator[Unsupported]:
    manager = chosen.merged.packagemanager
    if manager not in MANAGERS:
        blocks = [block.at for block in chosen.preferences if block.packagemanager == manager]
        yield _item("packagemanager", (*blocks, chosen.description.at)[0], f"{manager} is not driven yet")


def _repositories(repositories: Sequence[Repository]) -> Iterator[Unsupported]:
    for entry in repositories:
        if entry.kind not in REPOSITORY_KINDS:
            yield _item(f'repository type="{entry.kind}"', entry.at, "this kind of repository is not read yet")
        for scheme, why in SCHEMES.items():
            if entry.path.startswith(scheme):
                yield _item(f'source path="{scheme}…"', entry.at, why)
        if (entry.imageinclude or entry.imageonly) and not _public(entry.path):
            yield _item("repository imageinclude", entry.at, "others could not reach this repository")
        if entry.customize:
            yield _item("repository customize", entry.at, "repository files are not customised by scripts")


def _public(uri: str) -> bool:
    from runner.packages.mirrors import Mirrors

    return Mirrors.public(uri) is not None


def _packages(sections: Sequence[PackageSection], image_type: ImageType) -> Iterator[Unsupported]:
    for section in sections:
        if section.kind in {"bootstrap", "image", image_type.image} and section.bootstrap_package:
            yield _item("packages bootstrap_package", section.at, "bootstrap tarballs are not used")


def _elements(chosen: Selection) -> Iterator[Unsupported]:
    for node in chosen.description.others:
        if node.name in ELEMENTS and node.section.applies(chosen.profiles, chosen.machine):
            yield _item(node.name, node.at, ELEMENTS[node.name])


def _item(element: str, at: Location, why: str) -> Unsupported:
    return Unsupported(element=element, where=f"{at.file}:{at.line}" if at.line else str(at.file), why=why)
