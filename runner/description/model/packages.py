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
    from collections.abc import Sequence

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
    by_tag: dict[str, list[_Element]] = {}
    for entry in children(element):  # once: thousands of packages stand in one section
        by_tag.setdefault(str(entry.tag), []).append(entry)
    return PackageSection(
        at=location_of(element),
        kind=attribute(element, "type"),
        pattern_type=attribute(element, "patternType"),
        bootstrap_package=attribute(element, "bootstrap_package"),
        packages=_named(by_tag.get("package")),
        ignored=_named(by_tag.get("ignore")),
        collections=_named(by_tag.get("namedCollection")),
        archives=tuple(
            Archive(
                at=location_of(entry), name=attribute(entry, "name"), target_dir=attribute(entry, "target_dir")
            )
            for entry in by_tag.get("archive", ())
        ),
        files=tuple(_file(entry) for entry in by_tag.get("file", ())),
        others=_others(element) if by_tag.keys() - _TYPED else (),
        **section_of(element),
    )


def _named(entries: Sequence[_Element] | None) -> tuple[NamedEntry, ...]:
    if not entries:
        return ()
    file, _, tag = location_of(entries[0])
    return tuple(
        NamedEntry(
            at=Location(file, entry.sourceline, tag),
            name=entry.get("name", "").strip(),
            arch=words(arch) if (arch := entry.get("arch")) else (),
        )
        for entry in entries
    )


def _others(section: _Element) -> tuple[Node, ...]:
    return tuple(read_node(entry) for entry in children(section) if entry.tag not in _TYPED)


def _file(element: _Element) -> File:
    return File(
        at=location_of(element),
        name=attribute(element, "name"),
        target=attribute(element, "target"),
        owner=attribute(element, "owner"),
        permissions=attribute(element, "permissions"),
    )
