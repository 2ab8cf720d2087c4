# SPDX-License-Identifier: Apache-2.0
"""The few edits upgrade steps are made of; each keeps lines and comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element


def elements(root: _Element, *tags: str) -> Iterator[_Element]:
    """Yield every element called one of ``tags``; the list is made first, so that the tree may be changed."""
    yield from list(root.iter(*tags))


def drop_attributes(root: _Element, tag: str, *names: str) -> None:
    for element in elements(root, tag):
        for name in names:
            element.attrib.pop(name, None)


def delete(element: _Element) -> None:
    """Remove ``element`` with all below it, but not the text that follows it."""
    parent = element.getparent()
    if parent is None:
        return
    _append_text(element, element.tail)
    parent.remove(element)


def delete_all(root: _Element, *tags: str) -> None:
    for element in elements(root, *tags):
        delete(element)


def unwrap(element: _Element) -> None:
    """Replace ``element`` by its children."""
    parent = element.getparent()
    if parent is None:
        return
    place = parent.index(element)
    for offset, inner in enumerate(list(element)):
        parent.insert(place + offset, inner)
    delete(element)


def rename_value(element: _Element, attribute: str, names: Mapping[str, str]) -> None:
    """Replace the attribute's value when it is a key of ``names``."""
    value = (element.get(attribute) or "").strip()
    if value in names:
        element.set(attribute, names[value])


def rename_text(root: _Element, tag: str, names: Mapping[str, str]) -> None:
    for element in elements(root, tag):
        text = (element.text or "").strip()
        if text in names:
            element.text = names[text]


def add_child(parent: _Element, tag: str, attributes: Mapping[str, str] | None = None, text: str = "") -> _Element:
    """Append a new element that reports the line of ``parent``: that is where its content was written."""
    from lxml import etree

    element = etree.SubElement(parent, tag, dict(attributes or {}))
    element.text = text or None
    element.sourceline = parent.sourceline  # type: ignore[misc]  # lxml lets us, its stubs do not
    return element


def find_or_add(parent: _Element, tag: str) -> _Element:
    found = parent.find(tag)
    return add_child(parent, tag) if found is None else found


def _append_text(element: _Element, text: str | None) -> None:
    before, parent = element.getprevious(), element.getparent()
    if not text or parent is None:
        return
    if before is not None:
        before.tail = (before.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
    element.tail = None
