# SPDX-License-Identifier: Apache-2.0
"""The steps from schema 6.0 to 7.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.upgrade import edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from runner.description.upgrade.edit import Change


def name_products(root: _Element) -> Iterator[Change]:
    """6.0 → 6.1: ``opensuseProduct`` is called ``product``."""
    yield from edit.rename_elements(root, "opensuseProduct", "product")


def name_default_bootloader(root: _Element) -> Iterator[Change]:
    """6.1 → 6.2: the implied bootloader of disk types is written down."""
    for element, image in edit.values(root, "type", "image"):
        if image in {"oem", "vmx"} and not element.get("bootloader"):
            element.set("bootloader", "grub2")
            yield edit.changed(element, 'bootloader="grub2", which was implied')


def drop_split_systems(root: _Element) -> Iterator[Change]:
    """6.2 → 6.3: split systems are gone."""
    yield from edit.drop_attributes(root, "type", "fsreadonly", "fsreadwrite", "zfsoptions")
    for element in edit.elements(root, "split"):
        yield edit.unwrap(element)


def move_groups_to_users(root: _Element) -> Iterator[Change]:
    """6.3 → 6.4: the group of a user list belongs to each of its users."""
    for section in edit.elements(root, "users"):
        group = section.get("group")
        for user in section.iterchildren("user"):
            if group and not user.get("groups"):
                user.set("groups", group)
                yield edit.changed(user, f'groups="{group}", the group of its <users>')
    yield from edit.drop_attributes(root, "users", "group", "id")


def nest_container_name(root: _Element) -> Iterator[Change]:
    """6.4 → 6.5: the container's name gets an element of its own."""
    for element in edit.elements(root, "type"):
        name = element.attrib.pop("container", None)
        if name:
            yield edit.changed(element, "container is now the name of <containerconfig>")
            edit.find_or_add(element, "containerconfig").set("name", name)


def mark_xen_servers(root: _Element) -> Iterator[Change]:
    """6.5 → 6.6: a Xen dom0 is a property of the type."""
    for machine, domain in edit.values(root, "machine", "domain"):
        parent = machine.getparent()
        if domain == "dom0" and parent is not None:
            parent.set("xen_server", "true")
            yield edit.changed(parent, 'xen_server="true", which domain="dom0" of its <machine> meant')
    yield from edit.drop_attributes(root, "machine", "domain")


def drop_relics(root: _Element) -> Iterator[Change]:
    """6.6 → 6.7: switches of long gone features."""
    yield from edit.drop_attributes(root, "image", "kiwirevision")
    yield from edit.drop_attributes(root, "type", "checkprebuilt", "fsnocheck")
    yield from edit.drop_attributes(root, "repository", "status", "prefer-license")
    yield from edit.drop_attributes(root, "package", "replaces")
    yield from edit.delete_all(
        root, "defaultprebuilt", "defaultdestination", "defaultroot", "partitioner", "rpm-force"
    )


def drop_hwclock(root: _Element) -> Iterator[Change]:
    """6.7 → 6.8."""
    yield from edit.delete_all(root, "hwclock")


def drop_hybrid(root: _Element) -> Iterator[Change]:
    """6.8 → 6.9: every ISO is hybrid, and brings the distribution's own initrd."""
    yield from edit.drop_attributes(root, "type", "hybrid")
    for element, image in edit.values(root, "type", "image"):
        if image == "iso" and element.attrib.pop("boot", None) is not None:
            yield edit.changed(element, "attribute boot removed, as initrds of ISOs need no description")
    yield from edit.delete_all(root, "oem-ataraid-scan")


def drop_pxedeploy_and_lock_users(root: _Element) -> Iterator[Change]:
    """6.9 → 7.0: deployment by PXE is gone, and a user needs a password."""
    yield from edit.delete_all(root, "pxedeploy")
    for user in edit.elements(root, "user"):
        if "password" not in user.attrib:
            user.attrib.pop("pwdformat", None)
            user.set("password", "!")
            yield edit.changed(user, 'password="!", which locks the account as no password did')


STEPS = (
    ("6.0", "6.1", name_products),
    ("6.1", "6.2", name_default_bootloader),
    ("6.2", "6.3", drop_split_systems),
    ("6.3", "6.4", move_groups_to_users),
    ("6.4", "6.5", nest_container_name),
    ("6.5", "6.6", mark_xen_servers),
    ("6.6", "6.7", drop_relics),
    ("6.7", "6.8", drop_hwclock),
    ("6.8", "6.9", drop_hybrid),
    ("6.9", "7.0", drop_pxedeploy_and_lock_users),
)
