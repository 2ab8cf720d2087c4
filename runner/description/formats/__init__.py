# SPDX-License-Identifier: Apache-2.0
"""The syntaxes of a description, one module each; which one is told by the content, as KIWI does.

A format is ``sniff(data)``: is this mine, and ``parse(data, name)``: the lxml tree of the description. All formats
end in the same tree, so nothing after this package knows in which syntax a description was written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runner.description.formats import xml
from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_BYTES = 8 << 20
"""Largest main file in bytes; real descriptions stay below 1 MiB."""


class Syntax(Protocol):
    def sniff(self, data: bytes) -> bool: ...

    def parse(self, data: bytes, name: str) -> _Element: ...


FORMATS: tuple[Syntax, ...] = (xml,)


def to_text(root: _Element) -> str:
    """Print a tree as an XML document."""
    from lxml import etree

    return etree.tostring(root, encoding="unicode") + "\n"


def parse(data: bytes, name: str) -> _Element:
    """Parse the bytes of the file called ``name`` into a tree.

    Raises:
        DescriptionError: too large, empty, not text, or in no known syntax; malformed input with its line.
    """
    if len(data) > MAX_BYTES:
        raise DescriptionError(f"the description is larger than {MAX_BYTES >> 20} MiB", where=Location(name))
    if not data.strip():
        raise DescriptionError("the description is empty", where=Location(name))
    for syntax in FORMATS:
        if syntax.sniff(data):
            return syntax.parse(data, name)
    raise DescriptionError(
        "this file is not a description in XML",
        where=Location(name, 1),
        why="descriptions in YAML, JSON and TOML are not read yet",
    )
