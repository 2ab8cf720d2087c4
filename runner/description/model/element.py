# SPDX-License-Identifier: Apache-2.0
"""What all elements share: their place, their selection by profile and architecture, and how XML is read."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from runner.errors import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lxml.etree import _Element


class Element(msgspec.Struct, frozen=True, kw_only=True):
    """Anything that was read from one element. ``at`` is its file, line and tag."""

    at: Location


class Section(Element, frozen=True, kw_only=True):
    """An element that applies only with certain profiles or machines; empty means always."""

    profiles: tuple[str, ...] = ()
    arch: tuple[str, ...] = ()

    def applies(self, profiles: Sequence[str], arch: str) -> bool:
        """Tell whether the section counts for the selected ``profiles`` on machine ``arch`` (as uname -m)."""
        if self.profiles and not set(self.profiles).intersection(profiles):
            return False
        return not self.arch or arch in self.arch


class Node(Element, frozen=True, kw_only=True):
    """An element no builder of this engine reads yet, kept whole so that nothing is lost."""

    name: str
    attributes: dict[str, str] = {}
    text: str = ""
    children: tuple[Node, ...] = ()

    @property
    def section(self) -> Section:
        """The node seen as a section: its ``profiles`` and ``arch`` attributes decide whether it counts."""
        return Section(
            at=self.at, profiles=words(self.attributes.get("profiles")), arch=words(self.attributes.get("arch"))
        )


BASE = "{http://www.w3.org/XML/1998/namespace}base"
"""``xml:base``, the loader's mark of elements included from another file: no attribute of the language."""


def location_of(element: _Element) -> Location:
    """Return where ``element`` stands: the name of its file, its line and its tag."""
    return Location(_file_name(element.base), element.sourceline, str(element.tag))


@functools.lru_cache(maxsize=256)
def _file_name(base: str | None) -> str:
    return unquote(base or "description")


def children(parent: _Element, *names: str) -> Iterator[_Element]:
    """Return the child elements of ``parent`` called one of ``names`` (all elements without names), in order."""
    return parent.iterchildren(*(names or ("*",)))


def child(parent: _Element, name: str) -> _Element | None:
    """Return the first child called ``name``."""
    return next(children(parent, name), None)


def text_of(element: _Element | None) -> str:
    """Return the text of ``element`` without surrounding white space; comments inside do not count."""
    if element is None:
        return ""
    return "".join([element.text or "", *(part.tail or "" for part in element)]).strip()


def child_text(parent: _Element, name: str) -> str:
    """Return the trimmed text of the first child called ``name``, empty without one."""
    return text_of(child(parent, name))


def words(value: str | None, separator: str | None = ",") -> tuple[str, ...]:
    """Split a list attribute (comma by default, white space for None), trimmed, without empty parts."""
    return tuple(part.strip() for part in (value or "").split(separator) if part.strip())


def flag(value: str | None) -> bool | None:
    """Read an xsd:boolean; None when absent or empty."""
    text = (value or "").strip()
    return None if not text else text in {"true", "1"}


def number(value: str | None) -> int | None:
    """Read an integer; None when absent or empty. The schema has already refused anything else."""
    text = (value or "").strip()
    return int(text) if text else None


def attribute(element: _Element, name: str) -> str:
    """Return an attribute without surrounding white space, empty when absent."""
    return (element.get(name) or "").strip()


def section_of(element: _Element) -> Mapping[str, tuple[str, ...]]:
    """Return the constructor arguments that every :class:`Section` takes from its attributes."""
    return {"profiles": words(element.get("profiles")), "arch": words(element.get("arch"))}


def read_node(element: _Element) -> Node:
    """Keep an element as it is, with all below it."""
    return Node(
        at=location_of(element),
        name=str(element.tag),
        attributes={str(name): str(value) for name, value in element.attrib.items() if name != BASE},
        text=text_of(element),
        children=tuple(read_node(inner) for inner in children(element)),
    )
