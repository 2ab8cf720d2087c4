# SPDX-License-Identifier: Apache-2.0
"""``<packages>``: package names, collections, archives and single files, by section type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.model.element import (
    Element,
    Node,
    Section,
    attribute,
    children,
    location_of,
    read_node,
    section_of,
    words,
)
from runner.errors import Location

if TYPE_CHECKING:
    from lxml.etree import _Element


class NamedEntry(Element, frozen=True, kw_only=True):
    """``<package>``, ``<ignore>`` or ``<namedCollection>``: a name, on the machines of ``arch`` or everywhere."""

    name: str
    arch: tuple[str, ...] = ()


class Archive(Element, frozen=True, kw_only=True):
    """``<archive>``: a tarball beside the description."""

    name: str
    target_dir: str = ""


class File(Element, frozen=True, kw_only=True):
    """``<file>``: a single file beside the description."""

    name: str
    target: str = ""
    owner: str = ""
    permissions: str = ""


class PackageSection(Section, frozen=True, kw_only=True):
    """One ``<packages>`` group. ``kind`` is its ``type``: bootstrap, image, delete, …, or a type to build."""

    kind: str
    pattern_type: str = ""
    bootstrap_package: str = ""
    packages: tuple[NamedEntry, ...] = ()
    ignored: tuple[NamedEntry, ...] = ()
    collections: tuple[NamedEntry, ...] = ()
    archives: tuple[Archive, ...] = ()
    files: tuple[File, ...] = ()
    others: tuple[Node, ...] = ()


_TYPED = frozenset({"package", "ignore", "namedCollection", "archive", "file"})


def read_packages(image: _Element) -> tuple[PackageSection, ...]:
    return tuple(_section(element) for element in children(image, "packages"))


def _section(element: _Element) -> PackageSection:
    return PackageSection(
        at=location_of(element),
        kind=attribute(element, "type"),
        pattern_type=attribute(element, "patternType"),
        bootstrap_package=attribute(element, "bootstrap_package"),
        packages=_named(element, "package"),
        ignored=_named(element, "ignore"),
        collections=_named(element, "namedCollection"),
        archives=tuple(
            Archive(
                at=location_of(entry), name=attribute(entry, "name"), target_dir=attribute(entry, "target_dir")
            )
            for entry in children(element, "archive")
        ),
        files=tuple(_file(entry) for entry in children(element, "file")),
        others=tuple(read_node(entry) for entry in children(element) if entry.tag not in _TYPED),
        **section_of(element),
    )


def _named(section: _Element, tag: str) -> tuple[NamedEntry, ...]:
    file = location_of(section).file  # asked once: thousands of packages stand in one section
    return tuple(
        NamedEntry(
            at=Location(file, entry.sourceline, tag),
            name=attribute(entry, "name"),
            arch=words(arch) if (arch := entry.get("arch")) else (),
        )
        for entry in children(section, tag)
    )


def _file(element: _Element) -> File:
    return File(
        at=location_of(element),
        name=attribute(element, "name"),
        target=attribute(element, "target"),
        owner=attribute(element, "owner"),
        permissions=attribute(element, "permissions"),
    )
