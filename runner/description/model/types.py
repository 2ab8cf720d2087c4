# SPDX-License-Identifier: Apache-2.0
"""``<type>``: one buildable result, with its attributes as written and its typed children."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.model.containers import ContainerConfig, read_container
from runner.description.model.element import (
    Element,
    Node,
    attribute,
    child,
    children,
    flag,
    location_of,
    read_node,
    text_of,
)

if TYPE_CHECKING:
    from lxml.etree import _Element


class Size(Element, frozen=True, kw_only=True):
    """``<size>``: ``value`` in ``unit`` (``M`` or ``G``)."""

    value: int
    unit: str = "M"
    additive: bool = False


class ImageType(Element, frozen=True, kw_only=True):
    """One result. ``attributes`` are all as written; ``children`` is what no builder reads typed yet."""

    image: str
    primary: bool = False
    attributes: dict[str, str] = {}  # noqa: RUF012 - msgspec copies it
    size: Size | None = None
    container: ContainerConfig | None = None
    children: tuple[Node, ...] = ()

    def get(self, name: str, default: str = "") -> str:
        """Return the attribute ``name`` trimmed, or ``default`` when absent or empty."""
        return self.attributes.get(name, "").strip() or default

    def flag(self, name: str, *, default: bool) -> bool:
        """Return the boolean attribute ``name``."""
        value = flag(self.attributes.get(name))
        return default if value is None else value

    def child(self, name: str) -> Node | None:
        """Return the first untyped child called ``name``."""
        return next((node for node in self.children if node.name == name), None)


_TYPED = frozenset({"size", "containerconfig"})


def read_types(preferences: _Element) -> tuple[ImageType, ...]:
    return tuple(_type(element) for element in children(preferences, "type"))


def _type(element: _Element) -> ImageType:
    return ImageType(
        at=location_of(element),
        image=attribute(element, "image"),
        primary=flag(element.get("primary")) or False,
        attributes={str(name): str(value).strip() for name, value in element.attrib.items()},
        size=_size(child(element, "size")),
        container=read_container(element),
        children=tuple(read_node(entry) for entry in children(element) if entry.tag not in _TYPED),
    )


def _size(element: _Element | None) -> Size | None:
    if element is None:
        return None
    return Size(
        at=location_of(element),
        value=int(text_of(element)),
        unit=attribute(element, "unit") or "M",
        additive=flag(element.get("additive")) or False,
    )
