# SPDX-License-Identifier: Apache-2.0
"""The steps from schema 1.4 to 4.1: the descriptions of KIWI 1 to 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.upgrade import edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from runner.description.upgrade.edit import Change

_SWITCH = {"yes": "true", "no": "false"}

_NO_SWITCH = frozenset({"name", "password", "pwd", "realname"})
"""Attributes in which ``yes`` and ``no`` are names."""

_BLOCKS = {
    "oemconfig": frozenset({"oem"}),
    "pxedeploy": frozenset({"pxe"}),
    "split": frozenset({"split", "iso", "oem", "pxe"}),
    "lvmvolumes": frozenset({"oem", "vmx", "usb"}),
    "vmwareconfig": frozenset({"vmx", "oem"}),
    "xenconfig": frozenset({"xen"}),
    "size": None,
}
"""What stood beside the types, and the image types it was for; None for all."""


def name_bootstrap(root: _Element) -> Iterator[Change]:
    """1.4 → 2.0: the first packages are called bootstrap, as boot is an image type."""
    yield from edit.rename_values(root, "packages", "type", {"boot": "bootstrap"})


def say_true_and_false(root: _Element) -> Iterator[Change]:
    """3.5 → 3.7: switches are true and false."""
    for element in edit.elements(root, "*"):
        for raw, value in element.attrib.items():
            name = str(raw)
            if value in _SWITCH and name not in _NO_SWITCH:
                element.set(name, _SWITCH[str(value)])
                yield edit.changed(element, f'{name}="{value}" is now "{_SWITCH[str(value)]}"')
        text = (element.text or "").strip()
        if text in _SWITCH and len(element) == 0:
            element.text = _SWITCH[text]
            yield edit.changed(element, f"{text} is now {_SWITCH[text]}")


def name_pxedeploy(root: _Element) -> Iterator[Change]:
    """3.7 → 3.8: ``deploy`` is ``pxedeploy``."""
    yield from edit.rename_elements(root, "deploy", "pxedeploy")


def gather_oem(root: _Element) -> Iterator[Change]:
    """3.8 → 3.9: the ``oem-…`` elements stand in an ``oemconfig``."""
    for element in edit.elements(root, "*"):
        parent = element.getparent()
        if parent is None or parent.tag == "oemconfig" or not str(element.tag).startswith("oem-"):
            continue
        yield edit.changed(element, "moved into <oemconfig>")
        config = edit.find_or_add(parent, "oemconfig")
        edit.copy_into(config, element)
        edit.delete(element)


def name_image_types(root: _Element) -> Iterator[Change]:
    """3.9 → 4.1: a type's name is an attribute, and what is for certain types stands in them."""
    for element in edit.elements(root, "type"):
        name = (element.text or "").strip()
        if name and not element.get("image"):
            element.text = None
            element.set("image", name)
            yield edit.changed(element, f'text {name} is now image="{name}"')
    for block in edit.elements(root, *_BLOCKS):
        parent = block.getparent()
        if parent is not None and parent.tag in {"image", "preferences"}:
            yield from _into_types(root, parent, block)


def _into_types(root: _Element, parent: _Element, block: _Element) -> Iterator[Change]:
    wanted = _BLOCKS[str(block.tag)]
    block.attrib.pop("profiles", None)
    homes = parent if parent.tag == "preferences" else root
    for home in edit.elements(homes, "type"):
        if (wanted is None or home.get("image") in wanted) and home.find(str(block.tag)) is None:
            edit.copy_into(home, block)
    yield edit.changed(block, "moved into the types it is for")
    edit.delete(block)


def nothing(root: _Element) -> Iterator[Change]:  # noqa: ARG001  # a step like the others
    """A new number only."""
    yield from ()


STEPS = (
    ("1.4", "2.0", name_bootstrap),
    ("2.0", "2.4", nothing),
    ("2.4", "3.5", nothing),
    ("3.5", "3.7", say_true_and_false),
    ("3.7", "3.8", name_pxedeploy),
    ("3.8", "3.9", gather_oem),
    ("3.9", "4.1", name_image_types),
)
