# SPDX-License-Identifier: Apache-2.0
"""The few edits upgrade steps are made of; each keeps lines and comments, and tells what it changed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import msgspec

from runner.description.model.element import location_of
from runner.errors import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element


class Change(msgspec.Struct, frozen=True):
    """One thing a step changed: where, what was done, and the step's ``FROM → TO`` (set by the chain)."""

    where: Location
    what: str
    step: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" [{self.step}]" if self.step else "")


def changed(element: _Element, what: str) -> Change:
    """Note a change at ``element``; made before the element goes away or loses its name."""
    return Change(location_of(element), what)


def elements(root: _Element, *tags: str) -> Iterator[_Element]:
    """Yield every element called one of ``tags``; the list is made first, so that the tree may be changed."""
    yield from list(root.iter(*tags))


def values(root: _Element, tag: str, attribute: str) -> Iterator[tuple[_Element, str]]:
    """Yield every element called ``tag`` that has the attribute, with its trimmed value."""
    for element in elements(root, tag):
        value = element.get(attribute)
        if value is not None:
            yield element, value.strip()


def drop_attributes(root: _Element, tag: str, *names: str) -> Iterator[Change]:
    for element in elements(root, tag):
        for name in names:
            if element.attrib.pop(name, None) is not None:
                yield changed(element, f"attribute {name} removed")


def drop_values(root: _Element, tag: str, attribute: str, *unwanted: str) -> Iterator[Change]:
    """Remove the attribute where it has one of the ``unwanted`` values."""
    for element, value in values(root, tag, attribute):
        if value in unwanted:
            del element.attrib[attribute]
            yield changed(element, f'{attribute}="{value}" removed')


def rename_attribute(root: _Element, tag: str, old: str, new: str) -> Iterator[Change]:
    for element, _ in values(root, tag, old):
        value = element.attrib.pop(old)
        if new not in element.attrib:
            element.set(new, value)
        yield changed(element, f"attribute {old} renamed to {new}")


def rename_values(root: _Element, tag: str, attribute: str, names: Mapping[str, str]) -> Iterator[Change]:
    """Replace the attribute's value where it is a key of ``names``."""
    for element, value in values(root, tag, attribute):
        if value in names:
            element.set(attribute, names[value])
            yield changed(element, f'{attribute}="{value}" is now "{names[value]}"')


def rename_text(root: _Element, tag: str, names: Mapping[str, str]) -> Iterator[Change]:
    for element in elements(root, tag):
        text = (element.text or "").strip()
        if text in names:
            element.text = names[text]
            yield changed(element, f"{text} is now {names[text]}")


def rename_elements(root: _Element, old: str, new: str) -> Iterator[Change]:
    for element in elements(root, old):
        yield changed(element, f"renamed to <{new}>")
        element.tag = new


def delete(element: _Element) -> None:
    """Remove ``element`` with all below it; the layout before it goes, text that follows it stays."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail and not element.tail.strip():
        _drop_layout_before(element)
    _append_text(element, element.tail)
    parent.remove(element)


def delete_all(root: _Element, *tags: str) -> Iterator[Change]:
    for element in elements(root, *tags):
        yield changed(element, "removed")
        delete(element)


def unwrap(element: _Element) -> Change:
    """Replace ``element`` by its children."""
    note = changed(element, "replaced by what it held")
    parent = element.getparent()
    if parent is not None:
        place = parent.index(element)
        for offset, inner in enumerate(list(element)):
            parent.insert(place + offset, inner)
        delete(element)
    return note


def add_child(parent: _Element, tag: str, attributes: Mapping[str, str] | None = None, text: str = "") -> _Element:
    """Append a new element that reports the line of ``parent``: that is where its content was written."""
    from lxml import etree

    element: _Element = etree.Element(tag, dict(attributes or {}))
    append(parent, element)
    element.text = text or None
    element.sourceline = parent.sourceline  # type: ignore[misc]  # lxml lets us, its stubs do not
    return element


def append(parent: _Element, element: _Element) -> None:
    """Append ``element`` on a line of its own where its neighbours stand on lines of their own."""
    last = parent[-1] if len(parent) else None
    outer = _indent_before(parent)
    if last is not None:
        inner = _indent_before(last)
        if inner and not (last.tail or "").strip():
            element.tail, last.tail = last.tail, inner
        else:
            element.tail = None
    elif outer and not (parent.text or "").strip():
        parent.text, element.tail = outer + "  ", outer
    parent.append(element)


def copy_into(parent: _Element, element: _Element) -> None:
    """Append a copy of ``element`` that keeps its lines."""
    twin = copy.deepcopy(element)
    twin.tail = None
    append(parent, twin)


def find_or_add(parent: _Element, tag: str) -> _Element:
    found = parent.find(tag)
    return add_child(parent, tag) if found is None else found


def _indent_before(element: _Element) -> str:
    """Return the line break and the spaces right before ``element``; nothing if it does not begin a line."""
    before, parent = element.getprevious(), element.getparent()
    text = before.tail if before is not None else parent.text if parent is not None else None
    if not text or text.strip() or "\n" not in text:
        return ""
    return "\n" + text.rpartition("\n")[2]


def _drop_layout_before(element: _Element) -> None:
    before, parent = element.getprevious(), element.getparent()
    if before is not None:
        before.tail = None if not (before.tail or "").strip() else before.tail
    elif parent is not None and not (parent.text or "").strip():
        parent.text = None


def _append_text(element: _Element, text: str | None) -> None:
    before, parent = element.getprevious(), element.getparent()
    if not text or parent is None:
        return
    if before is not None:
        before.tail = (before.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
    element.tail = None
