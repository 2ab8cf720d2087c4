# SPDX-License-Identifier: Apache-2.0
"""The table of the whole language: each element and attribute with what it holds, means and is for.

The grammar says what is well-formed; the table says that again, independently, and what no grammar can say: since
when, for which image types, with which default, and what it means. A test holds the two together. The table feeds
the rules about image types and the reference in ``docs/reference``.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = Path(__file__).parent / "compiled" / "table.json"


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of an element and of an attribute alike.

    Attributes:
        meaning: what it does.
        holds: the values it may have, or the kind of value it takes, as named in the grammar; None: no text.
        default: what counts when it is absent.
        serves: image types it is for; with any other it is an error. Empty: all types.
        used_by: image types that make use of it; with any other it does nothing. Empty: all types.
        since: the KIWI release that brought it; "9.0" stands for this and all before, "" for unknown.
        priority: P0 is what no description can do without, P1 comes next, P2 is rare.
    """

    meaning: str
    holds: str | tuple[str, ...] | None = None
    default: str | None = None
    serves: tuple[str, ...] = msgspec.field(name="for", default=())
    used_by: tuple[str, ...] = ()
    since: str = "9.0"
    priority: Literal["P0", "P1", "P2"] = "P0"


class Attribute(Fact, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    required: bool = False


class Element(Fact, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """``count`` says how often it may stand in one of ``within``: ``1``, ``?``, ``*`` or ``+``."""

    name: str = msgspec.field(name="element")
    within: tuple[str, ...] = msgspec.field(name="in", default=())
    count: Literal["1", "?", "*", "+"] = "?"
    attributes: tuple[Attribute, ...] = ()


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """More attributes of an element that another page introduces."""

    of: str
    attributes: tuple[Attribute, ...]


class Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One domain of the language: a page of the reference."""

    name: str
    title: str
    text: str
    groups: tuple[Group, ...] = ()
    elements: tuple[Element, ...] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table: an element, or with ``attribute`` one of its attributes."""

    element: str
    attribute: str
    within: tuple[str, ...]
    fact: Fact

    @property
    def for_types(self) -> tuple[str, ...]:
        """The image types this is for, however strictly; empty: all."""
        return self.fact.serves or self.fact.used_by


@functools.cache
def pages() -> tuple[Page, ...]:
    """Return the whole table."""
    return msgspec.json.decode(TABLE.read_bytes(), type=tuple[Page, ...])


def rows() -> Iterator[Row]:
    """Yield every element, each followed by its attributes, page by page."""
    for page in pages():
        for group in page.groups:
            yield from _attributes(group.of, (), group.attributes)
        for entry in page.elements:
            yield Row(element=entry.name, attribute="", within=entry.within, fact=entry)
            yield from _attributes(entry.name, entry.within, entry.attributes)


def _attributes(element: str, within: tuple[str, ...], attributes: tuple[Attribute, ...]) -> Iterator[Row]:
    for entry in attributes:
        yield Row(element=element, attribute=entry.name, within=within, fact=entry)
