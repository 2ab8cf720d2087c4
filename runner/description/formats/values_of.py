# SPDX-License-Identifier: Apache-2.0
"""From the tree of elements to values, for printing it in another syntax than XML.

What these syntaxes cannot say is left out: the order of siblings with different names, white space around texts,
and where in a text an element stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.formats.values import Items, Scalar, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

    from runner.description.formats.values import Value

_XML = "http://www.w3.org/XML/1998/namespace"


def values_of(root: _Element) -> Table:
    """Return the table with the root element as its one entry, comments with what they stand before."""
    notes = [_note(node) for node in reversed(list(root.itersiblings(preceding=True))) if is_comment(node)]
    notes += [_note(node) for node in root.itersiblings() if is_comment(node)]
    return Table(1, ((_name(root, str(root.tag), attribute=False), _value(root, tuple(notes), {})),))


def _value(element: _Element, notes: tuple[str, ...], outer: Mapping[str | None, str]) -> Value:
    scope = element.nsmap
    entries: list[tuple[str, Value]] = [
        (f"@xmlns:{prefix}" if prefix else "@xmlns", Scalar(1, uri))
        for prefix, uri in scope.items()
        if outer.get(prefix) != uri
    ]
    for name, value in element.attrib.items():
        entries.append(("@" + _name(element, str(name), attribute=True), Scalar(1, str(value))))
    groups, left = _children(element, scope)
    text = "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
    notes += left
    if not entries and not groups:
        return Scalar(1, text, notes)
    if text:
        entries.append(("#text", Scalar(1, text)))
    for name, values in groups.items():
        entries.append((name, values[0] if len(values) == 1 else Items(1, tuple(values))))
    return Table(1, tuple(entries), notes)


def _children(
    element: _Element, scope: Mapping[str | None, str]
) -> tuple[dict[str, list[Value]], tuple[str, ...]]:
    """Return the child elements by name, and the comments after the last of them."""
    groups: dict[str, list[Value]] = {}
    notes: list[str] = []
    for child in element:
        if is_comment(child):
            notes.append(_note(child))
        elif isinstance(child.tag, str):
            name = _name(child, child.tag, attribute=False)
            groups.setdefault(name, []).append(_value(child, tuple(notes), scope))
            notes.clear()
    return groups, tuple(notes)


def _name(element: _Element, tag: str, *, attribute: bool) -> str:
    """Return a name with the prefix it has here instead of its namespace."""
    if not tag.startswith("{"):
        return tag
    uri, _, local = tag[1:].partition("}")
    if uri == _XML:
        return f"xml:{local}"
    prefixes = [prefix for prefix, known in element.nsmap.items() if known == uri and (prefix or not attribute)]
    prefix = element.prefix if not attribute and element.prefix in prefixes else prefixes[0]
    return f"{prefix}:{local}" if prefix else local


def is_comment(node: _Element) -> bool:
    """Tell comments from elements and processing instructions."""
    from lxml import etree

    return isinstance(node, etree._Comment)  # noqa: SLF001  # the only class comments have


def _note(comment: _Element) -> str:
    return "\n".join(line.strip() for line in (comment.text or "").strip().splitlines())
