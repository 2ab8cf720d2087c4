# SPDX-License-Identifier: Apache-2.0
"""The steps from schema 7.0 to 8.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.upgrade import edit
from runner.description.upgrade.steps1 import nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from runner.description.upgrade.edit import Change

_BOOTLOADER = {
    "bootloader": "name",
    "bootloader_console": "console",
    "boottimeout": "timeout",
    "zipl_targettype": "targettype",
}

_FOREIGN = ("red-carpet", "slack-site", "up2date-mirrors", "urpmi", "yast2")


def drop_foreign_repositories(root: _Element) -> Iterator[Change]:
    """7.0 → 7.1: repository types nobody serves any more."""
    yield from edit.drop_values(root, "repository", "type", *_FOREIGN)


def nest_bootloader(root: _Element) -> Iterator[Change]:
    """7.1 → 7.2: bootloader attributes of a type become an element, when a bootloader is named."""
    for element in edit.elements(root, "type"):
        values = {new: element.attrib.pop(old) for old, new in _BOOTLOADER.items() if old in element.attrib}
        if "name" in values:
            yield edit.changed(element, "bootloader attributes moved into <bootloader>")
            edit.add_child(element, "bootloader", values)
        elif values:
            yield edit.changed(element, "bootloader attributes removed, as no bootloader is named")


def turn_vmx_into_oem(root: _Element) -> Iterator[Change]:
    """7.2 → 7.3: a static disk is a disk that does not resize itself."""
    for element, image in edit.values(root, "type", "image"):
        if image == "vmx":
            yield edit.changed(element, 'image="vmx" is now "oem" with <oem-resize>false</oem-resize>')
            element.set("image", "oem")
            config = edit.find_or_add(element, "oemconfig")
            list(edit.delete_all(config, "oem-resize"))
            edit.add_child(config, "oem-resize", text="false")
    # Their own packages follow them; a description with both kinds of disk has them in both from here on.
    yield from edit.rename_values(root, "packages", "type", {"vmx": "oem"})


def rename_old_managers(root: _Element) -> Iterator[Change]:
    """7.3 → 7.4: package managers by the names of today."""
    yield from edit.rename_text(root, "packagemanager", {"apt-get": "apt", "yum": "dnf"})


def turn_tags_into_names(root: _Element) -> Iterator[Change]:
    """7.4 → 7.5: additional tags ``a,b`` are the names ``:a,:b``."""
    for element, tags in edit.values(root, "containerconfig", "additionaltags"):
        del element.attrib["additionaltags"]
        names = ",".join(f":{tag.strip()}" for tag in tags.split(",") if tag.strip())
        element.set("additionalnames", names)
        yield edit.changed(element, f'additionaltags="{tags}" is now additionalnames="{names}"')


def name_dnf4(root: _Element) -> Iterator[Change]:
    """7.5 → 7.6: dnf has two generations."""
    yield from edit.rename_text(root, "packagemanager", {"dnf": "dnf4"})


STEPS = (
    ("7.0", "7.1", drop_foreign_repositories),
    ("7.1", "7.2", nest_bootloader),
    ("7.2", "7.3", turn_vmx_into_oem),
    ("7.3", "7.4", rename_old_managers),
    ("7.4", "7.5", turn_tags_into_names),
    ("7.5", "7.6", name_dnf4),
    ("7.6", "8.0", nothing),
)
