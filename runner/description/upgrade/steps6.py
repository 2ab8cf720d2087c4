# SPDX-License-Identifier: Apache-2.0
"""The steps from schema 6.0 to 7.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.upgrade import edit

if TYPE_CHECKING:
    from lxml.etree import _Element


def name_products(root: _Element) -> None:
    """6.0 → 6.1: ``opensuseProduct`` is called ``product``."""
    for element in edit.elements(root, "opensuseProduct"):
        element.tag = "product"


def name_default_bootloader(root: _Element) -> None:
    """6.1 → 6.2: the implied bootloader of disk types is written down."""
    for element in edit.elements(root, "type"):
        if element.get("image") in {"oem", "vmx"} and not element.get("bootloader"):
            element.set("bootloader", "grub2")


def drop_split_systems(root: _Element) -> None:
    """6.2 → 6.3: split systems are gone."""
    edit.drop_attributes(root, "type", "fsreadonly", "fsreadwrite", "zfsoptions")
    for element in edit.elements(root, "split"):
        edit.unwrap(element)


def move_groups_to_users(root: _Element) -> None:
    """6.3 → 6.4: the group of a user list belongs to each of its users."""
    for section in edit.elements(root, "users"):
        group = section.attrib.pop("group", None)
        section.attrib.pop("id", None)
        for user in section.iterchildren("user"):
            if group and not user.get("groups"):
                user.set("groups", group)


def nest_container_name(root: _Element) -> None:
    """6.4 → 6.5: the container's name gets an element of its own."""
    for element in edit.elements(root, "type"):
        name = element.attrib.pop("container", None)
        if name:
            edit.find_or_add(element, "containerconfig").set("name", name)


def mark_xen_servers(root: _Element) -> None:
    """6.5 → 6.6: a Xen dom0 is a property of the type."""
    for machine in edit.elements(root, "machine"):
        parent = machine.getparent()
        if machine.attrib.pop("domain", None) == "dom0" and parent is not None:
            parent.set("xen_server", "true")


def drop_relics(root: _Element) -> None:
    """6.6 → 6.7: switches of long gone features."""
    edit.drop_attributes(root, "image", "kiwirevision")
    edit.drop_attributes(root, "type", "checkprebuilt", "fsnocheck")
    edit.drop_attributes(root, "repository", "status", "prefer-license")
    edit.drop_attributes(root, "package", "replaces")
    edit.delete_all(root, "defaultprebuilt", "defaultdestination", "defaultroot", "partitioner", "rpm-force")


def drop_hwclock(root: _Element) -> None:
    """6.7 → 6.8."""
    edit.delete_all(root, "hwclock")


def drop_hybrid(root: _Element) -> None:
    """6.8 → 6.9: every ISO is hybrid."""
    edit.drop_attributes(root, "type", "hybrid")
    edit.delete_all(root, "oem-ataraid-scan")


def drop_pxedeploy(root: _Element) -> None:
    """6.9 → 7.0."""
    edit.delete_all(root, "pxedeploy")


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
    ("6.9", "7.0", drop_pxedeploy),
)
